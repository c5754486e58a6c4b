from __future__ import annotations

from fractions import Fraction
from math import pi

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.motion.smoothing import MotionSmoother, OneEuro, OneEuroFilter, share
from reenact.records import Keypoints, Motion

PLAIN = OneEuro(min_cutoff=1 / (2 * pi), beta=0.0, speed_cutoff=1 / (2 * pi))
"""Cutoffs at which a new value weighs step / (1 + step)."""


def smoothed(settings: OneEuro, values: list[float], times: list[float]) -> list[float]:
    smoother = OneEuroFilter(settings)
    return [
        float(smoother(torch.tensor(float(value)), time))
        for value, time in zip(values, times, strict=True)
    ]


def test_weight_of_a_new_value() -> None:
    assert share(1 / (2 * pi), 1.0) == pytest.approx(1 / 2)
    assert share(1 / (2 * pi), 3.0) == pytest.approx(3 / 4)


def test_a_low_pass_filter_worked_by_hand() -> None:
    """Weights of 1/2 after one second, 3/4 after three: 0 + 8/2 = 4, 4 + 3/4 (8 - 4) = 7."""
    assert smoothed(PLAIN, [0, 8, 8], [0, 1, 4]) == pytest.approx([0, 4, 7])


def test_speed_raises_the_cutoff_worked_by_hand() -> None:
    """A step of 8 in a second: smoothed speed 4, cutoff 1 + 4 / 2 = 3 turns, weight 3/4."""
    settings = OneEuro(min_cutoff=1 / (2 * pi), beta=1 / (4 * pi), speed_cutoff=1 / (2 * pi))
    assert smoothed(settings, [0, 8], [0, 1]) == pytest.approx([0, 6])


def test_what_rests_stays_as_it_is() -> None:
    value = torch.randn(10, 2, generator=torch.Generator().manual_seed(0))
    smoother = OneEuroFilter(OneEuro())
    for index in range(50):
        assert torch.equal(smoother(value, Fraction(index, 30)), value)


def test_frame_times_count_not_frames() -> None:
    """An exponential approach looks the same however often it is looked at late."""
    early = smoothed(PLAIN, [0, 1, 1], [0, 1, 1 + 1e-9])
    assert early[2] == pytest.approx(early[1])
    sparse, dense = smoothed(PLAIN, [0, 1], [0, 2.0]), smoothed(PLAIN, [0, 1], [0, 0.5])
    assert sparse[1] == pytest.approx(2 / 3)
    assert dense[1] == pytest.approx(1 / 3)


def test_a_time_that_does_not_pass_changes_nothing() -> None:
    assert smoothed(OneEuro(), [0, 1, 5], [0, 1, 1])[2] == smoothed(OneEuro(), [0, 1], [0, 1])[1]


def test_jitter_shrinks_and_a_turn_is_followed() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = 0.002 * torch.randn(200, generator=generator)
    times = [index / 25 for index in range(200)]
    steady = torch.tensor(smoothed(OneEuro(), noise.tolist(), times))
    assert float(steady[20:].diff().std()) < 0.5 * float(noise[20:].diff().std())
    turn = torch.linspace(0, 1, 26)  # one unit in a second
    followed = torch.tensor(smoothed(OneEuro(), turn.tolist(), times[:26]))
    assert float((turn - followed)[-1]) < 0.03


@pytest.mark.parametrize("settings", [{"min_cutoff": 0}, {"beta": -1}, {"speed_cutoff": 0}])
def test_settings_that_mean_nothing_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        OneEuro(**settings)


def motion(points: Tensor) -> Motion:
    count = len(points)
    return Motion(
        Keypoints(points, torch.eye(2).expand(count, points.shape[1], 2, 2)), torch.zeros(count, 6)
    )


def test_a_face_that_moves_as_one_keeps_its_shape() -> None:
    shape = torch.randn(5, 2, generator=torch.Generator().manual_seed(1))
    path = torch.randn(12, 1, 2, generator=torch.Generator().manual_seed(2))
    smooth = MotionSmoother(OneEuro())(motion(shape + path), [i / 25 for i in range(12)])
    points = smooth.keypoints.points
    assert_close(points - points[:, :1], (shape - shape[:1]).expand(12, -1, -1))
    assert not torch.allclose(points[1:], (shape + path)[1:])


def test_frames_may_come_in_any_batches() -> None:
    whole = motion(torch.randn(7, 4, 2, generator=torch.Generator().manual_seed(3)))
    times = [0.0, 0.04, 0.09, 0.2, 0.21, 0.3, 0.34]
    together = MotionSmoother(OneEuro())(whole, times)
    smoother, pieces = MotionSmoother(OneEuro()), []
    for begin, end in ((0, 1), (1, 5), (5, 7)):
        part = whole.map(lambda tensor, b=begin, e=end: tensor[b:e])
        pieces.append(smoother(part, times[begin:end]).keypoints.points)
    assert_close(torch.cat(pieces), together.keypoints.points)
