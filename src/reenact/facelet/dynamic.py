"""Linear layers whose weights follow the picture (method.md 9.1).

A dynamic layer is a mixture of kernels, and the mixture depends on the warped features of the
frame. The layer is linear, so mixing kernels is mixing their outputs: those are computed once per
source, and only the mixing is left for every frame.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reenact.layers.precision import exact_einsum, full_precision


class DynamicLinear(nn.Module):
    """Several linear layers side by side; `mix_kernels` makes them one."""

    def __init__(self, in_width: int, out_width: int, kernels: int = 4) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(kernels, in_width, out_width).mul_(0.02))
        self.bias = nn.Parameter(torch.zeros(kernels, 1, out_width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (B, R, D) through every kernel: (B, M, R, D'), float32."""
        with full_precision(tokens):
            return exact_einsum("brd,mde->bmre", tokens.float(), self.weight) + self.bias


class KernelMixture(nn.Module):
    """Reads from the warped features how much of each kernel a frame needs."""

    def __init__(self, channels: int, kernels: int = 4) -> None:
        super().__init__()
        hidden = channels // 4 + 1
        self.squeeze = nn.Linear(channels, hidden, bias=False)
        self.score = nn.Linear(hidden, kernels)

    def forward(self, features: Tensor, temperature: Tensor) -> Tensor:
        """Features (B, C, H, W) and a scalar to shares (B, M), summing to 1, float32."""
        with full_precision(features):
            average = features.float().mean(dim=(-2, -1))
            scores = self.score(torch.relu(self.squeeze(average)))
            shares: Tensor = (scores / temperature).softmax(dim=-1)
            return shares


def mix_kernels(outputs: Tensor, shares: Tensor) -> Tensor:
    """Outputs of all kernels (B, M, R, D) weighted by shares (B, M): (B, R, D)."""
    return (shares[..., None, None] * outputs).sum(1)
