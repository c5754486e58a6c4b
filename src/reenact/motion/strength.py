"""More or less of a motion: between rest and the motion, or beyond it, and no further than that."""

from __future__ import annotations

import torch
from torch import Tensor

from reenact.layers.precision import exact_matmul
from reenact.layers.rotation import compose, matrix_from_vector, vector_from_matrix
from reenact.motion.local_flows import MIN_DETERMINANT, inverse_affine
from reenact.records import Keypoints, Motion

ANY_TURN = 180.0
"""Degrees by which any turn is within the limit."""
FREE = 0.7
"""Share of the largest turn up to which a turn is left alone."""


def strengthen(rest: Motion, moved: Motion, strength: float | Tensor) -> Motion:
    """The motion at a share of its way from rest: 0 = at rest, 1 = as it is, 2 = twice as far.

    Points and jaw go straight on. The head turns about the axis of the whole turn, and affine maps
    turn and stretch by the same share, so that they stay maps that fold nothing.

    Args:
        rest: Of one frame, or of as many as are moved.
        moved: Of B frames.
        strength: The share, of every frame or (B,) of each.
    """
    start, now = rest.keypoints, moved.keypoints
    share = torch.as_tensor(strength, dtype=now.points.dtype, device=now.points.device)
    change = exact_matmul(now.affines, inverse_affine(start.affines))
    keypoints = Keypoints(
        points=torch.lerp(start.points, now.points, share.view(-1, 1, 1)),
        affines=exact_matmul(affine_power(change, share.view(-1, 1)), start.affines),
    )
    return Motion(keypoints, strengthen_pose(rest.pose, moved.pose, share))


def strengthen_pose(rest: Tensor, moved: Tensor, strength: float | Tensor) -> Tensor:
    """Pose codes (B, P) at a share of the way from rest; the first three are a rotation vector."""
    share = torch.as_tensor(strength, dtype=moved.dtype, device=moved.device).view(-1, 1)
    start = matrix_from_vector(rest[:, :3])
    turn = vector_from_matrix(compose(matrix_from_vector(moved[:, :3]), start.mT))
    rotation = vector_from_matrix(compose(matrix_from_vector(share * turn), start))
    jaw = torch.lerp(rest[:, 3:].expand_as(moved[:, 3:]), moved[:, 3:], share)
    return torch.cat([rotation.expand(len(moved), -1), jaw], dim=1)


def limit_turn(rest: Motion, moved: Motion, limit: float) -> Motion:
    """The motion, taken back where the head would turn further than some `limit` degrees from rest.

    Turning and nodding count, tilting does not. Turns up to `FREE` of the limit are left alone, and
    larger ones come near it ever more slowly; what else the face does goes back by the same share,
    so that it stays one motion.
    """
    if limit >= ANY_TURN:
        return moved
    turn = facing_angle(rest.pose, moved.pose)
    free = FREE * limit
    held = free + (limit - free) * torch.tanh((turn - free) / (limit - free))
    far = turn > free
    share = torch.where(far, held / turn.clamp_min(free), 1)
    return where(far, strengthen(rest, moved, share), moved) if bool(far.any()) else moved


def where(choice: Tensor, first: Motion, second: Motion) -> Motion:
    """Frames of the first motion where the choice (B,) is True, of the second elsewhere."""
    return Motion(
        Keypoints(
            torch.where(choice[:, None, None], first.keypoints.points, second.keypoints.points),
            torch.where(
                choice[:, None, None, None], first.keypoints.affines, second.keypoints.affines
            ),
        ),
        torch.where(choice[:, None], first.pose, second.pose),
    )


def facing_angle(first: Tensor, second: Tensor) -> Tensor:
    """Degrees (B,) between where two heads look, from pose codes (1 or B, P)."""
    there, here = matrix_from_vector(first[:, :3]), matrix_from_vector(second[:, :3])
    cosine = (there[..., 2] * here[..., 2]).sum(-1)
    return torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))


def affine_power(
    change: Tensor, exponent: float | Tensor, min_determinant: float = MIN_DETERMINANT
) -> Tensor:
    """Real powers of linear maps (..., 2, 2): turn and stretch of their polar form, each by itself.

    Maps that mirror or collapse have no such power: they are mixed with the identity instead. The
    exponents are one number, or as many as there are maps, (...) as far as they differ.
    """
    exponent = torch.as_tensor(exponent, dtype=change.dtype, device=change.device)
    (a, b), (c, d) = (row.unbind(-1) for row in change.unbind(-2))
    angle = torch.atan2(c - b, a + d)
    stretch = exact_matmul(plane_rotation(-angle), change)
    stretch = (stretch + stretch.mT) / 2
    values, vectors = torch.linalg.eigh(stretch.float())
    powers = values.clamp(min=min_determinant).pow(exponent.unsqueeze(-1))
    scaled = vectors * powers.unsqueeze(-2)
    power = exact_matmul(
        plane_rotation(exponent * angle), exact_matmul(scaled, vectors.mT).to(change.dtype)
    )
    identity = torch.eye(2, dtype=change.dtype, device=change.device)
    proper = (a * d - b * c > min_determinant)[..., None, None]
    return torch.where(proper, power, identity + exponent[..., None, None] * (change - identity))


def plane_rotation(angle: Tensor) -> Tensor:
    """Rotations of the plane by angles (...) in radians: (..., 2, 2)."""
    cosine, sine = angle.cos(), angle.sin()
    rows = torch.stack([cosine, -sine, sine, cosine], dim=-1)
    return rows.view(*angle.shape, 2, 2)
