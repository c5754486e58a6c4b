"""Motion templates that are damaged, hostile, or of other weights."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from reenact.errors import MediaError, TemplateError
from reenact.template import FORMAT

from .case import Made, Refused, awkward
from .sources import put

WEIGHTS = "c" * 64
"""Hash that the stub model says it has."""


def tensors(frames: int = 4) -> dict[str, Tensor]:
    """The motion of a face that holds still, for the stub model."""
    return {
        "points": torch.zeros(frames, 4, 2),
        "affines": torch.eye(2).expand(frames, 4, 2, 2).contiguous(),
        "pose": torch.zeros(frames, 6),
        "timestamps": torch.arange(frames, dtype=torch.int64),
    }


def metadata(**changes: str) -> dict[str, str]:
    usual = {"format": FORMAT, "rate": "25", "tick": "1/25", "weights": WEIGHTS, "note": ""}
    return usual | changes


def template(folder: Path, changes: dict[str, Tensor] | None = None, **facts: str) -> Path:
    return put(folder / "talk.safetensors", save(tensors() | (changes or {}), metadata(**facts)))


def with_header(folder: Path, size: int, header: bytes) -> Path:
    return put(folder / "talk.safetensors", struct.pack("<Q", size) + header)


@awkward("driving", Made(frames=4))
def whole_template(folder: Path) -> Path:
    return template(folder)


@awkward("driving", Refused(TemplateError, "not finite"))
def nan_in_the_motion(folder: Path) -> Path:
    return template(folder, {"points": torch.full((4, 4, 2), torch.nan)})


@awkward("driving", Refused(TemplateError, "not finite"))
def infinite_pose(folder: Path) -> Path:
    return template(folder, {"pose": torch.full((4, 6), -torch.inf)})


@awkward("driving", Refused(TemplateError, "made by weights"))
def template_of_other_weights(folder: Path) -> Path:
    return template(folder, weights="d" * 64)


@awkward("driving", Refused(TemplateError, "shapes"))
def one_time_too_few(folder: Path) -> Path:
    return template(folder, {"timestamps": torch.arange(3)})


@awkward("driving", Refused(TemplateError, "shapes"))
def no_frames_in_the_template(folder: Path) -> Path:
    return template(folder, {name: tensor[:0] for name, tensor in tensors().items()})


@awkward("driving", Refused(TemplateError, "shapes"))
def a_number_for_a_tensor(folder: Path) -> Path:
    return template(folder, {"points": torch.tensor(0.0)})


@awkward("driving", Refused(TemplateError, "another type"))
def half_precision(folder: Path) -> Path:
    return template(folder, {"points": torch.zeros(4, 4, 2, dtype=torch.float16)})


@awkward("driving", Refused(TemplateError, "rising"))
def times_that_fall(folder: Path) -> Path:
    return template(folder, {"timestamps": torch.tensor([0, 2, 1, 3])})


@awkward("driving", Refused(TemplateError, "rising"))
def times_beyond_all_clocks(folder: Path) -> Path:
    ends = [-(2**63), 0, 1, 2**63 - 1]  # their difference is not a number of 64 bits
    return template(folder, {"timestamps": torch.tensor(ends)})


@awkward("driving", Refused(TemplateError, "less than a day"))
def times_of_centuries(folder: Path) -> Path:
    return template(folder, {"timestamps": torch.tensor([0, 1, 2, 2**62])})


@awkward("driving", Refused(TemplateError, "cannot be read"))
def pipe_as_template(folder: Path) -> Path:
    os.mkfifo(folder / "talk.safetensors")
    return folder / "talk.safetensors"


@awkward("driving", Refused(TemplateError, "shapes"))
def a_keypoint_without_its_affine_map(folder: Path) -> Path:
    return template(folder, {"affines": torch.zeros(4, 3, 2, 2)})


@awkward("driving", Refused(TemplateError, "keypoints"))
def keypoints_of_another_model(folder: Path) -> Path:
    return template(folder, {"points": torch.zeros(4, 9, 2), "affines": torch.zeros(4, 9, 2, 2)})


@awkward("driving", Refused(TemplateError, "rate"))
def rate_of_zero(folder: Path) -> Path:
    return template(folder, rate="0/1")


@awkward("driving", Refused(TemplateError, "tick"))
def tick_that_is_no_fraction(folder: Path) -> Path:
    return template(folder, tick="__import__('os')")


@awkward("driving", Refused(TemplateError, "format"))
def template_of_another_program(folder: Path) -> Path:
    return template(folder, format="live/3")


@awkward("driving", Refused(TemplateError, "tensors"))
def tensors_too_many(folder: Path) -> Path:
    return template(folder, {"more": torch.zeros(1)})


@awkward("driving", Refused(TemplateError, "cannot be read"))
def half_a_template(folder: Path) -> Path:
    whole = template(folder).read_bytes()
    return put(folder / "talk.safetensors", whole[: len(whole) // 2])


@awkward("driving", Refused(TemplateError, "cannot be read"))
def empty_template(folder: Path) -> Path:
    return put(folder / "talk.safetensors", b"")


@awkward("driving", Refused(TemplateError, "cannot be read"))
def header_of_exabytes(folder: Path) -> Path:
    return with_header(folder, 2**60, b"{}")


@awkward("driving", Refused(TemplateError, "cannot be read"))
def header_that_is_no_json(folder: Path) -> Path:
    return with_header(folder, 8, b"[[[[[[[[")


def _claim(folder: Path, claim: Callable[[dict[str, Any]], None]) -> Path:
    whole = template(folder).read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    claim(header)
    text = json.dumps(header).encode()
    return put(folder / "talk.safetensors", struct.pack("<Q", len(text)) + text + whole[8 + size :])


@awkward("driving", Refused(TemplateError, "cannot be read"))
def tensor_beyond_the_end(folder: Path) -> Path:
    return _claim(folder, lambda header: header["pose"].update(data_offsets=[0, 2**40]))


@awkward("driving", Refused(TemplateError, "cannot be read"))
def tensors_that_overlap(folder: Path) -> Path:
    return _claim(folder, lambda header: header["pose"].update(header["points"]))


@awkward("driving", Refused(TemplateError, "cannot be read"))
def shape_that_overflows(folder: Path) -> Path:
    return _claim(folder, lambda header: header["pose"].update(shape=[2**62, 2**62]))


@awkward("driving", Refused(TemplateError, "cannot be read"))
def pickle_named_template(folder: Path) -> Path:
    torch.save({"points": torch.zeros(3)}, folder / "talk.safetensors")
    return folder / "talk.safetensors"


@awkward("driving", Refused(TemplateError, "cannot be read"))
def missing_template(folder: Path) -> Path:
    return folder / "gone.safetensors"


@awkward("driving", Refused(MediaError, "no picture"))
def folder_named_template(folder: Path) -> Path:
    (folder / "talk.safetensors").mkdir()
    return folder / "talk.safetensors"
