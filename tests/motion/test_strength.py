from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.testing import assert_close

from reenact.layers.rotation import euler_from_vector, vector_from_euler
from reenact.motion.strength import (
    FREE,
    affine_power,
    facing_angle,
    limit_turn,
    plane_rotation,
    strengthen,
    strengthen_pose,
)
from reenact.records import Keypoints, Motion

MakeKeypoints = Callable[..., Keypoints]


def motion(keypoints: Keypoints, seed: int) -> Motion:
    generator = torch.Generator().manual_seed(seed)
    return Motion(keypoints, 0.2 * torch.randn(len(keypoints.points), 6, generator=generator))


@pytest.fixture
def pair(make_keypoints: MakeKeypoints) -> tuple[Motion, Motion]:
    """A portrait at rest and three frames of it."""
    return motion(make_keypoints(1), 0), motion(make_keypoints(3), 1)


def assert_same(here: Motion, there: Motion) -> None:
    expected = there.map(lambda tensor: tensor.expand(len(here.pose), *tensor.shape[1:]))
    assert_close(here.keypoints.points, expected.keypoints.points, atol=1e-5, rtol=1e-4)
    assert_close(here.keypoints.affines, expected.keypoints.affines, atol=1e-4, rtol=1e-3)
    assert_close(here.pose, expected.pose, atol=1e-5, rtol=1e-4)


def test_none_is_rest_and_all_is_the_motion(pair: tuple[Motion, Motion]) -> None:
    rest, moved = pair
    assert_same(strengthen(rest, moved, 0.0), rest)
    assert_same(strengthen(rest, moved, 1.0), moved)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 2.0])
def test_rest_has_no_strength(pair: tuple[Motion, Motion], strength: float) -> None:
    assert_same(strengthen(pair[0], pair[0], strength), pair[0])


def test_half_of_twice_is_the_motion(pair: tuple[Motion, Motion]) -> None:
    rest, moved = pair
    assert_same(strengthen(rest, strengthen(rest, moved, 2.0), 0.5), moved)


def test_twice_a_turn_is_twice_as_far() -> None:
    """From 10 degrees to 25, twice is 40; the jaw goes from 0.1 over 0.3 to 0.5."""
    rest, moved, twice = (
        torch.cat([vector_from_euler(torch.tensor([[yaw, 0.0, 0.0]])), torch.tensor([jaw])], dim=1)
        for yaw, jaw in ((10.0, [0.1, 0, 0]), (25.0, [0.3, 0, 0.2]), (40.0, [0.5, 0, 0.4]))
    )
    result = strengthen_pose(rest, moved, 2.0)
    assert_close(result, twice, atol=1e-5, rtol=1e-4)
    assert_close(euler_from_vector(result[:, :3])[0, 0], torch.tensor(40.0), atol=1e-3, rtol=0)


def test_powers_of_a_turn_and_of_a_stretch_worked_by_hand() -> None:
    turn = plane_rotation(torch.tensor(0.4))
    stretch = torch.diag(torch.tensor([4.0, 0.25]))
    assert_close(affine_power(turn, 0.5), plane_rotation(torch.tensor(0.2)), atol=1e-6, rtol=1e-5)
    assert_close(affine_power(stretch, 0.5), torch.diag(torch.tensor([2.0, 0.5])))
    both = affine_power(turn @ stretch, 2.0)
    assert_close(both, plane_rotation(torch.tensor(0.8)) @ stretch @ stretch, atol=1e-5, rtol=1e-5)


def test_no_power_folds_a_map_over() -> None:
    generator = torch.Generator().manual_seed(0)
    changes = torch.eye(2) + 0.4 * torch.randn(200, 2, 2, generator=generator)
    proper = changes[torch.linalg.det(changes) > 0.05]
    for exponent in (0.3, 1.5, 2.0):
        assert bool((torch.linalg.det(affine_power(proper, exponent)) > 0).all())


def test_a_mirrored_map_is_mixed_with_the_identity() -> None:
    mirror = torch.diag(torch.tensor([-1.0, 1.0]))
    assert_close(affine_power(mirror, 0.25), torch.diag(torch.tensor([0.5, 1.0])))


def test_every_frame_may_have_its_own_strength(pair: tuple[Motion, Motion]) -> None:
    rest, moved = pair
    shares = (0.0, 0.4, 1.5)
    together = strengthen(rest, moved, torch.tensor(shares))
    for number, share in enumerate(shares):
        frame = slice(number, number + 1)
        alone = strengthen(rest, moved.map(lambda tensor, frame=frame: tensor[frame]), share)
        assert_same(together.map(lambda tensor, frame=frame: tensor[frame]), alone)


def turned(keypoints: Keypoints, angles: list[tuple[float, float, float]]) -> Motion:
    vectors = vector_from_euler(torch.tensor(angles))
    return Motion(keypoints, torch.cat([vectors, torch.full((len(angles), 3), 0.2)], dim=1))


def test_small_turns_and_tilts_are_left_alone(make_keypoints: MakeKeypoints) -> None:
    rest = turned(make_keypoints(1), [(5, 0, 0)])
    moved = turned(make_keypoints(3), [(5, 0, 80), (FREE * 40 + 4.9, 0, 0), (5, -20, 0)])
    kept = limit_turn(rest, moved, 40)
    assert torch.equal(kept.keypoints.points, moved.keypoints.points)
    assert torch.equal(kept.pose, moved.pose)


def test_no_turn_reaches_the_limit_and_order_is_kept(make_keypoints: MakeKeypoints) -> None:
    yaws = torch.linspace(1, 110, 40)
    rest = turned(make_keypoints(1), [(0, 0, 0)])
    moved = turned(make_keypoints(40), [(yaw, 0, 0) for yaw in yaws.tolist()])
    angles = facing_angle(rest.pose, limit_turn(rest, moved, 40).pose)
    assert (angles < 40).all()
    assert (angles.diff() > 0).all()
    assert (angles <= facing_angle(rest.pose, moved.pose) + 1e-3).all()


def test_all_of_a_far_motion_goes_back_by_one_share(make_keypoints: MakeKeypoints) -> None:
    rest = turned(make_keypoints(1), [(0, 0, 0)])
    moved = turned(make_keypoints(2), [(10, 0, 0), (80, 0, 0)])
    held = limit_turn(rest, moved, 40)
    share = facing_angle(rest.pose, held.pose)[1] / 80
    expected = torch.lerp(rest.keypoints.points[0], moved.keypoints.points[1], share)
    assert_close(held.keypoints.points[1], expected, atol=1e-5, rtol=1e-4)
    assert torch.equal(held.keypoints.affines[0], moved.keypoints.affines[0])
