from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.layers.rotation import matrix_from_vector, vector_from_euler
from reenact.motion.parts import (
    HeadResponse,
    carriers,
    keep_part,
    measure_head,
    nearest_similarity,
)
from reenact.motion.strength import plane_rotation
from reenact.records import REGIONS, Keypoints, Motion, Parsing

DEPTHS = torch.tensor([0.5, -0.2, -0.3, 0.1, -0.1])
POINTS = torch.tensor([[0.0, 0.0], [-0.4, -0.3], [0.4, -0.3], [-0.2, 0.4], [0.2, 0.2]])
ANGLES = torch.tensor([[0.0, 0, 0], [20, 0, 0], [-25, 5, 0], [10, -15, 10], [-5, 10, -20]])
"""Yaw, pitch, roll in degrees."""


def head(angles: Tensor, size: float = 1.0) -> Motion:
    """A rigid head whose keypoints have depths, seen from far: turned, enlarged and moved."""
    rotation = vector_from_euler(angles)
    body = torch.cat([POINTS * torch.tensor([1.0, -1.0]), DEPTHS[:, None]], dim=1) * size
    seen = (matrix_from_vector(rotation) @ body.T).mT[..., :2] * torch.tensor([1.0, -1.0])
    count = len(angles)
    growth = 1 + 0.1 * torch.arange(count)[:, None, None]
    points = seen * growth + 0.05 * torch.arange(count)[:, None, None]
    affines = torch.eye(2).expand(count, len(POINTS), 2, 2)
    return Motion(Keypoints(points, affines), torch.cat([rotation, torch.zeros(count, 3)], dim=1))


def first(motion: Motion) -> Motion:
    return motion.map(lambda tensor: tensor[:1])


def response() -> HeadResponse:
    motion = head(ANGLES)
    return measure_head(motion, first(motion))


def with_expression(motion: Motion, amount: float) -> Motion:
    """The last keypoint goes down in the picture of the upright head, and the jaw opens."""
    points = motion.keypoints.points.clone()
    points[:, -1, 1] += amount
    jaw = torch.tensor([0, 0, 0, amount, 0, 0])
    return Motion(Keypoints(points, motion.keypoints.affines), motion.pose + jaw)


def test_depths_of_a_turning_head_are_found() -> None:
    assert_close(response().depths, DEPTHS - DEPTHS.mean(), atol=0.01, rtol=0.02)


def test_a_head_that_does_not_turn_shows_no_depth() -> None:
    motion = head(torch.zeros(6, 3))
    assert_close(measure_head(motion, first(motion)).depths, torch.zeros(5), atol=1e-5, rtol=0)


def test_the_movement_of_a_head_is_all_pose_and_no_expression() -> None:
    moved = head(ANGLES)
    pose = keep_part(first(moved), moved, "pose", response())
    assert_close(pose.keypoints.points, moved.keypoints.points, atol=0.01, rtol=0)
    assert_close(pose.pose, moved.pose)
    still = keep_part(first(moved), moved, "expression", response())
    expected = POINTS.expand(len(ANGLES), -1, -1)
    assert_close(still.keypoints.points, expected, atol=0.01, rtol=0)
    assert_close(still.pose, torch.zeros(len(ANGLES), 6))


def test_an_expression_without_movement_stays() -> None:
    """A keypoint that moves pulls the similarity of all a little: most of the way is its own."""
    rest = first(head(ANGLES))
    moved = with_expression(rest, 0.2)
    face = keep_part(rest, moved, "expression", response())
    step = face.keypoints.points - rest.keypoints.points
    assert float(step[0, -1, 1]) > 0.12
    assert float(step[0, :-1].abs().max()) < 0.07
    assert_close(face.pose, moved.pose)
    head_alone = keep_part(rest, moved, "pose", response())
    assert_close(head_alone.pose, rest.pose)


def test_an_expression_and_then_the_movement_is_the_motion() -> None:
    """What is taken back of the whole motion and then done again leaves the whole motion."""
    rest = first(head(ANGLES))
    moved = with_expression(head(ANGLES), 0.1)
    face, pose = (keep_part(rest, moved, part, response()) for part in ("expression", "pose"))
    grown = nearest_similarity(rest.keypoints.points, pose.keypoints.points)
    both = (face.keypoints.points[0] - rest.keypoints.points[0]) @ grown[
        0
    ].mT + pose.keypoints.points[0]
    assert_close(both, moved.keypoints.points[0], atol=0.02, rtol=0)


def test_a_larger_face_has_larger_depths() -> None:
    large = head(ANGLES, size=1.5)
    pose = keep_part(first(large), large, "pose", response())
    assert_close(pose.keypoints.points, large.keypoints.points, atol=0.015, rtol=0)


def test_affine_maps_that_turn_with_the_head_belong_to_it() -> None:
    still = head(ANGLES)
    roll = torch.deg2rad(-ANGLES[:, 2])
    turned = Motion(
        Keypoints(
            still.keypoints.points,
            plane_rotation(roll)[:, None].expand_as(still.keypoints.affines),
        ),
        still.pose,
    )
    measured = measure_head(turned, first(turned))
    face = keep_part(first(turned), turned, "expression", measured)
    left = face.keypoints.affines - torch.eye(2)
    assert float(left.abs().max()) < 0.4 * float(
        (turned.keypoints.affines - torch.eye(2)).abs().max()
    )


def test_nearest_similarity_of_a_turn_and_a_size() -> None:
    linear = 1.5 * plane_rotation(torch.tensor([0.3]))
    after = POINTS @ linear.mT + torch.tensor([0.2, -0.1])
    assert_close(nearest_similarity(POINTS[None], after), linear)


def test_lips_are_carried_by_the_keypoints_on_them() -> None:
    labels = torch.zeros(1, 101, 101, dtype=torch.uint8)
    labels[:, 68:73, 35:66] = REGIONS.index("upper lip") + 1  # y 0.36 to 0.44, x -0.3 to 0.3
    labels[:, 20, 20] = REGIONS.index("left eye") + 1
    keypoints = first(head(ANGLES)).keypoints
    on_lips = carriers(keypoints, Parsing(labels), "lips")
    assert on_lips.tolist() == [False, False, False, True, False], "the one at (-0.2, 0.4)"
    assert not carriers(keypoints, Parsing(labels), "eyes").any()
    assert not carriers(keypoints, Parsing(0 * labels), "lips").any()
    assert carriers(keypoints, Parsing(labels), "pose").all()


@pytest.mark.parametrize(("part", "jaw"), [("lips", 0.2), ("eyes", 0.0)])
def test_a_feature_is_the_expression_of_its_keypoints(part: str, jaw: float) -> None:
    rest = first(head(ANGLES))
    moved = with_expression(rest, 0.2)
    face = keep_part(rest, moved, "expression", response())
    last = torch.arange(5) == 4
    alone = keep_part(rest, moved, part, response(), last)  # type: ignore[arg-type]
    assert_close(alone.keypoints.points[:, 4], face.keypoints.points[:, 4])
    assert_close(alone.keypoints.points[:, :4], rest.keypoints.points[:, :4])
    assert_close(alone.pose[:, 3], torch.tensor([jaw]))


@pytest.mark.parametrize("part", ["pose", "expression"])
def test_rest_has_no_parts(part: str) -> None:
    rest = first(head(ANGLES))
    result = keep_part(rest, rest, part, response())  # type: ignore[arg-type]
    assert_close(result.keypoints.points, rest.keypoints.points, atol=1e-5, rtol=0)
    assert_close(result.keypoints.affines, rest.keypoints.affines, atol=1e-5, rtol=0)
    assert_close(result.pose, rest.pose)
