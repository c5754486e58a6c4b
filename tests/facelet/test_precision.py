"""Three products of the facelets stay in float32 on a GPU that may run products in TF32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from reenact.facelet.compensation import attend
from reenact.facelet.dynamic import DynamicLinear
from reenact.facelet.pooling import region_average_pool
from reenact.layers import precision

PRODUCTS = {torch.ops.aten.mm, torch.ops.aten.bmm, torch.ops.aten.addmm, torch.ops.aten.baddbmm}
BITS = 13
"""Of a float32 that TF32 has no place for."""


class TensorCores(TorchDispatchMode):
    """A GPU whose matrix products cut float32 down to TF32; counts them."""

    count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.overloadpacket in PRODUCTS:
            self.count += 1
            args = [cut(value) for value in args]
        return func(*args, **(kwargs or {}))


def cut(factor: Any) -> Any:
    if not isinstance(factor, Tensor) or factor.dtype != torch.float32:
        return factor
    return (factor.view(torch.int32) & -(1 << BITS)).view(torch.float32)


def pooled() -> tuple[Tensor, Tensor]:
    features, masks = torch.randn(2, 8, 16, 16), torch.rand(2, 14, 16, 16)
    sums = torch.einsum("brhw,bchw->brc", masks.double(), features.double())
    return region_average_pool(features, masks), sums / masks.double().sum((2, 3)).unsqueeze(-1)


def attended() -> tuple[Tensor, Tensor]:
    query, keys = torch.randn(2, 128, 4, 4), torch.randn(2, 15, 128)
    logits = torch.einsum("brd,bdhw->brhw", keys.double(), query.double()) / 128**0.5
    return attend(query, keys, torch.zeros(2, 15, 3))[1], logits.softmax(1)


def projected() -> tuple[Tensor, Tensor]:
    layer, tokens = DynamicLinear(64, 32, kernels=4), torch.randn(2, 14, 64)
    return layer(tokens), tokens.double().unsqueeze(1) @ layer.weight.double()


@pytest.mark.parametrize("work", [pooled, attended, projected])
def test_they_do_not_see_tf32(
    work: Callable[[], tuple[Tensor, Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    with TensorCores() as rounding:
        out, expected = work()
    assert error(out, expected) > 1e-4, "TF32 hurts where nobody sees to it"
    monkeypatch.setattr(precision, "_may_round", lambda tensor: True)
    with rounding:
        out, expected = work()
    assert rounding.count > 1
    assert error(out, expected) < 2e-6


def error(out: Tensor, expected: Tensor) -> float:
    """Largest difference, as a share of the largest value."""
    difference: Tensor = (out.double() - expected).abs().max() / expected.abs().max()
    return difference.item()
