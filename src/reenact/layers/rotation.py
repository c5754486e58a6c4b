"""Head rotations: vectors, matrices, and the three angles people read.

Axes of the camera: x to the right of the picture, y up, z towards the viewer (right-handed). A
rotation takes head coordinates to camera coordinates; a frontal upright head has none. Angles:

    R = R_y(yaw) R_x(-pitch) R_z(roll)

so yaw > 0 turns the nose to the right of the picture, pitch > 0 looks up, and roll > 0 is
counter-clockwise in the picture. Yaw and pitch are the direction of the nose, whatever the roll.
Mirroring the picture takes (yaw, pitch, roll) to (-yaw, pitch, -roll) and the rotation vector
(rx, ry, rz) to (rx, -ry, -rz).
"""

from __future__ import annotations

import torch
from torch import Tensor

from reenact.layers.precision import exact_matmul


def matrix_from_vector(vector: Tensor) -> Tensor:
    """Rotation vectors (..., 3) in radians to matrices (..., 3, 3), by Rodrigues' formula."""
    angle = _length(vector).unsqueeze(-1)
    cross = _cross_matrix(vector)
    first = torch.sinc(angle / torch.pi)
    second = torch.sinc(angle / (2 * torch.pi)).square() / 2
    identity = torch.eye(3, dtype=vector.dtype, device=vector.device)
    return identity + first * cross + second * exact_matmul(cross, cross)


def vector_from_matrix(matrix: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) to the shortest rotation vectors (..., 3) in radians."""
    quaternion = _quaternion(matrix)
    real, imaginary = quaternion[..., :1], quaternion[..., 1:]
    sine = _length(imaginary)
    return imaginary * (2 * torch.atan2(sine, real) / sine)


def vector_from_euler(euler: Tensor) -> Tensor:
    """Yaw, pitch, roll (..., 3) in degrees to rotation vectors (..., 3) in radians."""
    return vector_from_matrix(matrix_from_euler(euler))


def euler_from_vector(vector: Tensor) -> Tensor:
    """Rotation vectors (..., 3) in radians to yaw, pitch, roll (..., 3) in degrees."""
    return euler_from_matrix(matrix_from_vector(vector))


def matrix_from_euler(euler: Tensor) -> Tensor:
    """Yaw, pitch, roll (..., 3) in degrees to matrices (..., 3, 3)."""
    yaw, pitch, roll = torch.deg2rad(euler).unbind(-1)
    zero = torch.zeros_like(yaw)
    about_y = matrix_from_vector(torch.stack([zero, yaw, zero], dim=-1))
    about_x = matrix_from_vector(torch.stack([-pitch, zero, zero], dim=-1))
    about_z = matrix_from_vector(torch.stack([zero, zero, roll], dim=-1))
    return compose(compose(about_y, about_x), about_z)


def euler_from_matrix(matrix: Tensor) -> Tensor:
    """Matrices (..., 3, 3) to yaw, pitch, roll (..., 3) in degrees; pitch within 90 degrees."""
    yaw = torch.atan2(matrix[..., 0, 2], matrix[..., 2, 2])
    pitch = torch.asin(matrix[..., 1, 2].clamp(-1, 1))
    roll = torch.atan2(matrix[..., 1, 0], matrix[..., 1, 1])
    return torch.rad2deg(torch.stack([yaw, pitch, roll], dim=-1))


def compose(second: Tensor, first: Tensor) -> Tensor:
    """One rotation after the other, as matrices (..., 3, 3)."""
    return exact_matmul(second, first)


def _length(vector: Tensor) -> Tensor:
    """Length of vectors (..., N): (..., 1), with a gradient at zero and never quite zero."""
    squared = vector.square().sum(-1, keepdim=True)
    return squared.clamp(min=torch.finfo(vector.dtype).tiny).sqrt()


def _cross_matrix(vector: Tensor) -> Tensor:
    """The matrices (..., 3, 3) that multiply like the cross product with the vectors (..., 3)."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return torch.stack(rows, dim=-1).reshape(*vector.shape, 3)


def _quaternion(matrix: Tensor) -> Tensor:
    """Unit quaternions (..., 4), real part first and never negative.

    The outer product of the quaternion with itself is linear in the matrix; its longest row is the
    quaternion, free of cancellation at every angle.
    """
    m00, m01, m02, m10, m11, m12, m20, m21, m22 = matrix.flatten(-2).unbind(-1)
    rows = [
        [1 + m00 + m11 + m22, m21 - m12, m02 - m20, m10 - m01],
        [m21 - m12, 1 + m00 - m11 - m22, m01 + m10, m02 + m20],
        [m02 - m20, m01 + m10, 1 - m00 + m11 - m22, m12 + m21],
        [m10 - m01, m02 + m20, m12 + m21, 1 - m00 - m11 + m22],
    ]
    outer = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
    lengths = outer.square().sum(-1)
    longest = lengths.argmax(-1, keepdim=True).unsqueeze(-1)
    row = outer.gather(-2, longest.expand(*longest.shape[:-1], 4)).squeeze(-2)
    quaternion = row / _length(row)
    return torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)
