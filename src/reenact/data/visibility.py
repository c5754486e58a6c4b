"""Which points of a face mesh can be seen: those on triangles that face the camera."""

from __future__ import annotations

from importlib import resources

import numpy as np
import torch
from torch import Tensor

MIN_FACING = 0.15
"""Least cosine between a point's normal and the line of sight for the point to count as seen."""


def mesh_triangles(device: torch.device | str = "cpu") -> Tensor:
    """Triangles (N, 3) of the 468 surface points, clockwise in the picture of a frontal face."""
    with resources.files("reenact.data").joinpath("face_mesh.npz").open("rb") as stored:
        mesh = np.load(stored)
        vertices, triangles = mesh["vertices"], mesh["triangles"].astype(np.int64)
    # The vertices have y up: clockwise in the picture is counter-clockwise there.
    a, b, c = vertices[triangles][..., :2].transpose(1, 0, 2)
    ab, ac = b - a, c - a
    turned = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0] > 0
    triangles[turned] = triangles[turned][:, ::-1]
    return torch.from_numpy(triangles).to(device)


def visible_points(landmarks: Tensor, triangles: Tensor) -> Tensor:
    """Whether each mesh point faces the camera: (T, L, 3), smaller z nearer, to (T, L) bool.

    Points that are not finite, or on no triangle (the irises), count as hidden. What another thing
    hides is not known here.
    """
    corners = landmarks[:, triangles]
    ab, ac = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
    areas = torch.linalg.cross(ab, ac).nan_to_num()
    normals = torch.zeros_like(landmarks)
    for corner in range(3):
        normals.index_add_(1, triangles[:, corner], areas)
    facing = normals[..., 2] / normals.norm(dim=-1).clamp_min(1e-6)
    known: Tensor = landmarks.isfinite().all(dim=-1)
    seen: Tensor = known & (facing > MIN_FACING)
    return seen
