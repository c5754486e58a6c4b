"""What must stay in float32, whatever runs around it (method.md 14)."""

from __future__ import annotations

import torch
from torch import Tensor


def full_precision(tensor: Tensor) -> torch.autocast:
    """Switch autocast off on the tensor's device, for coordinates and all that is made of them."""
    return torch.autocast(device_type=tensor.device.type, enabled=False)


def exact_matmul(left: Tensor, right: Tensor) -> Tensor:
    """Product of small matrices (..., N, M) and (..., M, L), summed term by term.

    A matrix product may run in TF32 or bfloat16, whose ten or seven bits move a point by a pixel.
    """
    return (left.unsqueeze(-1) * right.unsqueeze(-3)).sum(-2)
