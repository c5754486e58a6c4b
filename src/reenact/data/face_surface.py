"""The 478-point face mesh as a surface whose triangles belong to facelet regions.

Drawing it gives the part of each region that can be seen: triangles that turn away are left out,
and the depth buffer hides what lies behind a nose or a brow.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import Delaunay
from torch import Tensor

from reenact.data.raster import gather_corners, rasterize
from reenact.perception.mesh import CHIN, FOREHEAD, LEFT_EYE, NUM_SURFACE, OUTLINE, RIGHT_EYE
from reenact.records import REGIONS, FloatArray, Record

MIN_FACING = 0.05
"""Least cosine between a triangle's normal and the line of sight for it to count as seen."""
MIN_EYE_OPENING = 0.2
"""Least height of a drawn eye over its width: a closed eye keeps this much of its lids."""

# fmt: off
RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
NOSE = (
    168, 193, 245, 188, 174, 217, 209, 49, 129, 64, 98, 97, 2, 326, 327, 294, 358, 279, 429,
    437, 399, 412, 465, 417,
)
OUTER_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
# fmt: on

REGION_OUTLINES = {
    "left brow": LEFT_BROW,
    "right brow": RIGHT_BROW,
    "left eye": LEFT_EYE,
    "right eye": RIGHT_EYE,
    "nose": NOSE,
    "upper lip": OUTER_UPPER + INNER_UPPER[::-1],
    "lower lip": OUTER_LOWER + INNER_LOWER[::-1],
    "mouth interior": INNER_UPPER + INNER_LOWER[-2:0:-1],
}
"""Closed outline of each region that lies on the mesh; what is left of the mesh is skin."""


@dataclass(frozen=True, eq=False)
class FaceSurface(Record):
    """Triangles between the mesh points, and what each of them shows."""

    triangles: Tensor
    """(T, 3) int64 mesh points, clockwise in the picture where the triangle faces the camera."""
    labels: Tensor
    """(T,) uint8 region index plus 1."""


def build_surface(layout: FloatArray) -> FaceSurface:
    """Triangulate the mesh from a frontal face (478, 2), eyes and mouth open, y down."""
    points: NDArray[np.float64] = np.asarray(layout, dtype=np.float64)[:NUM_SURFACE, :2]
    triangles = Delaunay(points).simplices.astype(np.int64)
    a, b, c = points[triangles].transpose(1, 0, 2)
    turned = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0] < 0
    triangles[turned] = triangles[turned][:, ::-1]
    for outline in REGION_OUTLINES.values():
        for start, end in zip(outline, outline[1:] + outline[:1], strict=True):
            _force_edge(triangles, points, start, end)
    centres = points[triangles].mean(axis=1)
    labels = np.full(len(triangles), REGIONS.index("skin") + 1, dtype=np.uint8)
    for name, outline in REGION_OUTLINES.items():
        labels[_inside(centres, points[list(outline)])] = REGIONS.index(name) + 1
    on_face = _inside(centres, points[list(OUTLINE)])
    return FaceSurface(
        triangles=torch.from_numpy(triangles[on_face].copy()),
        labels=torch.from_numpy(labels[on_face]),
    )


def draw_surface(surface: FaceSurface, mesh: Tensor, size: int) -> Tensor:
    """Regions of the faces (B, 478, 3) seen in pictures of size x size: (B, size, size) uint8.

    0 where no part of the mesh faces the camera. Points in pixels, the first pixel's centre at 0.
    """
    drawn = open_eyes(mesh)
    corners = gather_corners(drawn, surface.triangles)
    ab, ac = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
    normal = torch.linalg.cross(ab, ac)
    facing = normal[..., 2] / normal.norm(dim=-1).clamp_min(1e-6)
    fragments = rasterize(drawn, surface.triangles, size, size)
    winner = fragments.triangle.clamp(min=0)
    turned = facing.gather(1, winner.flatten(1)).view_as(winner) > MIN_FACING
    seen = fragments.covered & turned
    return torch.where(seen, surface.labels[winner], 0).to(torch.uint8)


def open_eyes(mesh: Tensor) -> Tensor:
    """Push the lids of closed eyes apart to the least opening, (B, 478, 3)."""
    mesh = mesh.clone()
    for ring in (RIGHT_EYE, LEFT_EYE):
        outer, inner = ring[0], ring[8]
        lower, upper = list(ring[1:8]), list(ring[:8:-1])
        across = mesh[:, inner, :2] - mesh[:, outer, :2]
        width = across.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        up = (mesh[:, FOREHEAD, :2] - mesh[:, CHIN, :2]).unsqueeze(1)
        up = up / up.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        arch = torch.sin(torch.arange(1, 8, device=mesh.device) * (torch.pi / 8))
        gap = ((mesh[:, upper, :2] - mesh[:, lower, :2]) * up).sum(-1)
        lacking = (MIN_EYE_OPENING * width * arch - gap).clamp(min=0).unsqueeze(-1)
        mesh[:, upper, :2] += 0.5 * lacking * up
        mesh[:, lower, :2] -= 0.5 * lacking * up
    return mesh


def _force_edge(
    triangles: NDArray[np.int64], points: NDArray[np.float64], start: int, end: int
) -> None:
    """Turn the edge that crosses start-end within two triangles, in place; else do nothing."""
    has_start, has_end = (triangles == start).any(axis=1), (triangles == end).any(axis=1)
    if (has_start & has_end).any():
        return
    for first in np.flatnonzero(has_start):
        crossed = [point for point in triangles[first] if point != start]
        across = np.flatnonzero(has_end & (np.isin(triangles, crossed).sum(axis=1) == 2))
        if len(across):
            at = list(triangles[first]).index(start)
            after, before = triangles[first][(at + 1) % 3], triangles[first][(at + 2) % 3]
            pair = np.array([(start, after, end), (start, end, before)])
            a, b, c = points[pair].transpose(1, 0, 2)
            area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
            if (area > 0).all():
                triangles[[first, across[0]]] = pair
            return


def _inside(points: NDArray[np.float64], outline: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points (N, 2) lie in a closed outline (M, 2)."""
    contour = outline.astype(np.float32).reshape(-1, 1, 2)
    tested = [cv2.pointPolygonTest(contour, (float(x), float(y)), False) for x, y in points]
    return np.array(tested) > 0
