from __future__ import annotations

import pytest
import torch

from reenact.motion.hold import MotionHold
from reenact.motion.smoothing import MotionSmoother, OneEuro
from reenact.motion.watching import Watched, watch
from reenact.records import Keypoints, Motion

SEEN = [False, False, True, True, False, True, False]


def motion(count: int = len(SEEN)) -> Motion:
    generator = torch.Generator().manual_seed(0)
    affines = torch.eye(2) + 0.1 * torch.randn(count, 4, 2, 2, generator=generator)
    points = torch.randn(count, 4, 2, generator=generator)
    return Motion(Keypoints(points, affines), torch.randn(count, 6, generator=generator))


def watched(size: int, skip: int = 0, smooth: bool = True) -> list[Watched]:
    """All that is seen of one clip, frame by frame, that comes in batches of a size."""
    whole, seen = motion(), torch.tensor(SEEN)
    batches = [
        (whole.map(lambda tensor, b=begin: tensor[b : b + size]), seen[begin : begin + size])
        for begin in range(0, len(SEEN), size)
    ]
    steps = watch(
        batches,
        lambda index: index / 25,
        hold=MotionHold(),
        smoother=MotionSmoother(OneEuro()) if smooth else None,
        skip=skip,
    )
    return [_row(step, row) for step in steps for row in range(len(step.known))]


def _row(step: Watched, row: int) -> Watched:
    rows = slice(row, row + 1)
    return Watched(step.motion.map(lambda tensor: tensor[rows]), step.known[rows], step.initial)


def same(here: Watched, there: Watched) -> bool:
    if not bool(here.known):
        return not bool(there.known)
    pairs = [(here.motion, there.motion), (here.initial, there.initial)]
    return all(
        torch.allclose(a.pose, b.pose)
        and torch.allclose(a.keypoints.points, b.keypoints.points)
        and torch.allclose(a.keypoints.affines, b.keypoints.affines)
        for a, b in pairs
    )


@pytest.mark.parametrize("size", [2, 3, 4, 7])
def test_batches_do_not_matter(size: int) -> None:
    assert all(same(a, b) for a, b in zip(watched(1), watched(size), strict=True))


@pytest.mark.parametrize("skip", [0, 1, 3, 5, 6, 7, 9])
@pytest.mark.parametrize("size", [1, 3])
def test_frames_that_are_passed_over_change_nothing_in_the_others(size: int, skip: int) -> None:
    whole, rest = watched(size), watched(size, skip)
    assert len(rest) == max(0, len(SEEN) - skip)
    assert all(same(a, b) for a, b in zip(rest, whole[skip:], strict=True))


def test_motion_is_measured_from_the_first_face() -> None:
    steps = watched(1, smooth=False)
    assert [bool(step.known) for step in steps] == [False, False, *[True] * 5]
    third = motion().map(lambda tensor: tensor[2:3])
    assert all(torch.equal(step.initial.pose, third.pose) for step in steps[2:])
    assert torch.equal(steps[4].motion.pose, steps[3].motion.pose)


def test_a_chosen_beginning_is_kept() -> None:
    chosen = motion().map(lambda tensor: tensor[5:6])
    steps = watch([(motion(), torch.tensor(SEEN))], float, hold=MotionHold(), initial=chosen)
    assert [step.initial for step in steps] == [chosen]
