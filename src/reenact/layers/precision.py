"""What must stay in float32, whatever runs around it (method.md 14)."""

from __future__ import annotations

from typing import Any

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


def exact_einsum(equation: str, left: Tensor, right: Tensor) -> Tensor:
    """`torch.einsum` of two float32 tensors, in float32 also where products may run in TF32.

    For products too large for `exact_matmul`. Each factor is taken apart into what TF32 holds and
    the rest, so three products of TF32 miss as little as one of float32; gradients too. Autocast
    is the caller's (`full_precision`).
    """
    if not _may_round(left):
        return torch.einsum(equation, left, right)
    product: Tensor = _SplitProduct.apply(equation, left, right)  # type: ignore[no-untyped-call]
    return product


def _may_round(tensor: Tensor) -> bool:
    """Whether products on the tensor's device may run in TF32; a compiler cannot ask and splits."""
    if not tensor.is_cuda:
        return False
    return torch.compiler.is_compiling() or torch.backends.cuda.matmul.fp32_precision == "tf32"


class _SplitProduct(torch.autograd.Function):
    """Keeps the factors for the gradient, not their parts: those would take twice the memory."""

    @staticmethod
    def forward(context: Any, equation: str, left: Tensor, right: Tensor) -> Tensor:
        context.equation = equation
        context.save_for_backward(left, right)
        return _three_products(equation, left, right)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[None, Tensor | None, Tensor | None]:
        left, right = context.saved_tensors
        factors, out = context.equation.split("->")
        first, second = factors.split(",")
        wanted = context.needs_input_grad
        with full_precision(gradient):
            return (
                None,
                _three_products(f"{out},{second}->{first}", gradient, right) if wanted[1] else None,
                _three_products(f"{first},{out}->{second}", left, gradient) if wanted[2] else None,
            )


def _three_products(equation: str, left: Tensor, right: Tensor) -> Tensor:
    """All of the product but that of the two rests, which is below what float32 holds."""
    left_coarse, left_rest = _split(left)
    right_coarse, right_rest = _split(right)
    small = torch.einsum(equation, left_coarse, right_rest)
    small = small + torch.einsum(equation, left_rest, right_coarse)
    return small + torch.einsum(equation, left_coarse, right_coarse)


def _split(tensor: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest number of TF32, which drops 13 of the bits of float32, and the exact rest."""
    bits = tensor.view(torch.int32)
    coarse = ((bits + (1 << 12)) & -(1 << 13)).view(torch.float32)
    return coarse, tensor - coarse
