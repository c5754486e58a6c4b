"""How pictures and features lie in memory; what they hold never depends on it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def layout_of(tensor: Tensor) -> torch.memory_format:
    """Channels last where (B, C, H, W) is stored so and not in the usual order too."""
    last = tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


def keep_gradient_layout(tensor: Tensor) -> Tensor:
    """The same tensor, whose gradient will be stored as it is itself.

    Some operators answer in the usual order whatever they are given; what follows would then read
    one layout and write the other, which is slow on a GPU. A compiler sees to that itself.
    """
    if torch.compiler.is_compiling():
        return tensor
    kept: Tensor = _KeepGradientLayout.apply(tensor, layout_of(tensor))  # type: ignore[no-untyped-call]
    return kept


class _KeepGradientLayout(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, tensor: Tensor, layout: torch.memory_format) -> Tensor:
        context.layout = layout
        return tensor.view_as(tensor)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient.contiguous(memory_format=context.layout), None
