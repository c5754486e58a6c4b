"""A moving average of the weights, which is steadier than the weights themselves."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)


class MovingAverage(Generic[Model]):
    """Follows a model: every update moves each weight of the copy a little towards the model's.

    Buffers (norm statistics, temperatures) are copied, for they are averages already or settings.
    """

    def __init__(self, model: Model, decay: float) -> None:
        self.model: Model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self._theirs: list[Tensor] = [*model.parameters()]
        self._mine: list[Tensor] = [*self.model.parameters()]
        self._their_buffers = list(model.buffers())
        self._my_buffers = list(self.model.buffers())

    @torch.no_grad()
    def update(self, step: int) -> None:
        """After optimiser step number `step`, from 1; early averages reach back less far."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._mine, self._theirs, 1 - decay)
        if self._my_buffers:
            torch._foreach_copy_(self._my_buffers, self._their_buffers)

    def state_dict(self) -> dict[str, Tensor]:
        """Of the copy."""
        return self.model.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Of the copy."""
        self.model.load_state_dict(state)
