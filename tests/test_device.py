from __future__ import annotations

import pytest
import torch

import reenact
from reenact.device import choose_device
from reenact.errors import ConfigError


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> int:
    count: int = request.param
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    return count


@pytest.mark.parametrize("gpus", [0, 2], indirect=True)
def test_auto_is_a_gpu_where_there_is_one(gpus: int) -> None:
    assert choose_device("auto") == torch.device("cuda" if gpus else "cpu")
    assert choose_device("cpu") == choose_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("gpus", [2], indirect=True)
def test_one_of_several_gpus_can_be_named(gpus: int) -> None:
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ConfigError, match="expected one of 2 CUDA devices"):
        choose_device("cuda:2")


@pytest.mark.parametrize("gpus", [0], indirect=True)
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "gpu", "meta", ""])
def test_a_model_is_not_loaded_to_a_device_that_is_not_there(gpus: int, name: str) -> None:
    with pytest.raises(ConfigError, match=f"device: found '{name}', expected"):
        reenact.load(device=name)
