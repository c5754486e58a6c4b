"""The nouns that travel between stages: frozen records of tensors, and the two frozen readers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

NUM_REGIONS = 14
REGIONS = (
    "skin",
    "left brow",
    "right brow",
    "left eye",
    "right eye",
    "glasses",
    "left ear",
    "right ear",
    "nose",
    "mouth interior",
    "upper lip",
    "lower lip",
    "neck",
    "hair",
)
"""Facelet regions in order; a stored label is the index here plus 1, 0 = the rest."""

MIRROR_REGION = (0, 2, 1, 4, 3, 5, 7, 6, 8, 9, 10, 11, 12, 13)
"""Region index on the other side of the face; regions without a partner map to themselves."""

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]
Image = NDArray[np.uint8]
"""One picture: uint8 (H, W, 3), RGB."""


@dataclass(frozen=True, eq=False)
class Record:
    """Base of the records: moves all its tensors together."""

    def map(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Apply a function to every tensor, nested records and tuples included."""
        return type(self)(**{f.name: _map(getattr(self, f.name), function) for f in fields(self)})

    def to(self, device: torch.device | str) -> Self:
        """Copy to a device; returns a new record."""
        return self.map(lambda tensor: tensor.to(device))

    def detach(self) -> Self:
        """Cut from the autograd graph; returns a new record."""
        return self.map(lambda tensor: tensor.detach())


def _map(value: Any, function: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, Record):
        return value.map(function)
    if isinstance(value, tuple):
        return tuple(_map(item, function) for item in value)
    return value


@dataclass(frozen=True, eq=False)
class Keypoints(Record):
    """Where the K parts of a face are and how each is turned and stretched (k and A of eq. 1)."""

    points: Tensor
    """(B, K, 2) xy in [-1, 1]; -1 and 1 are the centres of the border pixels."""
    affines: Tensor
    """(B, K, 2, 2) from the part's own frame to the picture."""

    def __post_init__(self) -> None:
        assert self.points.ndim == 3
        assert self.affines.shape == (*self.points.shape, 2)


@dataclass(frozen=True, eq=False)
class Motion(Record):
    """All that is read from one driving frame; a sequence of these is a motion template."""

    keypoints: Keypoints
    pose: Tensor
    """(B, P) pose code as read, not standardised (p_t)."""


@dataclass(frozen=True, eq=False)
class MotionField(Record):
    """Where each pixel of the frame looks in the source, and how far it may trust what it finds."""

    masks: Tensor
    """(B, K+1, H, W) motion masks, background first; sums to 1 over axis 1 (M_n)."""
    flows: tuple[Tensor, ...]
    """Five of (B, H_i, W_i, 2), coarsest first: where in the source to look, xy in [-1, 1]."""
    occlusions: tuple[Tensor, ...]
    """Five of (B, 1, H_i, W_i) in [0, 1], coarsest first: 1 = visible (O_i)."""


@dataclass(frozen=True, eq=False)
class Parsing(Record):
    """A face segmented into facelet regions; only what is visible carries a label."""

    labels: Tensor
    """(B, H, W) integer; region index plus 1, 0 = everything else."""

    def masks(self) -> Tensor:
        """One-hot masks without the zero label: float32 (B, R, H, W)."""
        regions = torch.arange(1, NUM_REGIONS + 1, device=self.labels.device)
        return (self.labels.unsqueeze(1) == regions.view(1, -1, 1, 1)).float()


@dataclass(frozen=True, eq=False)
class FaceletBank(Record):
    """What each region of the source face looks like, with no memory of where it was."""

    tokens: Tensor
    """(B, S, R, D) one token per scale and region (F_fb after eq. 9)."""
    present: Tensor
    """(B, R) bool; False where the source shows fewer than 16 pixels of the region at 256 x 256."""


@dataclass(frozen=True, eq=False)
class SourceState(Record):
    """Everything that depends on the source alone; computed once per source."""

    image: Tensor
    """(B, 3, H, W) in [0, 1]."""
    features: tuple[Tensor, ...]
    """Five of (B, C_i, H_i, W_i), coarsest first (F_s)."""
    keypoints: Keypoints
    pose: Tensor
    """(B, P) pose code of the source as read; what relative motion starts from."""
    bank: FaceletBank | None
    """None where the model has no bank."""
    keys: tuple[Tensor, ...]
    """S of (B, M, R+1, d): K of every dynamic kernel m, null token last (section 9)."""
    values: tuple[Tensor, ...]
    """S of (B, M, R+1, C_i): V of every dynamic kernel m, null token last (zero)."""


@dataclass(frozen=True, eq=False)
class Compensation(Record):
    """Warped features with their holes filled from the bank, and who filled which pixel."""

    features: tuple[Tensor, ...]
    """S of (B, C_i, H_i, W_i), coarsest first (F_rw of eq. 11)."""
    attention: tuple[Tensor, ...]
    """S of (B, R, H_i, W_i); with the null share sums to 1 over all regions (A of eq. 10)."""
    null: tuple[Tensor, ...]
    """S of (B, 1, H_i, W_i): share of the null token; zero where the model has none."""


@dataclass(frozen=True, eq=False)
class Animation(Record):
    """One generated frame and what it was made of."""

    frame: Tensor
    """(B, 3, H, W) in [0, 1] (I_g)."""
    motion: MotionField
    compensation: Compensation | None
    """None where the model has no bank."""
    source_keypoints: Keypoints
    driving: Motion


@dataclass(frozen=True, eq=False)
class Face:
    """One face found in a picture; all coordinates are pixels of that picture."""

    box: FloatArray
    """(4,) x0, y0, x1, y1: bounding box of the face mesh's outline, brow line to chin."""
    landmarks: FloatArray
    """(L, 2) xy; the first 68 in the usual order."""
    pose: FloatArray
    """(3,) yaw, pitch, roll in degrees: yaw > 0 nose to picture right, pitch > 0 looking up,
    roll > 0 counter-clockwise."""
    pose_code: FloatArray
    """(6,) `reader6`: rotation vector in radians and jaw open, sideways, forward."""
    parsing: NDArray[np.uint8] | None
    """(256, 256) labels on the square `crop`: region index plus 1, 0 = the rest; None where it was
    not asked for, as `read_faces` does."""
    crop: FloatArray
    """(3, ) x0, y0, side of the square that `parsing` covers; may reach outside the picture."""
    expression: FloatArray
    """(52,) scores in [0, 1], in the order of `EXPRESSIONS`."""
    score: float
    """Confidence in [0, 1]."""


class Parser(Protocol):
    """Segments an aligned face crop into facelet regions; frozen."""

    def parse(self, image: Tensor) -> Parsing:
        """(B, 3, H, W) in [0, 1] to labels (B, H, W)."""
        ...


class PoseEncoder(Protocol):
    """Reads the pose code of an aligned face crop; frozen."""

    code: str
    """Name of the code, as `pose.code` of a model's config says it."""
    width: int
    """P, the length of the code."""

    def encode(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] to (B, P), float32."""
        ...
