from __future__ import annotations

import torch
from torch import Tensor

from reenact.motion.hold import MotionHold
from reenact.records import Keypoints, Motion


def numbered(*numbers: float) -> Motion:
    """Motion whose every number tells the frame that it was read from."""
    values = torch.tensor(numbers)
    return Motion(
        Keypoints(
            values[:, None, None].expand(-1, 3, 2), values[:, None, None, None].expand(-1, 3, 2, 2)
        ),
        values[:, None].expand(-1, 6),
    )


def flags(*seen: int) -> Tensor:
    return torch.tensor(seen, dtype=torch.bool)


def held(hold: MotionHold, motion: Motion, seen: Tensor) -> tuple[list[float], list[bool]]:
    result, known = hold(motion, seen)
    for tensor in (result.keypoints.points, result.keypoints.affines):
        assert torch.equal(tensor.flatten(1)[:, 0], result.pose[:, 0])
    return result.pose[:, 0].tolist(), known.tolist()


def test_a_face_that_is_there_is_followed() -> None:
    hold, motion = MotionHold(), numbered(1, 2, 3)
    result, known = hold(motion, flags(1, 1, 1))
    assert result is motion
    assert known.all()
    assert (hold.held, hold.frames) == (0, 3)


def test_the_last_motion_is_held_while_the_face_is_lost() -> None:
    hold = MotionHold()
    assert held(hold, numbered(1, 2, 3, 4), flags(1, 0, 0, 1)) == ([1, 1, 1, 4], [True] * 4)
    assert held(hold, numbered(5, 6, 7), flags(0, 0, 1)) == ([4, 4, 7], [True] * 3)
    assert held(hold, numbered(8, 9), flags(0, 0)) == ([7, 7], [True] * 2)
    assert held(hold, numbered(10), flags(0)) == ([7], [True])
    assert (hold.held, hold.frames) == (7, 10)


def test_before_the_first_face_nothing_is_known() -> None:
    hold = MotionHold()
    assert held(hold, numbered(1, 2), flags(0, 0))[1] == [False, False]
    motion, known = held(hold, numbered(3, 4, 5), flags(0, 1, 0))
    assert known == [False, True, True]
    assert motion[1:] == [4, 4]
    assert held(hold, numbered(6), flags(0)) == ([4], [True])
    assert (hold.held, hold.frames) == (5, 6)
