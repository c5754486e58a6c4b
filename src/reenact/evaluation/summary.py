"""From one row a sample to one line a table: means, and how sure they are.

Samples of one clip or one person are alike, so intervals come from drawing whole groups again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reenact.records import FloatArray

RESAMPLINGS = 1000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """The mean of a metric over groups of samples."""

    mean: float
    """Over samples of a group, then over groups; NaN where there are none."""
    low: float
    """Lower end of the interval of 95 % confidence of `mean`, from drawing groups again."""
    high: float
    pooled: float
    """Over all samples at once, so that long groups weigh more."""
    groups: int
    samples: int
    dropped: int
    """Samples without a finite value: how often the metric, or the method, failed."""


def estimate(
    values: Sequence[float] | FloatArray, groups: Sequence[str], chance: np.random.Generator
) -> Estimate:
    """Mean and interval of values (N,), each of which belongs to a group."""
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    names, members = np.unique(np.asarray(groups, dtype=np.str_)[finite], return_inverse=True)
    kept = numbers[finite]
    if not len(kept):
        return Estimate(np.nan, np.nan, np.nan, np.nan, 0, 0, len(numbers))
    means = np.bincount(members, weights=kept) / np.bincount(members)
    low, high = bootstrap_interval(means, chance)
    return Estimate(
        mean=float(means.mean()),
        low=low,
        high=high,
        pooled=float(kept.mean()),
        groups=len(names),
        samples=len(kept),
        dropped=len(numbers) - len(kept),
    )


def bootstrap_interval(means: FloatArray, chance: np.random.Generator) -> tuple[float, float]:
    """Where the mean of as many groups, drawn again with replacement, lies 95 times in 100."""
    drawn = chance.integers(len(means), size=(RESAMPLINGS, len(means)))
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(means[drawn].mean(axis=1), (tail, 100 - tail))
    return float(low), float(high)
