"""Motion templates: the motion of a driving video without its pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from reenact.errors import TemplateError
from reenact.places import is_file
from reenact.records import Keypoints, Motion
from reenact.video import Timing
from reenact.video.partial import PartialFile

FORMAT = "reenact-motion/1"
LONGEST = 86_400
"""Seconds: containers cannot count to all that 64 bits can."""
TENSORS = ("points", "affines", "pose", "timestamps")


@dataclass(frozen=True, eq=False)
class MotionTemplate:
    """The motion of every frame of a clip, as one model read it, and when it is shown."""

    motion: Motion
    """T frames along the batch axis; the first is what relative motion starts from."""
    timestamps: NDArray[np.int64]
    """(T,) strictly rising, in ticks."""
    tick: Fraction
    """Seconds per tick."""
    rate: Fraction
    """Frames per second, on average."""
    weights: str
    """Hash of the weights that read the motion; others read other numbers."""
    note: str = ""
    """Where the clip comes from, for people."""
    name: str = "motion template"
    """What errors call it: its file, if it was read from one."""

    def __len__(self) -> int:
        return len(self.timestamps)

    def time(self, index: int) -> Fraction:
        """Seconds at which a frame is shown."""
        return int(self.timestamps[index]) * self.tick

    def batches(self, size: int, device: torch.device, start: int = 0) -> Iterator[Motion]:
        """Motion of up to `size` consecutive frames at a time, from a frame on."""
        for begin in range(start, len(self), size):
            yield self.motion.map(_rows(begin, begin + size)).to(device)

    def between(self, begin: Fraction, end: Fraction | None) -> Self:
        """What is shown from a time on and before another, in seconds; times count from there.

        Raises:
            TemplateError: No frame is shown there.
        """
        shown = [self.time(index) for index in range(len(self))]
        rows = [i for i, time in enumerate(shown) if begin <= time and (end is None or time < end)]
        if not rows:
            raise TemplateError(
                f"{self.name}: no frame from {float(begin):g} s on in the stretch asked for, "
                f"expected times within its {float(shown[-1]):.2f} s. Correct --driving-from and "
                "--driving-to."
            )
        ticks = self.timestamps[rows[0] : rows[-1] + 1]
        return replace(
            self,
            motion=self.motion.map(_rows(rows[0], rows[-1] + 1)),
            timestamps=ticks - ticks[0],
        )

    def check_weights(self, weights: str) -> None:
        """Refuse to drive a model that did not make this template.

        Raises:
            TemplateError: The hashes differ.
        """
        if weights != self.weights:
            raise TemplateError(
                f"{self.name}: made by weights {self.weights[:12]}, expected {weights[:12]}, "
                "those of this model. Record it again with `reenact template`."
            )

    def check_like(self, motion: Motion) -> None:
        """Refuse to drive a portrait whose motion has other numbers in it.

        Raises:
            TemplateError: Keypoints or pose differ in number.
        """
        found, expected = (
            (each.keypoints.points.shape[1], each.pose.shape[1]) for each in (self.motion, motion)
        )
        if found != expected:
            raise TemplateError(
                f"{self.name}: found {found[0]} keypoints and a pose of {found[1]} numbers, "
                f"expected {expected[0]} and {expected[1]}. Record it again with "
                "`reenact template`."
            )

    @classmethod
    def join(
        cls, motions: list[Motion], times: list[Fraction], timing: Timing, weights: str, note: str
    ) -> Self:
        """Join motions of one or more frames each with the times of all frames."""
        points = torch.cat([motion.keypoints.points for motion in motions])
        affines = torch.cat([motion.keypoints.affines for motion in motions])
        pose = torch.cat([motion.pose for motion in motions])
        ticks = np.array([round(time / timing.tick) for time in times], dtype=np.int64)
        return cls(
            motion=Motion(
                Keypoints(points.float().cpu(), affines.float().cpu()), pose.float().cpu()
            ),
            timestamps=ticks,
            tick=timing.tick,
            rate=timing.rate,
            weights=weights,
            note=note,
        )


def _rows(begin: int, end: int) -> Callable[[Tensor], Tensor]:
    return lambda tensor: tensor[begin:end]


def save_template(path: str | PathLike[str], template: MotionTemplate) -> None:
    """Write a template as safetensors: tensors and text, nothing that runs."""
    tensors = {
        "points": template.motion.keypoints.points.contiguous(),
        "affines": template.motion.keypoints.affines.contiguous(),
        "pose": template.motion.pose.contiguous(),
        "timestamps": torch.from_numpy(template.timestamps),
    }
    metadata = {
        "format": FORMAT,
        "rate": str(template.rate),
        "tick": str(template.tick),
        "weights": template.weights,
        "note": template.note,
    }
    file = PartialFile(Path(path))
    try:
        file.path.write_bytes(save(tensors, metadata))
    except BaseException:
        file.discard()
        raise
    file.publish()


def load_template(path: str | PathLike[str]) -> MotionTemplate:
    """Read a template and check that it is whole.

    Raises:
        TemplateError: Missing, damaged, of another format, or with numbers that are none.
    """
    path = Path(path)
    if not is_file(path):
        raise TemplateError(
            f"{path}: cannot be read (no such file), expected a motion template in safetensors. "
            "Record one with `reenact template`."
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise TemplateError(
            f"{path}: cannot be read ({error}), expected a motion template in safetensors. "
            "Record one with `reenact template`."
        ) from error
    fault = _fault(tensors, metadata)
    if fault:
        raise TemplateError(f"{path}: {fault}. Record it again with `reenact template`.")
    return MotionTemplate(
        motion=Motion(Keypoints(tensors["points"], tensors["affines"]), tensors["pose"]),
        timestamps=tensors["timestamps"].numpy(),
        tick=Fraction(metadata["tick"]),
        rate=Fraction(metadata["rate"]),
        weights=metadata["weights"],
        note=metadata.get("note", ""),
        name=str(path),
    )


def _fault(tensors: dict[str, Tensor], metadata: dict[str, str]) -> str | None:
    """What is wrong with the contents of a template file: found and expected; None if nothing."""
    if metadata.get("format") != FORMAT:
        return f"found format {metadata.get('format')!r}, expected {FORMAT!r}"
    if set(tensors) != set(TENSORS):
        return f"found tensors {sorted(tensors)}, expected {sorted(TENSORS)}"
    points, affines, pose, timestamps = (tensors[name] for name in TENSORS)
    shapes = [list(tensor.shape) for tensor in (points, affines, pose, timestamps)]
    frames, keypoints = (shapes[0] + [0, 0])[:2]
    width = shapes[2][-1] if shapes[2] else 0
    if frames < 1 or shapes != [
        [frames, keypoints, 2],
        [frames, keypoints, 2, 2],
        [frames, width],
        [frames],
    ]:
        return f"found shapes {shapes}, expected (T, K, 2), (T, K, 2, 2), (T, P) and (T,)"
    if {points.dtype, affines.dtype, pose.dtype} != {torch.float32}:
        return "found motion of another type, expected float32"
    if not all(bool(tensor.isfinite().all()) for tensor in (points, affines, pose)):
        return "found numbers that are not finite, expected finite motion"
    if timestamps.dtype != torch.int64 or bool((timestamps.diff() <= 0).any()):
        return "found times that do not rise, expected whole ticks in rising order"
    for name in ("rate", "tick"):
        if not re.fullmatch(r"[1-9]\d{0,9}(/[1-9]\d{0,9})?", metadata.get(name, "")):
            return f"found {name} {metadata.get(name)!r}, expected a fraction above 0"
    first, last = int(timestamps[0]), int(timestamps[-1])
    if first < 0 or last * Fraction(metadata["tick"]) > LONGEST:
        return f"found times from {first} to {last} ticks, expected less than a day"
    if not metadata.get("weights"):
        return "found no hash of the weights that made it, expected one"
    return None
