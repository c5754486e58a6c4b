"""What one training step of the crop reader sees."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Self

import torch
from torch import Tensor

from reenact.records import Record

Numbers = tuple[int, ...] | tuple[float, ...]


@lru_cache(maxsize=64)
def constant(values: Numbers, device: torch.device) -> Tensor:
    """A small constant on the device; copied there once, since every copy makes the host wait."""
    return torch.tensor(values, device=device)


@dataclass(frozen=True, eq=False)
class ReaderBatch(Record):
    """Crop squares and all that is known of them; weights are 0 where something is not known."""

    image: Tensor
    """(B, 3, 256, 256) in [0, 1]."""
    labels: Tensor
    """(B, 256, 256) uint8 region index plus 1, 0 = the rest."""
    points: Tensor
    """(B, 478, 3) mesh: xy in [-1, 1] of the crop, z in the same unit."""
    rotation: Tensor
    """(B, 3, 3) head to camera, in mesh degrees."""
    jaw: Tensor
    """(B, 3) jaw open, sideways, forward."""
    expression: Tensor
    """(B, 52) in [0, 1]."""
    face: Tensor
    """(B,) 1 where the crop shows a face, 0 where it shows none."""
    point_weight: Tensor
    """(B, 478) how much each mesh point counts."""
    pose_weight: Tensor
    """(B,) how much the rotation counts."""
    expression_weight: Tensor
    """(B,) how much jaw and expression count."""
    parsing_weight: Tensor
    """(B,) how much the regions count."""
    glasses_unknown: Tensor
    """(B,) bool: worn glasses may hide under other labels (their teacher knows none)."""

    def __len__(self) -> int:
        return self.image.shape[0]

    def take(self, index: Tensor | slice) -> Self:
        """Some of the samples."""
        return self.map(lambda tensor: tensor[index])

    @classmethod
    def join(cls, parts: list[Self]) -> Self:
        """Batches one after another."""
        names = [field.name for field in fields(cls)]
        return cls(**{n: torch.cat([getattr(part, n) for part in parts]) for n in names})
