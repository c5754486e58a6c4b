"""Parts of a motion: what the head does as one piece; the rest, the expression; lips or eyes of it.

Keypoints are learned without labels: nothing says which of them belongs to what. But over a clip,
some 95 % of what their points do, and 80 % of what their affine maps do, is the movement of one
rigid body in which every keypoint has a depth of its own (not that of the skin below it). These
depths, and what a turn does to the affine maps, are measured on the driving clip; what they explain
is the head's part.

Lips and eyes are the expression of the keypoints that lie on them in the portrait. In the shipped
model one does on either: lips that open explain 28 % of what the one on the mouth does beyond the
head's movement, eyelids 12 % of the path and 25 % of the affine map of the one on an eye, and at
most 5 % of any other (20 clips of 16 people). Rendered, a mouth opens nearly as far with its
keypoint alone as with the whole expression; eyelids follow in part either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from reenact.layers.grid import identity_grid
from reenact.layers.precision import exact_matmul
from reenact.layers.rotation import compose, matrix_from_vector
from reenact.motion.local_flows import inverse_affine
from reenact.motion.transfer import relative_size
from reenact.records import REGIONS, Keypoints, Motion, Parsing, Record

Part = Literal["pose", "expression", "lips", "eyes"]
FEATURES = {
    "lips": ("mouth interior", "upper lip", "lower lip"),
    "eyes": ("left eye", "right eye"),
}
"""Regions of the parts that single keypoints carry."""
REACH = 0.08
"""How far from a region a keypoint still lies on it, in coordinates of the picture."""
ROUNDS = 8
"""Of fitting depths and sizes in turn."""
DOUBT = 0.01
"""Radians of turn, per frame, below which a clip says little about depths."""


@dataclass(frozen=True, eq=False)
class HeadResponse(Record):
    """How the keypoints of a clip follow its head."""

    points: Tensor
    """(1, K, 2) keypoints of the initial frame, for their size."""
    depths: Tensor
    """(K,) towards the viewer, in the unit of the keypoints."""
    bends: Tensor
    """(K, 2, 2, 3) change of the affine maps a radian of turn: right, down, and in the plane."""


def measure_head(motion: Motion, initial: Motion) -> HeadResponse:
    """Measure how keypoints follow the head, from T frames of a clip and its initial frame.

    Least squares with a prior of no depth: a head that does not turn only moves in the plane.
    """
    start, points = initial.keypoints.points, motion.keypoints.points
    plane, aside = _turn(initial.pose, motion.pose)
    flat = exact_matmul(_centred(start), plane.mT)
    doubt = DOUBT**2 * len(points)
    depths = torch.zeros_like(start[0, :, 0])
    for _ in range(ROUNDS):
        turned = flat + depths[:, None] * aside[:, None]
        similarity = nearest_similarity(turned, points)
        upright = exact_matmul(_centred(points), inverse_affine(similarity).mT)
        left = upright - flat
        depths = (left * aside[:, None]).sum((0, 2)) / (aside.square().sum() + doubt)
        depths = depths - depths.mean()
    change = exact_matmul(motion.keypoints.affines, inverse_affine(initial.keypoints.affines))
    identity = torch.eye(3, device=points.device)
    turns = _turns(aside, exact_matmul(similarity, plane))
    normal = exact_matmul(turns.mT, turns) + doubt * identity
    bent = (change - identity[:2, :2]).flatten(1)
    bends = torch.linalg.solve(normal, exact_matmul(turns.mT, bent)).unflatten(1, change.shape[1:])
    return HeadResponse(start, depths, bends.permute(1, 2, 3, 0))


def carriers(keypoints: Keypoints, parsing: Parsing, part: Part) -> Tensor:
    """Which keypoints of a portrait (1, K, 2) lie on its lips or eyes: (K,) bool.

    All of them for other parts, none where nothing of the region is seen.
    """
    count = keypoints.points.shape[1]
    if part not in FEATURES:
        return torch.ones(count, dtype=torch.bool, device=keypoints.points.device)
    labels = parsing.labels[0]
    wanted = torch.zeros_like(labels, dtype=torch.bool)
    for name in FEATURES[part]:
        wanted |= labels == REGIONS.index(name) + 1
    grid = identity_grid(labels.shape[0], labels.shape[1], labels.device)
    if not bool(wanted.any()):
        return torch.zeros(count, dtype=torch.bool, device=labels.device)
    return torch.cdist(keypoints.points[0].float(), grid[wanted]).amin(dim=1) <= REACH


def keep_part(
    rest: Motion, moved: Motion, part: Part, head: HeadResponse, carried: Tensor | None = None
) -> Motion:
    """One part of the motion from rest (1 or B frames) to B moved ones; the other stays at rest.

    The expression is the motion with the head's part taken back, so that the head's movement after
    it would be the whole motion again. Lips and eyes are the expression of the keypoints that carry
    them, (K,) bool, lips with the jaw.
    """
    if part in FEATURES:
        assert carried is not None, "lips and eyes are parts of some keypoints"
        return _keep_carried(rest, keep_part(rest, moved, "expression", head), part, carried)
    start = rest.keypoints.points
    plane, aside = _turn(rest.pose, moved.pose)
    depths = head.depths * relative_size(start, head.points)[:, None]
    offset = depths[..., None] * aside[:, None]
    turned = exact_matmul(_centred(start), plane.mT) + offset
    similarity = nearest_similarity(turned, moved.keypoints.points)
    turns = _turns(aside, exact_matmul(similarity, plane))
    affine = torch.eye(2, device=start.device) + torch.einsum("kabj,tj->tkab", head.bends, turns)
    before, after = _middle(start), _middle(moved.keypoints.points)
    if part == "pose":
        points = exact_matmul(turned, similarity.mT) + after
        affines = exact_matmul(affine, rest.keypoints.affines)
        rotation, jaw = moved.pose[:, :3], rest.pose[:, 3:]
    else:
        upright = exact_matmul(moved.keypoints.points - after, inverse_affine(similarity).mT)
        points = exact_matmul(upright - offset, inverse_affine(plane).mT) + before
        affines = exact_matmul(inverse_affine(affine), moved.keypoints.affines)
        rotation, jaw = rest.pose[:, :3], moved.pose[:, 3:]
    count = len(moved.pose)
    pose = torch.cat([rotation.expand(count, -1), jaw.expand(count, -1)], dim=1)
    return Motion(Keypoints(points, affines), pose)


def _keep_carried(rest: Motion, expression: Motion, part: Part, carried: Tensor) -> Motion:
    keypoints, own = expression.keypoints, rest.keypoints
    jaw = (expression if part == "lips" else rest).pose[:, 3:].expand(len(expression.pose), -1)
    return Motion(
        Keypoints(
            torch.where(carried[:, None], keypoints.points, own.points),
            torch.where(carried[:, None, None], keypoints.affines, own.affines),
        ),
        torch.cat([expression.pose[:, :3], jaw], dim=1),
    )


def nearest_similarity(before: Tensor, after: Tensor) -> Tensor:
    """Turn and size, (B, 2, 2), that take centred points (B, K, 2) nearest to others."""
    (x, y), (u, v) = _centred(before).unbind(-1), _centred(after).unbind(-1)
    size = (x * x + y * y).sum(1).clamp(min=1e-6)
    real, imaginary = (x * u + y * v).sum(1) / size, (x * v - y * u).sum(1) / size
    return torch.stack([real, -imaginary, imaginary, real], dim=-1).view(-1, 2, 2)


def _turn(before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    """What a head's turn does in the picture's axes, y down: pose codes (B, P) before and after.

    To what lies in the plane of the picture, (B, 2, 2), and to what is nearer by one, (B, 2).
    """
    turn = compose(matrix_from_vector(after[:, :3]), matrix_from_vector(before[:, :3]).mT)
    down = torch.tensor([1.0, -1.0], device=turn.device, dtype=turn.dtype)
    return turn[:, :2, :2] * down[:, None] * down, turn[:, :2, 2] * down


def _turns(aside: Tensor, linear: Tensor) -> Tensor:
    """Turns to the right, down and in the plane, (B, 3), by what lies nearer and in the plane."""
    (a, b), (c, d) = (row.unbind(-1) for row in linear.unbind(-2))
    return torch.cat([aside, torch.atan2(c - b, a + d)[:, None]], dim=1)


def _middle(points: Tensor) -> Tensor:
    return points.mean(dim=1, keepdim=True)


def _centred(points: Tensor) -> Tensor:
    return points - _middle(points)
