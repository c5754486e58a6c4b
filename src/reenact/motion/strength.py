"""More or less of a motion: between rest and the motion, or beyond it."""

from __future__ import annotations

import torch
from torch import Tensor

from reenact.layers.precision import exact_matmul
from reenact.layers.rotation import compose, matrix_from_vector, vector_from_matrix
from reenact.motion.local_flows import inverse_affine
from reenact.records import Keypoints, Motion


def strengthen(rest: Motion, moved: Motion, strength: float) -> Motion:
    """The motion at a share of its way from rest: 0 = at rest, 1 = as it is, 2 = twice as far.

    Points and jaw go straight on. The head turns about the axis of the whole turn, and affine maps
    turn and stretch by the same share, so that they stay maps that fold nothing.
    """
    start, now = rest.keypoints, moved.keypoints
    change = exact_matmul(now.affines, inverse_affine(start.affines))
    keypoints = Keypoints(
        points=torch.lerp(start.points, now.points, strength),
        affines=exact_matmul(affine_power(change, strength), start.affines),
    )
    return Motion(keypoints, strengthen_pose(rest.pose, moved.pose, strength))


def strengthen_pose(rest: Tensor, moved: Tensor, strength: float) -> Tensor:
    """Pose codes (B, P) at a share of the way from rest; the first three are a rotation vector."""
    start = matrix_from_vector(rest[:, :3])
    turn = vector_from_matrix(compose(matrix_from_vector(moved[:, :3]), start.mT))
    rotation = vector_from_matrix(compose(matrix_from_vector(strength * turn), start))
    jaw = torch.lerp(rest[:, 3:].expand_as(moved[:, 3:]), moved[:, 3:], strength)
    return torch.cat([rotation.expand(len(moved), -1), jaw], dim=1)


def affine_power(change: Tensor, exponent: float, min_determinant: float = 1e-3) -> Tensor:
    """Real powers of linear maps (..., 2, 2): turn and stretch of their polar form, each by itself.

    Maps that mirror or collapse have no such power: they are mixed with the identity instead.
    """
    (a, b), (c, d) = (row.unbind(-1) for row in change.unbind(-2))
    angle = torch.atan2(c - b, a + d)
    stretch = exact_matmul(plane_rotation(-angle), change)
    stretch = (stretch + stretch.mT) / 2
    values, vectors = torch.linalg.eigh(stretch.float())
    scaled = vectors * values.clamp(min=min_determinant).pow(exponent).unsqueeze(-2)
    power = exact_matmul(
        plane_rotation(exponent * angle), exact_matmul(scaled, vectors.mT).to(change.dtype)
    )
    identity = torch.eye(2, dtype=change.dtype, device=change.device)
    proper = (a * d - b * c > min_determinant)[..., None, None]
    return torch.where(proper, power, identity + exponent * (change - identity))


def plane_rotation(angle: Tensor) -> Tensor:
    """Rotations of the plane by angles (...) in radians: (..., 2, 2)."""
    cosine, sine = angle.cos(), angle.sin()
    rows = torch.stack([cosine, -sine, sine, cosine], dim=-1)
    return rows.view(*angle.shape, 2, 2)
