"""Normals of meshes: those of a sphere are its points, whatever else is in the batch."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import ConvexHull
from torch import Tensor
from torch.testing import assert_close

from reenact.data.surface import vertex_normals


def sphere(count: int = 400) -> tuple[Tensor, Tensor]:
    """Points (N, 3) of a ball, and triangles counter-clockwise seen from outside."""
    number = np.arange(count) + 0.5
    height, turn = 1 - 2 * number / count, np.pi * (1 + 5**0.5) * number
    ring = np.sqrt(1 - height**2)
    points = np.stack([ring * np.cos(turn), ring * np.sin(turn), height], axis=1)
    hull = ConvexHull(points)
    a, b, c = points[hull.simplices].transpose(1, 0, 2)
    inward = (np.cross(b - a, c - a) * hull.equations[:, :3]).sum(1) < 0
    triangles = hull.simplices.astype(np.int64)
    triangles[inward] = triangles[inward][:, ::-1]
    return torch.from_numpy(points).float(), torch.from_numpy(triangles)


def test_normals_of_a_ball_point_outwards() -> None:
    points, triangles = sphere()
    assert_close(vertex_normals(points[None], triangles)[0], points, atol=0.05, rtol=0)
    reversed_normals = vertex_normals(points[None], triangles.flip(1))[0]
    assert_close(reversed_normals, -points, atol=0.05, rtol=0)


def test_every_item_may_have_triangles_of_its_own() -> None:
    points, triangles = sphere()
    both = vertex_normals(points.expand(2, -1, -1), torch.stack([triangles, triangles.flip(1)]))
    assert_close(both[0], -both[1])


def test_unknown_and_unused_points_have_no_normal_and_spoil_none() -> None:
    points, triangles = sphere()
    whole = vertex_normals(points[None], triangles)[0]
    torn = torch.cat([points, torch.zeros(1, 3)])
    torn[7] = torch.nan
    normals = vertex_normals(torn[None], triangles)[0]
    touched = torch.zeros(len(torn), dtype=torch.bool)
    touched[triangles[(triangles == 7).any(1)]] = True
    assert normals.isfinite().all()
    assert (normals[[7, -1]] == 0).all()
    assert_close(normals[~touched][:-1], whole[~touched[:-1]])
