import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from reenact import checkpoint
from reenact.checkpoint import FORMAT, load_model, read_info, save_model, weights_hash
from reenact.config import SIZES, to_settings
from reenact.errors import CheckpointError
from reenact.model import FaceletModel, build_model

TINY = SIZES["tiny"]
Tamper = Callable[[dict[str, Tensor], dict[str, str]], None]


@pytest.fixture(scope="module")
def model() -> FaceletModel:
    torch.manual_seed(0)
    model = build_model(TINY)
    model.set_pose_statistics(torch.randn(6), torch.rand(6) + 0.1)
    model.set_dynamic_temperature(7.0)
    return model


@pytest.fixture
def path(model: FaceletModel, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(model, path, TINY, {"steps": 3})
    return path


def assert_same_weights(left: FaceletModel, right: FaceletModel) -> None:
    for (name, one), (other_name, other) in zip(
        left.state_dict().items(), right.state_dict().items(), strict=True
    ):
        assert name == other_name
        assert torch.equal(one, other), name


def test_full_precision_is_bit_equal(model: FaceletModel, tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "model.safetensors"
    save_model(model, path, TINY, half=False)
    assert_same_weights(load_model(path), model)


def test_half_precision_is_bit_equal_from_the_second_time_on(path: Path, tmp_path: Path) -> None:
    loaded = load_model(path)
    again = tmp_path / "again.safetensors"
    save_model(loaded, again, TINY, {"steps": 3})
    first, second = load_file(path), load_file(again)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert_same_weights(load_model(again), loaded)


def test_half_precision_rounds_matrices_and_leaves_statistics(
    model: FaceletModel, path: Path
) -> None:
    loaded = load_model(path)
    assert torch.equal(loaded.pose_mean, model.pose_mean)
    assert torch.equal(loaded.pose_deviation, model.pose_deviation)
    assert {tensor.dtype for tensor in loaded.parameters()} == {torch.float32}
    matrices = [tensor for tensor in load_file(path).values() if tensor.ndim > 1]
    assert {tensor.dtype for tensor in matrices} == {torch.float16}


def test_the_file_says_what_it_holds(path: Path) -> None:
    info = read_info(path)
    assert info.config == TINY
    assert info.record == {"steps": 3}


def test_a_loaded_model_is_ready_for_use(path: Path) -> None:
    assert not load_model(path).training


def test_loading_does_not_wait_for_the_compiler(path: Path) -> None:
    code = "import sys; from reenact import checkpoint; checkpoint.load_model(sys.argv[1]); "
    code += "sys.exit('torch._dynamo' in sys.modules)"
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(path)]
    assert subprocess.run(command, env=places, check=False).returncode == 0


def test_loading_leaves_the_callers_chance_alone(path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_model(path)
    assert torch.equal(torch.rand(3), expected)


def test_the_hash_follows_every_tensor(model: FaceletModel, path: Path) -> None:
    loaded = load_model(path)
    before = weights_hash(loaded)
    assert before == weights_hash(load_model(path))
    assert before != weights_hash(model)
    with torch.no_grad():
        loaded.pose_mean[0] += 1
    assert weights_hash(loaded) != before


def test_a_failed_write_leaves_the_old_file(
    model: FaceletModel, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def fail(_: object, partial: Path, __: object) -> None:
        partial.write_bytes(b"half of it")
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint, "save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save_model(model, path, TINY)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def drop(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
    del tensors["encoder.stem.conv.weight"]


def add(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
    tensors["extra"] = torch.zeros(1)


def reshape(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
    tensors["pose_mean"] = torch.zeros(7)


def poison(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
    tensors["pose_mean"] = torch.full((6,), torch.nan)


def retype(tensors: dict[str, Tensor], _: dict[str, str]) -> None:
    tensors["pose_mean"] = torch.zeros(6, dtype=torch.int64)


def forget(_: dict[str, Tensor], metadata: dict[str, str]) -> None:
    metadata.clear()


def outdate(_: dict[str, Tensor], metadata: dict[str, str]) -> None:
    metadata["format"] = "reenact-facelet/99"


def garble(_: dict[str, Tensor], metadata: dict[str, str]) -> None:
    metadata["config"] = "{"


def nest(_: dict[str, Tensor], metadata: dict[str, str]) -> None:
    metadata["config"] = "[" * 100_000


def inflate(_: dict[str, Tensor], metadata: dict[str, str]) -> None:
    settings = to_settings(TINY)
    settings["encoder"]["base"] = 10**9
    metadata["config"] = json.dumps(settings)


def rename(_: dict[str, Tensor], metadata: dict[str, str]) -> None:
    metadata["config"] = json.dumps({"bank": {"wdith": 3}})


def swap(_: dict[str, Tensor], metadata: dict[str, str]) -> None:
    metadata["config"] = json.dumps(to_settings(SIZES["b"]))


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (drop, r"lacks 'encoder\.stem\.conv\.weight'"),
        (add, "unknown 'extra'"),
        (reshape, r"'pose_mean' has shape \(7,\), expected \(6,\)"),
        (poison, "'pose_mean' holds numbers that are not finite"),
        (retype, "'pose_mean' holds torch.int64, expected torch.float32"),
        (forget, f"its format is None, expected '{FORMAT}'"),
        (outdate, "its format is 'reenact-facelet/99'"),
        (garble, "its config is damaged"),
        (nest, "its config is damaged"),
        (inflate, r"'encoder\.base' is 1000000000"),
        (rename, r"Did you mean 'bank\.width'"),
        (swap, "expected"),
    ],
)
def test_a_file_that_does_not_fit_its_own_config_is_refused(
    path: Path, tamper: Tamper, message: str
) -> None:
    tensors = load_file(path)
    metadata = {"format": FORMAT, "config": json.dumps(to_settings(TINY))}
    tamper(tensors, metadata)
    save_file(tensors, path, metadata)
    with pytest.raises(CheckpointError, match=message) as raised:
        load_model(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_model(path)


@pytest.mark.parametrize(
    "content", [b"\x80\x04cposix\nsystem\n.", b"\xff" * 64, b"PK\x03\x04" + bytes(64)]
)
def test_other_kinds_of_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_model(path)


def test_a_missing_file_and_an_unknown_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no such file"):
        load_model(tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match="there is no such model"):
        checkpoint.load("reenact-xxl")


def test_a_shipped_model_is_found_by_name(
    path: Path, monkeypatch: pytest.MonkeyPatch, model: FaceletModel
) -> None:
    monkeypatch.setattr(checkpoint, "shipped_models", lambda: {"reenact-s": path})
    assert_same_weights(checkpoint.load("reenact-s"), load_model(path))
    with pytest.raises(CheckpointError, match=r"shipped name \(reenact-s\)"):
        checkpoint.load("reenact-xxl")
