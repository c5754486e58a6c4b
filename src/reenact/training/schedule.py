"""Everything that changes during a run, as a function of the share of the budget that is spent."""

from __future__ import annotations

import time
from collections.abc import Sequence

from reenact.training.config import BudgetConfig


class Clock:
    """How much of a budget of steps or minutes is spent.

    Minutes count from the end of the first step, so that compiling is free, and go on over
    interruptions.
    """

    def __init__(self, budget: BudgetConfig, step: int = 0, seconds: float = 0.0) -> None:
        self.budget = budget
        self.step = step
        self._before = seconds
        self._started: float | None = None

    def tick(self) -> None:
        """One more step is done."""
        self.step += 1
        if self._started is None:
            self._started = time.monotonic()

    @property
    def counts_steps(self) -> bool:
        """Whether the budget is one of steps; time is read only when processes can agree on it."""
        return self.budget.steps is not None

    @property
    def seconds(self) -> float:
        """Spent so far, earlier runs of the same training included."""
        return self._before + (0 if self._started is None else time.monotonic() - self._started)

    @property
    def share(self) -> float:
        """Of the budget, from 0 to 1."""
        if self.budget.steps is not None:
            return min(1.0, self.step / self.budget.steps)
        assert self.budget.minutes is not None
        return min(1.0, self.seconds / (60 * self.budget.minutes))

    def seconds_left(self) -> float:
        """At the pace so far; infinite before there is one."""
        share = self.share
        return self.seconds * (1 - share) / share if share > 0 else float("inf")


class Every:
    """True once whenever another interval of the budget is over."""

    def __init__(self, interval: float, share: float = 0.0) -> None:
        self.interval = interval
        self.passed = self._count(share)

    def __call__(self, share: float) -> bool:
        """Whether an interval ended since the last call."""
        count = self._count(share)
        due = count > self.passed
        self.passed = count
        return due

    def _count(self, share: float) -> int:
        return int(share / self.interval + 1e-9)


def learning_rate(
    base: float, share: float, milestones: Sequence[float], step: int, warmup: int
) -> float:
    """Rises over the warm-up steps, then drops to a tenth at every milestone passed."""
    drops = sum(share >= milestone for milestone in milestones)
    return base * min(1.0, (step + 1) / warmup) * 0.1**drops


def temperature(initial: float, share: float, until: float) -> float:
    """Of the dynamic layers' mixture: falls evenly to 1 over a share of the budget."""
    return 1.0 if until == 0 else max(1.0, initial + (1.0 - initial) * share / until)


def fading(share: float, until: float) -> float:
    """Factor that falls evenly from 1 to 0 over a share of the budget."""
    return 0.0 if until == 0 else max(0.0, 1.0 - share / until)
