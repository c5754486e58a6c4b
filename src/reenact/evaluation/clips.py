"""The clips that a model is judged on, read one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from reenact.data.clips import Footage, find_clips, split_by_identity, validation_identities
from reenact.data.decode import decode_clip
from reenact.data.pairs import resize_labels, to_unit_range
from reenact.data.sidecar import SideCar, read_sidecar
from reenact.errors import DataError
from reenact.records import FloatArray, Parser

VALIDATION = "validation"
"""The people of the split `train` that are never trained on."""
READ_BATCH = 64
"""Frames that a parser sees at once."""


@dataclass(frozen=True, eq=False)
class ScoredClip:
    """A clip and what its side-car, if it has one, says of every frame."""

    name: str
    identity: str
    frames: Tensor
    """(T, 3, S, S) uint8 RGB."""
    labels: Tensor | None
    """(T, 256, 256) uint8 parsing as prepared; None where the clip was not."""
    yaw: FloatArray | None
    """(T,) degrees as the mesh reads them, NaN where it found no face; None without a side-car."""

    def __len__(self) -> int:
        return len(self.frames)

    def pictures(self, frames: Tensor | slice, device: torch.device) -> Tensor:
        """Some of the frames on a device: (N, 3, S, S) in [0, 1]."""
        return to_unit_range(self.frames[frames].to(device))

    def parsing(self, frames: Tensor, parser: Parser, device: torch.device) -> Tensor:
        """Labels of some frames (N,), as prepared or read now: (N, S, S) uint8."""
        if self.labels is not None:
            return resize_labels(self.labels[frames].to(device), self.frames.shape[-1])
        read = [
            parser.parse(self.pictures(part, device)).labels.to(torch.uint8)
            for part in frames.split(READ_BATCH)
        ]
        return torch.cat(read)


def find_scored_clips(
    root: Path, splits: Sequence[str], held_out: frozenset[str] | None = None
) -> tuple[Footage, ...]:
    """Clips of some splits; `validation` are the people whom training leaves out of `train`.

    Args:
        root: A folder in any layout of `reenact.data.clips`.
        splits: Names; each clip is listed once.
        held_out: The people of `validation`; None takes the shipped list.

    Raises:
        DataError: A split holds no clip.
    """
    people = validation_identities() if held_out is None else held_out
    found: list[Footage] = []
    for split in splits:
        if split != VALIDATION:
            found += find_clips(root, split)
            continue
        validation = split_by_identity(find_clips(root, "train"), people)[1]
        if not validation:
            raise DataError(
                f"{root}: none of the validation people there, expected clips of "
                f"{', '.join(sorted(people)) or 'people held out by all models'}. "
                "Choose another --split."
            )
        found += validation
    return tuple(dict.fromkeys(found))


def open_clips(footage: Iterable[Footage], size: int) -> Iterator[ScoredClip]:
    """Decode clips in order, a few ahead of the consumer."""
    ahead = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(ahead) as pool:
        waiting = []
        for item in footage:
            waiting.append(pool.submit(_open, item, size))
            if len(waiting) > ahead:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()


def _open(item: Footage, size: int) -> ScoredClip:
    sidecar = read_sidecar(item.sidecar) if item.sidecar.is_file() else None
    frames = decode_clip(item.path, size, expected=None if sidecar is None else len(sidecar))
    return ScoredClip(item.name, item.identity, frames, _labels(sidecar), _yaw(sidecar))


def _labels(sidecar: SideCar | None) -> Tensor | None:
    if sidecar is None or sidecar.parsing is None:
        return None
    return torch.from_numpy(sidecar.parsing)


def _yaw(sidecar: SideCar | None) -> FloatArray | None:
    return None if sidecar is None else sidecar.pose[:, 0]
