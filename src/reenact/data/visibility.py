"""Which points of a face mesh can be seen: those on triangles that face the camera."""

from __future__ import annotations

from importlib import resources

import numpy as np
import torch
from torch import Tensor

from reenact.data.surface import vertex_normals

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
    known = landmarks.isfinite().all(dim=-1)
    return known & (vertex_normals(landmarks, triangles)[..., 2] > MIN_FACING)
