"""The same pair, framed otherwise: turned in the picture, nearer, stretched, off the middle.

Filmed people are few. A face that is a little wider, tilted or off the middle is nearly another
one, and the motion between the two frames of a pair stays true.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from reenact.data.pairs import PairBatch, in_picture
from reenact.layers.grid import identity_grid, sample
from reenact.layers.precision import exact_matmul
from reenact.layers.rotation import compose, matrix_from_vector, vector_from_matrix
from reenact.records import Record


@dataclass(frozen=True, kw_only=True)
class ReframingRange:
    """How far a pair may be moved; shifts go no further than the zoom allows."""

    turn: float = 12.0
    """In the picture, either way, degrees."""
    zoom: float = 0.3
    """Natural logarithm of the scale, which only grows: what lies outside was not filmed."""
    stretch: float = 0.1
    """Natural logarithm of the width over the height, either way."""


@dataclass(frozen=True, eq=False)
class Reframing(Record):
    """Where the points of B pictures go: M z + s."""

    matrix: Tensor
    """(B, 2, 2) M."""
    shift: Tensor
    """(B, 2) s, xy in [-1, 1]."""
    turn: Tensor
    """(B,) counter-clockwise in the picture, radians."""

    def __call__(self, points: Tensor) -> Tensor:
        """Where points (B, L, 2) go."""
        return exact_matmul(points, self.matrix.mT) + self.shift.unsqueeze(1)

    def origins(self, height: int, width: int) -> Tensor:
        """Where the pixels of the new pictures come from: (B, H, W, 2)."""
        grid = identity_grid(height, width, self.matrix.device).view(1, -1, 2)
        (a, b), (c, d) = (row.unbind(-1) for row in self.matrix.unbind(-2))
        adjugate = torch.stack([d, -b, -c, a], dim=-1).view(-1, 2, 2)
        inverse = adjugate / (a * d - b * c).view(-1, 1, 1)  # torch.linalg waits for the device
        found = exact_matmul(grid - self.shift.unsqueeze(1), inverse.mT)
        return found.view(-1, height, width, 2)

    def pose(self, code: Tensor) -> Tensor:
        """Pose codes (B, P) of heads that turn along; a stretched head keeps its pose."""
        still = torch.zeros_like(self.turn)
        about_view = matrix_from_vector(torch.stack([still, still, self.turn], dim=-1))
        rotation = vector_from_matrix(compose(about_view, matrix_from_vector(code[:, :3])))
        return torch.cat([rotation, code[:, 3:]], dim=1)


def draw_reframing(count: int, limits: ReframingRange, generator: torch.Generator) -> Reframing:
    """One reframing for each of `count` pairs, on the generator's device."""
    chance = torch.rand(5, count, generator=generator, device=generator.device) * 2 - 1
    turn = chance[0] * math.radians(limits.turn)
    zoom, stretch = chance[1].abs() * limits.zoom, chance[2] * (limits.stretch / 2)
    across, down = (zoom + stretch).exp(), (zoom - stretch).exp()
    shift = chance[3:] * torch.stack([across - 1, down - 1]).clamp_min(0)
    cos, sin = turn.cos(), turn.sin()
    # Counter-clockwise as seen, though y points down.
    matrix = torch.stack([cos * across, sin * down, -sin * across, cos * down], dim=-1)
    return Reframing(matrix.view(count, 2, 2), shift.mT, turn)


def reframe(batch: PairBatch, reframing: Reframing) -> PairBatch:
    """Reframe both pictures of every pair alike, with all that is known; their border goes on."""
    origins = reframing.origins(*batch.source.shape[-2:])
    source_points = reframing(batch.source_points)
    driving_points = reframing(batch.driving_points)
    seen = in_picture(source_points) & in_picture(driving_points)
    return PairBatch(
        source=sample(batch.source, origins, "border"),
        driving=sample(batch.driving, origins, "border"),
        source_parsing=_reframe_labels(batch.source_parsing, origins),
        driving_parsing=_reframe_labels(batch.driving_parsing, origins),
        source_pose=reframing.pose(batch.source_pose),
        driving_pose=reframing.pose(batch.driving_pose),
        source_points=source_points,
        driving_points=driving_points,
        point_weights=batch.point_weights * seen,
    )


def _reframe_labels(labels: Tensor, origins: Tensor) -> Tensor:
    return sample(labels.unsqueeze(1), origins, "border", "nearest").squeeze(1)
