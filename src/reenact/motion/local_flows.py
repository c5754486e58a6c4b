"""How each part of the face would move the whole picture, were it alone (eq. 1 and 2)."""

from __future__ import annotations

import torch
from torch import Tensor

from reenact.layers.grid import Size, identity_grid
from reenact.layers.precision import exact_matmul
from reenact.records import Keypoints

MIN_DETERMINANT = 1e-3
"""Least share of its area that an affine is taken to leave, where it is inverted."""


def local_flows(
    source: Keypoints, driving: Keypoints, size: Size, min_determinant: float = MIN_DETERMINANT
) -> Tensor:
    """Affine flow of every keypoint, background first: (B, K+1, H, W, 2), in float32.

    F_n(z) = k_s + A_s A_d^-1 (z - k_d) (eq. 1); the background stays where it is (eq. 2).
    """
    grid = identity_grid(*size, device=source.points.device)
    inverse = inverse_affine(driving.affines.float(), min_determinant)
    turn = exact_matmul(source.affines.float(), inverse)
    offset = grid - driving.points.float()[:, :, None, None]
    turned = (turn[:, :, None, None] * offset.unsqueeze(-2)).sum(-1)
    moved = source.points.float()[:, :, None, None] + turned
    background = grid.expand(moved.shape[0], 1, *grid.shape)
    return torch.cat([background, moved], dim=1)


def inverse_affine(affine: Tensor, min_determinant: float = MIN_DETERMINANT) -> Tensor:
    """Inverse of 2x2 matrices (..., 2, 2), finite unless nothing is asked for: adj(A) / det(A).

    The determinant keeps its sign (0 counts as positive) and at least this magnitude, because a
    single collapsed keypoint would otherwise end the training (method.md 14).
    """
    (a, b), (c, d) = (row.unbind(-1) for row in affine.unbind(-2))
    determinant = a * d - b * c
    sign = torch.where(determinant < 0, -1.0, 1.0)
    guarded = sign * determinant.abs().clamp(min=min_determinant)
    adjugate = torch.stack([d, -b, -c, a], dim=-1).view_as(affine)
    return adjugate / guarded[..., None, None]
