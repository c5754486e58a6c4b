"""Keeps a bad gradient out of the weights without asking the device about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from reenact.errors import TrainingError


class GradientGuard:
    """Clips chosen networks, and lets the optimiser skip a step whose gradient is not finite.

    The fused optimisers look at `found_inf` on the device itself, so nothing waits.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        clipped: Sequence[Iterable[Tensor]],
        limit: float | None,
        statistics: Iterable[Tensor] = (),
    ) -> None:
        """Guard an optimiser.

        Args:
            optimizer: A fused one.
            clipped: Parameters of the networks to clip, each by itself.
            limit: Largest gradient in those, or None.
            statistics: Buffers that a bad forward pass spoils, as those of batch norms.
        """
        self.optimizer = optimizer
        self.clipped = [list(parameters) for parameters in clipped]
        self.limit = limit
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        device = self.parameters[0].device
        self.skipped = torch.zeros((), device=device)
        """Steps skipped since `check` was last called."""
        self.statistics = list(statistics)
        self._good = [buffer.clone() for buffer in self.statistics]

    @torch.no_grad()
    def before_step(self) -> Tensor:
        """Call between backward and step; returns the norm of the whole gradient, unclipped."""
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
        bad = (~norm.isfinite()).float()
        self.optimizer.found_inf = bad  # type: ignore[attr-defined]
        self.skipped += bad
        if self.limit is not None:
            for parameters in self.clipped:
                torch.nn.utils.clip_grad_norm_(
                    parameters, self.limit, norm_type=float("inf"), foreach=True
                )
        return norm

    @torch.no_grad()
    def check(self, steps: int) -> int:
        """How many of the last steps were skipped; waits for the device.

        If any was, the statistics go back to what they were at the last check without.

        Raises:
            TrainingError: All of them were: the run is lost from here on.
        """
        skipped = int(self.skipped.item())
        self.skipped.zero_()
        if skipped >= steps:
            raise TrainingError(
                f"the gradient was not finite in any of the last {steps} steps, expected numbers. "
                "Start again from the last checkpoint with a lower optimizer.learning_rate or "
                "precision 32-true."
            )
        if self.statistics and skipped:
            torch._foreach_copy_(self.statistics, self._good)
        elif self.statistics:
            torch._foreach_copy_(self._good, self.statistics)
        return skipped
