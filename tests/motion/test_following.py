from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.testing import assert_close

from reenact.cli.rendering import Settings
from reenact.motion.following import Manner, follow
from reenact.motion.parts import measure_head
from reenact.motion.strength import facing_angle, limit_turn
from reenact.motion.transfer import transfer
from reenact.motion.watching import Watched
from reenact.records import Keypoints, Motion

MakeKeypoints = Callable[..., Keypoints]


@pytest.fixture
def scene(make_keypoints: MakeKeypoints) -> tuple[Motion, Watched]:
    """A portrait's own motion, and four frames of a driving face."""
    generator = torch.Generator().manual_seed(3)

    def make(batch: int) -> Motion:
        return Motion(make_keypoints(batch), 0.4 * torch.randn(batch, 6, generator=generator))

    driving = make(4)
    initial = driving.map(lambda tensor: tensor[:1])
    return make(1), Watched(driving, torch.ones(4, dtype=torch.bool), initial)


def test_absolute_motion_is_the_driving_face_s(scene: tuple[Motion, Watched]) -> None:
    own, watched = scene
    assert follow(own, watched, Manner(mode="absolute")) is watched.motion


def test_relative_motion_is_what_changed(scene: tuple[Motion, Watched]) -> None:
    own, watched = scene
    moved = follow(own, watched, Manner(adapt_scale=False, max_turn=180))
    expected = transfer(own.keypoints, own.pose, watched.motion, watched.initial)
    assert_close(moved.keypoints.points, expected.keypoints.points)
    assert_close(moved.pose, expected.pose)
    assert_close(moved.keypoints.points[:1], own.keypoints.points)


def test_relative_turns_are_held_and_absolute_ones_are_not(scene: tuple[Motion, Watched]) -> None:
    own, watched = scene
    free, held = (follow(own, watched, Manner(max_turn=most)) for most in (180.0, 20.0))
    assert facing_angle(own.pose, free.pose).max() > 30
    assert facing_angle(own.pose, held.pose).max() < 20.5  # they tilt as well
    assert_close(held.pose, limit_turn(own, free, 20.0).pose)
    assert follow(own, watched, Manner(mode="absolute", max_turn=20)) is watched.motion


def test_the_command_holds_turns_as_the_function_does() -> None:
    assert Settings.max_turn == Manner.max_turn


@pytest.mark.parametrize("mode", ["relative", "absolute"])
def test_without_strength_nothing_moves(scene: tuple[Motion, Watched], mode: str) -> None:
    own, watched = scene
    moved = follow(own, watched, Manner(mode=mode, strength=0))  # type: ignore[arg-type]
    assert_close(moved.keypoints.points, own.keypoints.points.expand(4, -1, -1))
    assert_close(moved.pose, own.pose.expand(4, -1), atol=1e-5, rtol=1e-4)


def test_before_the_first_face_the_portrait_is_at_rest(scene: tuple[Motion, Watched]) -> None:
    own, watched = scene
    late = Watched(watched.motion, torch.tensor([False, False, True, True]), watched.initial)
    moved, usual = follow(own, late, Manner()), follow(own, watched, Manner())
    assert_close(moved.keypoints.points[:2], own.keypoints.points.expand(2, -1, -1))
    assert_close(moved.pose[:2], own.pose.expand(2, -1))
    assert_close(moved.keypoints.affines[2:], usual.keypoints.affines[2:])


def test_parts_need_to_know_the_head(scene: tuple[Motion, Watched]) -> None:
    own, watched = scene
    with pytest.raises(ValueError, match="head response"):
        follow(own, watched, Manner(only="pose"))
    head = measure_head(watched.motion, watched.initial)
    moved = follow(own, watched, Manner(only="expression"), head)
    assert_close(moved.pose[:, :3], own.pose[:, :3].expand(4, -1))


@pytest.mark.parametrize("settings", [{"mode": "sideways"}, {"strength": -0.1}, {"strength": 2.1}])
def test_a_manner_that_means_nothing_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Manner(**settings)  # type: ignore[arg-type]
