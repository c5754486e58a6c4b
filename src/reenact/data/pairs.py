"""Training pairs: two moments of one face, with all that is known about both."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.records import Record


@dataclass(frozen=True, eq=False)
class PairBatch(Record):
    """B pairs of frames of the same face, on one device."""

    source: Tensor
    """(B, 3, H, W) float32 in [0, 1]."""
    driving: Tensor
    """(B, 3, H, W) float32 in [0, 1]."""
    source_parsing: Tensor
    """(B, H, W) uint8 labels: region index plus 1, 0 = the rest."""
    driving_parsing: Tensor
    """(B, H, W) uint8 labels."""
    source_pose: Tensor
    """(B, P) float32 pose code as read, not standardised."""
    driving_pose: Tensor
    """(B, P) float32."""
    source_points: Tensor
    """(B, L, 2) float32 xy in [-1, 1]: where a point of the face is in the source."""
    driving_points: Tensor
    """(B, L, 2) float32 xy in [-1, 1]: where the same point is in the driving frame."""
    point_weights: Tensor
    """(B, L) float32; 0 where the point is hidden, outside or unknown in either frame."""

    def __post_init__(self) -> None:
        assert self.source.shape == self.driving.shape
        assert self.source_points.shape == self.driving_points.shape
        assert self.point_weights.shape == self.source_points.shape[:2]

    def __len__(self) -> int:
        return self.source.shape[0]

    def tensors(self) -> tuple[Tensor, ...]:
        """The fields in order: how a batch passes a wrapped or compiled module."""
        return tuple(getattr(self, f.name) for f in fields(self))

    def channels_last(self) -> Self:
        """The same pairs with pictures laid out as convolutions like them best."""
        source, driving, *rest = self.tensors()
        layout = torch.channels_last
        return type(self)(
            source.contiguous(memory_format=layout), driving.contiguous(memory_format=layout), *rest
        )

    def swapped(self) -> Self:
        """The same pairs the other way round: what drove is now the source."""
        return type(self)(
            source=self.driving,
            driving=self.source,
            source_parsing=self.driving_parsing,
            driving_parsing=self.source_parsing,
            source_pose=self.driving_pose,
            driving_pose=self.source_pose,
            source_points=self.driving_points,
            driving_points=self.source_points,
            point_weights=self.point_weights,
        )

    def where(self, chosen: Tensor, other: PairBatch) -> Self:
        """Pair by pair: this batch where chosen (B,) is true, the other batch elsewhere."""
        return type(self)(
            *(
                torch.where(chosen.view(-1, *(1,) * (mine.ndim - 1)), mine, theirs)
                for mine, theirs in zip(self.tensors(), other.tensors(), strict=True)
            )
        )


class PairSource(Protocol):
    """Anything that draws training pairs on its device."""

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """Draw pairs by the chance of the generator alone, without waiting for the device."""
        ...


class MixedPairs:
    """Pairs drawn in fixed shares from several sources, so that none crowds out another."""

    def __init__(self, sources: tuple[PairSource, ...], shares: tuple[float, ...]) -> None:
        """The shares are relative: (1, 1) is half and half."""
        assert len(sources) == len(shares) > 0
        assert min(shares) > 0
        self.sources = sources
        self.shares = shares

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """Draw from every source its share of the batch, in the order of the sources."""
        counts = split_count(count, self.shares)
        parts = [
            source.draw(number, generator)
            for source, number in zip(self.sources, counts, strict=True)
            if number > 0
        ]
        return concatenate(parts)


def split_count(count: int, shares: tuple[float, ...]) -> tuple[int, ...]:
    """Whole numbers in the given proportions that add up to count."""
    total, given, passed, counts = sum(shares), 0, 0.0, []
    for share in shares:
        passed += share
        counts.append(round(count * passed / total) - given)
        given += counts[-1]
    return tuple(counts)


def concatenate(batches: list[PairBatch]) -> PairBatch:
    """Join batches along the first axis; their points may differ in number and are padded.

    Padding points have weight 0.
    """
    if len(batches) == 1:
        return batches[0]
    longest = max(batch.point_weights.shape[1] for batch in batches)
    columns = zip(*(_pad_points(batch, longest).tensors() for batch in batches), strict=True)
    return PairBatch(*(torch.cat(column) for column in columns))


def _pad_points(batch: PairBatch, length: int) -> PairBatch:
    missing = length - batch.point_weights.shape[1]
    if missing == 0:
        return batch
    return replace(
        batch,
        source_points=F.pad(batch.source_points, (0, 0, 0, missing)),
        driving_points=F.pad(batch.driving_points, (0, 0, 0, missing)),
        point_weights=F.pad(batch.point_weights, (0, missing)),
    )


def to_unit_range(images: Tensor) -> Tensor:
    """uint8 (..., 3, H, W) to float32 in [0, 1]."""
    return images.float().div_(255.0)


def resize_labels(labels: Tensor, size: int) -> Tensor:
    """Parsing labels (B, L, L) to (B, size, size), nearest; both cover the same square."""
    if labels.shape[-1] == size:
        return labels
    resized = F.interpolate(labels.unsqueeze(1), (size, size), mode="nearest-exact")
    return resized.squeeze(1)


def normalize_points(pixels: Tensor, size: int) -> Tensor:
    """Points in pixels of a square picture to xy in [-1, 1].

    Pixels count from the top left *corner* of the picture, so the centre of the first pixel is
    0.5; -1 and 1 are the centres of the border pixels.
    """
    return (pixels - 0.5) * (2.0 / (size - 1)) - 1.0


def in_picture(points: Tensor) -> Tensor:
    """Whether points xy (..., 2) lie in [-1, 1]: (...) bool; unknown ones, NaN, do not."""
    return (points.abs() <= 1).all(dim=-1)


def denormalize_points(points: Tensor, size: int) -> Tensor:
    """Inverse of `normalize_points`."""
    return (points + 1.0) * ((size - 1) / 2.0) + 0.5
