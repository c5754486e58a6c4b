"""A head drawn with 660 points: the face mesh, rings of hair around it, and three openings.

The surface of the face is MediaPipe's canonical face model (Apache-2.0) without the triangles that
would close the eyes and the mouth. Those openings get strips of their own, one column of two
points for every pair of lid or lip points, so that what lies behind may move on its own. Rings
around the outline carry hair, ears and neck; the last one lies beyond the border of the picture.

Axes of the head: x to the right of the picture, y down, z away from the camera; centimetres.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np
import torch
from torch import Tensor

from reenact.data.face_surface import INNER_LOWER, INNER_UPPER
from reenact.perception.mesh import LEFT_EYE, NUM_POINTS, NUM_SURFACE, OUTLINE, RIGHT_EYE
from reenact.records import Record

NUM_RINGS = 5
"""Rings around the outline, the border of the picture included."""
LID_REACH = 0.8
"""How far around the lids the size of the eye matters, cm."""


@dataclass(frozen=True, eq=False)
class Opening(Record):
    """An eye or a mouth: C columns of two points, from corner to corner."""

    upper: Tensor
    """(C,) int64 mesh points of the upper edge; the corners belong to both edges."""
    lower: Tensor
    """(C,) int64 mesh points of the lower edge."""

    def points(self) -> Tensor:
        """(2 C,) the upper, then the lower edge."""
        return torch.cat([self.upper, self.lower])

    def gaps(self, points: Tensor) -> Tensor:
        """How far the lower edge is below the upper: (B, V, 3) head axes to (B, C - 2) cm.

        The corners, where both edges meet, are left out.
        """
        return points[:, self.lower[1:-1], 1] - points[:, self.upper[1:-1], 1]


@dataclass(frozen=True, eq=False)
class HeadMesh(Record):
    """What connects the points of a head; the same for everybody.

    Order of the points: surface (468), rings (5 x 36, inside out), then of each opening the upper
    and the lower edge.
    """

    average: Tensor
    """(468, 3) the average face, head axes, cm."""
    triangles: Tensor
    """(T, 3) int64; right eye, left eye and mouth come last, in this order."""
    surface_triangles: Tensor
    """(898, 3) int64: the closed surface, clockwise in the picture where it faces the camera."""
    outline: Tensor
    """(36,) int64 points of the outline of the face, clockwise from the forehead."""
    right_eye: Opening
    left_eye: Opening
    mouth: Opening
    edge_points: Tensor
    """(E,) int64 surface point of each point of an opening."""
    lid_weights: Tensor
    """(2, 478) how much each point belongs to the right and the left eye; irises not at all."""

    @property
    def first_edge(self) -> int:
        """Number of the first point of the openings."""
        return NUM_SURFACE + NUM_RINGS * len(OUTLINE)

    @property
    def mouth_edge(self) -> slice:
        """Points of the mouth's opening."""
        end = self.first_edge + len(self.edge_points)
        return slice(end - 2 * len(self.mouth.upper), end)

    @property
    def first_opening_triangle(self) -> int:
        """Triangles from here on show eyes or the inside of the mouth."""
        return self.first_mouth_triangle - sum(
            2 * (len(eye.upper) - 1) for eye in (self.right_eye, self.left_eye)
        )

    @property
    def first_mouth_triangle(self) -> int:
        """Triangles from here on show the inside of the mouth."""
        return len(self.triangles) - 2 * (len(self.mouth.upper) - 1)


def load_head_mesh(device: torch.device | str = "cpu") -> HeadMesh:
    """Read the average face and connect the head."""
    with (
        resources.files("reenact.data").joinpath("face_mesh.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        vertices = stored["vertices"].astype(np.float32)
        surface = stored["triangles"].astype(np.int64)
    average = torch.from_numpy(vertices * np.array([1, -1, -1], np.float32))
    closed = torch.from_numpy(surface)
    openings = (
        _eye(RIGHT_EYE),
        _eye(LEFT_EYE),
        Opening(torch.tensor(INNER_UPPER), torch.tensor(INNER_LOWER)),
    )
    covers = [torch.isin(closed, opening.points()).all(1) for opening in openings]
    shut = torch.stack(covers).any(0)
    mesh = HeadMesh(
        average=average,
        triangles=torch.cat([closed[~shut], _ring_triangles(), *_strips(openings)]),
        surface_triangles=closed,
        outline=torch.tensor(OUTLINE),
        right_eye=openings[0],
        left_eye=openings[1],
        mouth=openings[2],
        edge_points=torch.cat([opening.points() for opening in openings]),
        lid_weights=_lid_weights(average, openings[:2]),
    )
    return mesh.to(device)


def _ring_triangles() -> Tensor:
    """Bands from the outline to the first ring and from ring to ring."""
    count = len(OUTLINE)
    rings = torch.arange(NUM_RINGS * count).view(NUM_RINGS, count) + NUM_SURFACE
    inner = torch.cat([torch.tensor([OUTLINE]), rings[:-1]])
    a, b, c, d = inner, inner.roll(-1, 1), rings.roll(-1, 1), rings
    return torch.stack([a, c, b, a, d, c], -1).view(-1, 3)


def _eye(ring: tuple[int, ...]) -> Opening:
    """Lids of an eye whose outline runs along the lower lid first."""
    return Opening(torch.tensor((ring[0], *ring[:8:-1], ring[8])), torch.tensor(ring[:9]))


def _strips(openings: tuple[Opening, ...]) -> list[Tensor]:
    """Triangles between the two edges of each opening."""
    first = NUM_SURFACE + NUM_RINGS * len(OUTLINE)
    strips = []
    for opening in openings:
        columns = len(opening.upper)
        upper = torch.arange(columns) + first
        lower = upper + columns
        first += 2 * columns
        a, b, c, d = upper[:-1], upper[1:], lower[1:], lower[:-1]
        strips.append(torch.stack([a, b, c, a, c, d], -1).view(-1, 3))
    return strips


def _lid_weights(average: Tensor, eyes: tuple[Opening, ...]) -> Tensor:
    weights = []
    for eye in eyes:
        lids = average[eye.points()]
        nearest = (average.unsqueeze(1) - lids).square().sum(-1).amin(1)
        weights.append((-nearest / LID_REACH**2).exp())
    return torch.nn.functional.pad(torch.stack(weights), (0, NUM_POINTS - NUM_SURFACE))
