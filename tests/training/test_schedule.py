from __future__ import annotations

import time

import pytest

from reenact.training.config import BudgetConfig
from reenact.training.schedule import Clock, Every, fading, learning_rate, temperature


def test_steps_are_shares_of_their_budget() -> None:
    clock = Clock(BudgetConfig(steps=4), step=1)
    clock.tick()
    assert clock.share == 0.5
    assert clock.counts_steps


def test_minutes_count_from_the_end_of_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    clock = Clock(BudgetConfig(minutes=1))
    now[0] += 500
    assert clock.share == 0
    clock.tick()
    now[0] += 15
    assert clock.share == 0.25
    assert clock.seconds_left() == pytest.approx(45)
    now[0] += 500
    assert clock.share == 1


def test_minutes_go_on_over_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    assert Clock(BudgetConfig(minutes=1), step=10, seconds=30).share == 0.5


def test_intervals_end_once_each() -> None:
    due = Every(0.25)
    assert [due(share) for share in (0.1, 0.25, 0.3, 0.8, 0.9, 1.0)] == [
        False,
        True,
        False,
        True,
        False,
        True,
    ]


def test_intervals_passed_before_going_on_are_over() -> None:
    assert not Every(0.25, share=0.5)(0.6)


@pytest.mark.parametrize(("share", "expected"), [(0, 2.0), (0.59, 2.0), (0.6, 0.2), (0.95, 0.02)])
def test_rate_drops_to_a_tenth_at_milestones(share: float, expected: float) -> None:
    assert learning_rate(2.0, share, (0.6, 0.9), step=99, warmup=10) == pytest.approx(expected)


def test_rate_rises_over_the_warm_up() -> None:
    rates = [learning_rate(1.0, 0.0, (), step, warmup=4) for step in range(5)]
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_temperature_falls_by_equal_parts_to_one() -> None:
    assert temperature(34, 0.0, 0.1) == 34
    assert temperature(34, 0.05, 0.1) == pytest.approx(17.5)
    assert temperature(34, 0.1, 0.1) == 1
    assert temperature(34, 0.7, 0.1) == 1
    assert temperature(34, 0.0, 0.0) == 1


def test_fading_ends_at_nothing() -> None:
    assert fading(0.0, 0.5) == 1
    assert fading(0.25, 0.5) == 0.5
    assert fading(0.9, 0.5) == 0
    assert fading(0.0, 0.0) == 0
