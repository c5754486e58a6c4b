"""Weights files that are damaged, hostile, or none; `--model` names them."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save, save_file
from torch import Tensor

from reenact.checkpoint import FORMAT, save_model
from reenact.config import SIZES, to_settings
from reenact.errors import CheckpointError
from reenact.model import build_model

from .case import Refused, awkward
from .sources import put

METADATA = {"format": FORMAT, "config": json.dumps(to_settings(SIZES["tiny"])), "record": "{}"}


@lru_cache(maxsize=1)
def weights() -> dict[str, Tensor]:
    """A tiny model's tensors."""
    with torch.random.fork_rng(devices=[]):
        return dict(build_model(SIZES["tiny"]).state_dict())


def whole_model(folder: Path) -> Path:
    """A weights file that nothing is wrong with."""
    save_model(build_model(SIZES["tiny"]), folder / "model.safetensors", SIZES["tiny"])
    return folder / "model.safetensors"


def tampered(
    folder: Path, change: Callable[[dict[str, Tensor]], Any] | None = None, **facts: str
) -> Path:
    tensors = {name: tensor.clone() for name, tensor in weights().items()}
    if change is not None:
        change(tensors)
    save_file(tensors, folder / "model.safetensors", METADATA | facts)
    return folder / "model.safetensors"


def _first_matrix(tensors: dict[str, Tensor]) -> str:
    return next(name for name, tensor in sorted(tensors.items()) if tensor.ndim > 1)


@awkward("model", Refused(CheckpointError, "no such model"))
def missing_model(folder: Path) -> Path:
    return folder / "gone.safetensors"


@awkward("model", Refused(CheckpointError, "no such model"))
def folder_as_model(folder: Path) -> Path:
    return folder


@awkward("model", Refused(CheckpointError, "no such model"))
def name_of_no_model(folder: Path) -> Path:
    return Path("x" * 5000)


@awkward("model", Refused(CheckpointError, "cannot be read"))
def empty_model(folder: Path) -> Path:
    return put(folder / "model.safetensors", b"")


@awkward("model", Refused(CheckpointError, "cannot be read"))
def pickle_as_model(folder: Path) -> Path:
    torch.save({"generator": {}}, folder / "vox-256.pth.tar")
    return folder / "vox-256.pth.tar"


@awkward("model", Refused(CheckpointError, "cannot be read"))
def half_a_model(folder: Path) -> Path:
    whole = whole_model(folder).read_bytes()
    return put(folder / "model.safetensors", whole[: len(whole) // 2])


@awkward("model", Refused(CheckpointError, "cannot be read"))
def model_header_of_exabytes(folder: Path) -> Path:
    return put(folder / "model.safetensors", struct.pack("<Q", 2**60) + b"{}")


@awkward("model", Refused(CheckpointError, "format"))
def weights_of_something_else(folder: Path) -> Path:
    return put(folder / "model.safetensors", save({"weight": torch.zeros(3)}))


@awkward("model", Refused(CheckpointError, "unknown key"))
def config_with_an_unknown_key(folder: Path) -> Path:
    return tampered(folder, config=json.dumps({"motions": {}}))


@awkward("model", Refused(CheckpointError, "config"))
def config_that_is_a_list(folder: Path) -> Path:
    return tampered(folder, config="[1, 2]")


@awkward("model", Refused(CheckpointError, "config"))
def config_without_bottom(folder: Path) -> Path:
    return tampered(folder, config="[" * 100_000)


@awkward("model", Refused(CheckpointError, "less than or equal to"))
def config_of_a_giant(folder: Path) -> Path:
    """What it describes would take petabytes."""
    settings = json.loads(METADATA["config"])
    settings["motion"]["num_keypoints"] = 10**9
    return tampered(folder, config=json.dumps(settings))


@awkward("model", Refused(CheckpointError, "not finite"))
def nan_in_the_weights(folder: Path) -> Path:
    return tampered(folder, lambda tensors: tensors[_first_matrix(tensors)].fill_(torch.nan))


@awkward("model", Refused(CheckpointError, "missing"))
def weights_without_one(folder: Path) -> Path:
    return tampered(folder, lambda tensors: tensors.pop(_first_matrix(tensors)))


@awkward("model", Refused(CheckpointError, "unknown"))
def weights_with_one_more(folder: Path) -> Path:
    return tampered(folder, lambda tensors: tensors.update(more=torch.zeros(1)))


@awkward("model", Refused(CheckpointError, "shape"))
def weights_of_another_shape(folder: Path) -> Path:
    def change(tensors: dict[str, Tensor]) -> None:
        tensors[_first_matrix(tensors)] = torch.zeros(3, 5)

    return tampered(folder, change)


@awkward("model", Refused(CheckpointError, "torch.int32"))
def weights_of_whole_numbers(folder: Path) -> Path:
    def change(tensors: dict[str, Tensor]) -> None:
        name = _first_matrix(tensors)
        tensors[name] = tensors[name].to(torch.int32)

    return tampered(folder, change)
