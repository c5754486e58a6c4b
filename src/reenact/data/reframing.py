"""The same pair, framed otherwise: turned in the picture, nearer, stretched, off the middle, bent.

Filmed people are few. A face that is a little wider, tilted, crooked or off the middle is nearly
another one, and the motion between the two frames of a pair stays true, or nearly so.
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
    elastic: float = 0.0
    """Largest push of each of the `WAVES` waves that bend the picture, in half widths; up to 0.056,
    1 / (sqrt(2) pi WAVES), nothing folds."""


WAVES = 4
"""An elastic deformation is a sum of this many sines."""
LONGEST, SHORTEST = 0.5, 1.0
"""Periods of a wave in a picture."""
INVERSIONS = 6
"""Steps that find where a bent point goes, to a tenth of a pixel at 256 x 256."""


@dataclass(frozen=True, eq=False)
class Elastic(Record):
    """Smooth pushes of B pictures: z + sum over waves of p sin(f z + t)."""

    push: Tensor
    """(B, W, 2) p, xy in half widths."""
    frequency: Tensor
    """(B, W, 2) f, radians per half width."""
    phase: Tensor
    """(B, W) t, radians."""

    def __call__(self, points: Tensor) -> Tensor:
        """How far points (B, N, 2) are pushed: (B, N, 2)."""
        waves = (exact_matmul(points, self.frequency.mT) + self.phase.unsqueeze(1)).sin()
        return exact_matmul(waves, self.push)

    def undo(self, points: Tensor) -> Tensor:
        """Which points (B, N, 2) are pushed to these."""
        found = points
        for _ in range(INVERSIONS):
            found = points - self(found)
        return found


@dataclass(frozen=True, eq=False)
class Reframing(Record):
    """Where the points of B pictures go: M b(z) + s, where b undoes an elastic push."""

    matrix: Tensor
    """(B, 2, 2) M."""
    shift: Tensor
    """(B, 2) s, xy in [-1, 1]."""
    turn: Tensor
    """(B,) counter-clockwise in the picture, radians."""
    elastic: Elastic | None = None

    def __call__(self, points: Tensor) -> Tensor:
        """Where points (B, L, 2) go."""
        straight = points if self.elastic is None else self.elastic.undo(points)
        return exact_matmul(straight, self.matrix.mT) + self.shift.unsqueeze(1)

    def origins(self, height: int, width: int) -> Tensor:
        """Where the pixels of the new pictures come from: (B, H, W, 2)."""
        grid = identity_grid(height, width, self.matrix.device).view(1, -1, 2)
        (a, b), (c, d) = (row.unbind(-1) for row in self.matrix.unbind(-2))
        adjugate = torch.stack([d, -b, -c, a], dim=-1).view(-1, 2, 2)
        inverse = adjugate / (a * d - b * c).view(-1, 1, 1)  # torch.linalg waits for the device
        found = exact_matmul(grid - self.shift.unsqueeze(1), inverse.mT)
        if self.elastic is not None:
            found = found + self.elastic(found)
        return found.view(-1, height, width, 2)

    def pose(self, code: Tensor) -> Tensor:
        """Pose codes (B, P) of heads that turn along; a stretched or bent head keeps its pose."""
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
    elastic = draw_elastic(count, limits.elastic, generator) if limits.elastic > 0 else None
    return Reframing(matrix.view(count, 2, 2), shift.mT, turn, elastic)


def draw_elastic(count: int, push: float, generator: torch.Generator) -> Elastic:
    """One deformation for each of `count` pairs; every wave has its own direction and phase."""
    chance = torch.rand(5, count, WAVES, generator=generator, device=generator.device)
    angle, phase = 2 * math.pi * chance[:2]
    rate = math.pi * (LONGEST + (SHORTEST - LONGEST) * chance[2])
    frequency = torch.stack([angle.cos(), angle.sin()], dim=-1) * rate.unsqueeze(-1)
    return Elastic((2 * chance[3:] - 1).movedim(0, -1) * push, frequency, phase)


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
