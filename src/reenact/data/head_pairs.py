"""Synthetic people as training pairs: each is drawn at two moments, from one side to the other.

Photographs and clips have hardly any head that turns far; here every turn is known exactly, and so
is what it shows of the other side.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.data.head_chance import chance, normal, uniform
from reenact.data.head_person import random_moment
from reenact.data.heads import HeadBatch, HeadRenderer
from reenact.data.pairs import PairBatch, in_picture, normalize_points, resize_labels
from reenact.layers.rotation import vector_from_euler
from reenact.perception.cropping import CROP_SIZE
from reenact.perception.expressions import EXPRESSIONS

FIRST_YAW, MAX_YAW = 75.0, 90.0
"""Largest turn of the first moment and of the second, true degrees."""
FAR_SHARE = 0.5
"""Of the pairs: the second turn is any turn, not one near the first."""
_NEAR = (20.0, 8.0, 7.0)
"""Deviation of yaw, pitch, roll between near moments, degrees."""
_TILT, _MAX_TILT = (13.0, 9.0), (40.0, 30.0)
"""Deviation of pitch and roll over all heads, and where it is cut, degrees."""
_SHIFT = 0.8
"""Deviation of the place of the head, cm."""
_JAW = tuple(EXPRESSIONS.index(f"jaw{way}") for way in ("Open", "Right", "Left", "Forward"))


class HeadPairs:
    """Two moments of synthetic people who are drawn anew each time."""

    def __init__(self, renderer: HeadRenderer, size: int = CROP_SIZE) -> None:
        """Pairs of pictures of size pixels on a side."""
        self.renderer = renderer
        self.size = size

    @torch.no_grad()
    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """Everything but pose and expression is the same in both pictures."""
        names = self.renderer.expression_names
        moments = [
            random_moment(pose, names, generator, _SHIFT) for pose in pair_poses(count, generator)
        ]
        source, driving = self.renderer.draw(moments, generator)
        source_points, driving_points = _points(source), _points(driving)
        seen = source.visible & driving.visible
        seen &= in_picture(source_points) & in_picture(driving_points)
        return PairBatch(
            source=self._picture(source),
            driving=self._picture(driving),
            source_parsing=resize_labels(source.labels, self.size),
            driving_parsing=resize_labels(driving.labels, self.size),
            source_pose=pose_code(source),
            driving_pose=pose_code(driving),
            source_points=source_points,
            driving_points=driving_points,
            point_weights=seen.float(),
        )

    def _picture(self, heads: HeadBatch) -> Tensor:
        if self.size == CROP_SIZE:
            return heads.images
        size = (self.size, self.size)
        return F.interpolate(heads.images, size, mode="bilinear", antialias=True)


def pair_poses(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Yaw, pitch, roll (count, 3) of two moments, true degrees: near each other, or anyhow."""
    first, other = _poses(count, FIRST_YAW, generator), _poses(count, MAX_YAW, generator)
    near = first + normal((count, 3), 1.0, generator) * first.new_tensor(_NEAR)
    second = torch.where(chance(count, FAR_SHARE, generator).unsqueeze(1), other, near)
    most = second.new_tensor((MAX_YAW, *_MAX_TILT))
    return first, second.clamp(-most, most)


def pose_code(heads: HeadBatch) -> Tensor:
    """`reader6` of synthetic heads: rotation vector in radians, jaw open, sideways, forward."""
    rotation = vector_from_euler(heads.pose_mesh)
    opened, right, left, forward = (heads.expression[:, index] for index in _JAW)
    return torch.cat([rotation, torch.stack([opened, right - left, forward], dim=1)], dim=1)


def _poses(count: int, max_yaw: float, generator: torch.Generator) -> Tensor:
    """Any turn up to a yaw, heads mostly upright: (count, 3)."""
    yaw = uniform((count,), -max_yaw, max_yaw, generator)
    tilt = normal((count, 2), 1.0, generator)
    tilt = tilt * tilt.new_tensor(_TILT)
    most = tilt.new_tensor(_MAX_TILT)
    return torch.cat([yaw.unsqueeze(1), tilt.clamp(-most, most)], dim=1)


def _points(heads: HeadBatch) -> Tensor:
    """The face mesh in the picture: (B, 478, 2) xy in [-1, 1]."""
    return normalize_points(heads.landmarks[..., :2], CROP_SIZE)
