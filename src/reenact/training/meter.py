"""Means of what is measured at every step, added up on the device and read once in a while."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from torch import Tensor


class Meter:
    """Sums scalars without waiting for them."""

    def __init__(self) -> None:
        self.steps = 0
        self._names: list[str] = []
        self._sums: list[Tensor] = []
        self._pairs = 0
        self._since = time.monotonic()

    @torch.no_grad()
    def add(self, values: Mapping[str, Tensor], pairs: int) -> None:
        """Scalars of one step, the same names every time."""
        current = [value.float() for value in values.values()]
        if self.steps == 0:
            self._names = list(values)
            self._sums = [value.clone() for value in current]
        else:
            torch._foreach_add_(self._sums, current)
        self.steps += 1
        self._pairs += pairs

    def read(self) -> dict[str, float]:
        """Means since the last reading, and pairs a second; waits for the device."""
        sums = torch.stack(self._sums).tolist()
        now = time.monotonic()
        means = {name: value / self.steps for name, value in zip(self._names, sums, strict=True)}
        means["pairs/s"] = self._pairs / max(now - self._since, 1e-9)
        self.restart()
        return means

    def restart(self) -> None:
        """Forget what was added, and start the watch anew."""
        self.steps, self._pairs = 0, 0
        self._sums = []
        self._since = time.monotonic()
