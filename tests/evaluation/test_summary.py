import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reenact.evaluation.summary import bootstrap_interval, estimate


def chance() -> np.random.Generator:
    return np.random.default_rng(0)


def test_long_clips_weigh_more_in_the_pooled_mean_alone() -> None:
    values = [10.0] + [20.0] * 9
    result = estimate(values, ["short"] + ["long"] * 9, chance())
    assert result.mean == 15
    assert result.pooled == 19
    assert (result.groups, result.samples, result.dropped) == (2, 10, 0)


def test_failed_samples_are_counted_and_left_out() -> None:
    result = estimate([1.0, math.nan, math.inf, 3.0], ["a", "a", "b", "b"], chance())
    assert (result.mean, result.samples, result.dropped) == (2, 2, 2)


def test_no_samples_give_no_number() -> None:
    result = estimate([math.nan], ["a"], chance())
    assert math.isnan(result.mean)
    assert (result.groups, result.samples, result.dropped) == (0, 0, 1)


def test_equal_groups_leave_no_doubt() -> None:
    result = estimate([5.0] * 6, ["a", "a", "b", "b", "c", "c"], chance())
    assert (result.low, result.mean, result.high) == (5, 5, 5)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20))
def test_the_interval_holds_the_mean_and_stays_among_the_groups(means: list[float]) -> None:
    low, high = bootstrap_interval(np.array(means), chance())
    assert min(means) - 1e-9 <= low <= high <= max(means) + 1e-9


def test_the_interval_is_that_of_theory() -> None:
    means = np.random.default_rng(1).normal(10, 2, size=400)
    low, high = bootstrap_interval(means, chance())
    half = 1.96 * means.std() / math.sqrt(400)
    assert low == pytest.approx(means.mean() - half, abs=0.03)
    assert high == pytest.approx(means.mean() + half, abs=0.03)


def test_the_same_chance_gives_the_same_interval() -> None:
    means = np.arange(7.0)
    assert bootstrap_interval(means, chance()) == bootstrap_interval(means, chance())
