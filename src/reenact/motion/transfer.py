"""Puts one person's motion on another: what changed since the first frame, not where it is."""

from __future__ import annotations

import torch
from torch import Tensor

from reenact.layers.precision import exact_matmul
from reenact.layers.rotation import compose, matrix_from_vector, vector_from_matrix
from reenact.motion.local_flows import inverse_affine
from reenact.records import Keypoints, Motion


def transfer(
    source: Keypoints,
    source_pose: Tensor,
    driving: Motion,
    initial: Motion,
    adapt_scale: bool = False,
    *,
    follow_affines: bool = True,
    follow_pose: bool = True,
) -> Motion:
    """Apply to the source what the driving face did since the initial frame (relative motion).

    The driving face still in its initial state leaves the source as it is. `adapt_scale` makes the
    steps larger or smaller with the face; without `follow_affines` or `follow_pose` that part is
    the driving face's own, unchanged.
    """
    start, now = initial.keypoints, driving.keypoints
    step = now.points - start.points
    if adapt_scale:
        step = step * relative_size(source.points, start.points)[:, None, None]
    affines = now.affines
    if follow_affines:
        change = exact_matmul(now.affines, inverse_affine(start.affines))
        affines = exact_matmul(change, source.affines)
    pose = driving.pose
    if follow_pose:
        pose = transfer_pose(source_pose, driving.pose, initial.pose)
    return Motion(Keypoints(points=source.points + step, affines=affines), pose)


def transfer_pose(source: Tensor, driving: Tensor, initial: Tensor) -> Tensor:
    """Turn the source's head as the driving head turned: pose codes (B, P), not standardised.

    The first three numbers are a rotation vector, R = R_d R_0^T R_s; the others, the jaw, add up.
    """
    now, start = matrix_from_vector(driving[:, :3]), matrix_from_vector(initial[:, :3])
    change = compose(now, start.mT)
    rotation = vector_from_matrix(compose(change, matrix_from_vector(source[:, :3])))
    jaw = source[:, 3:] + (driving[:, 3:] - initial[:, 3:])
    return torch.cat([rotation, jaw], dim=1)


def relative_size(source: Tensor, initial: Tensor, min_area: float = 1e-6) -> Tensor:
    """How much larger the source face is: (B,), the root of the ratio of the hulls' areas.

    1 where the keypoints (B, K, 2) of either have collapsed.
    """
    numerator, denominator = hull_area(source), hull_area(initial)
    collapsed = (numerator < min_area) | (denominator < min_area)
    ratio = numerator / torch.where(collapsed, 1, denominator)
    return torch.where(collapsed, 1, ratio).sqrt()


def hull_area(points: Tensor) -> Tensor:
    """Area of the convex hull of points (B, K, 2): (B,), without leaving the device.

    A corner of the hull is the point that lies farthest in some direction, and which one it is
    changes only at the normals of the lines through two points. One direction between each two
    neighbouring normals therefore visits all corners, in order.
    """
    lines = (points.unsqueeze(1) - points.unsqueeze(2)).flatten(1, 2)
    normals = torch.atan2(lines[..., 1], lines[..., 0]).sort(dim=1).values + torch.pi / 2
    following = torch.cat([normals[:, 1:], normals[:, :1] + 2 * torch.pi], dim=1)
    angles = (normals + following) / 2
    across = angles.cos().unsqueeze(-1) * points[:, None, :, 0]
    upward = angles.sin().unsqueeze(-1) * points[:, None, :, 1]
    farthest = (across + upward).argmax(-1, keepdim=True).expand(-1, -1, 2)
    corners = points.gather(1, farthest)
    x, y = (corners - points[:, :1]).unbind(-1)
    return ((x * y.roll(-1, 1) - x.roll(-1, 1) * y).sum(1) / 2).abs()
