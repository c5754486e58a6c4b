"""Convolutional blocks (method.md 2). Norm is batch norm; sizes must be even where one halves."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reenact.layers.layout import layout_of


def upsample(features: Tensor) -> Tensor:
    """Repeat every pixel twice in both directions: (B, C, H, W) to (B, C, 2H, 2W)."""
    return F.interpolate(features, scale_factor=2, mode="nearest")


def pooled_conv(conv: nn.Conv2d, features: Tensor) -> Tensor:
    """A 3x3 convolution, then the mean of every 2x2 pixels: (B, C, H, W) to (B, C', H/2, W/2).

    Both are linear, so a 4x4 kernel with stride 2 does both, for less than half of the products and
    without anything of full size in between.
    """
    kernel = F.avg_pool2d(F.pad(conv.weight, (1, 1, 1, 1)), 2, stride=1)
    return F.conv2d(features, kernel, conv.bias, stride=2, padding=1)


def upsampled_conv(conv: nn.Conv2d, features: Tensor) -> Tensor:
    """`upsample`, then a 3x3 convolution: (B, C, H, W) to (B, C', 2H, 2W), in channels last.

    A pixel becomes four, and each of them sees some neighbours twice. Adding up their weights gives
    four kernels for the small picture, so the big one, of many channels, is never made.
    """
    assert conv.bias is not None
    kernels = _kernels_of_halves(_kernels_of_halves(conv.weight, axis=3), axis=2)
    kernels = kernels.contiguous(memory_format=layout_of(conv.weight))
    phases = F.conv2d(features, kernels, conv.bias.repeat(4), padding=1)
    batch, _, height, width = phases.shape
    apart = phases.permute(0, 2, 3, 1).unflatten(-1, (2, 2, -1))
    joined: Tensor = apart.permute(0, 1, 3, 2, 4, 5).reshape(batch, 2 * height, 2 * width, -1)
    return joined.permute(0, 3, 1, 2)


def _kernels_of_halves(kernels: Tensor, axis: int) -> Tensor:
    """Kernels (C', C, ., .) of 3 along an axis to those of the first and second half of a pixel.

    (2 C', C, ., .), those of the first halves first.
    """
    before, here, after = kernels.unbind(axis)
    none = torch.zeros_like(here)
    first = torch.stack([before, here + after, none], dim=axis)
    second = torch.stack([none, before + here, after], dim=axis)
    return torch.cat([first, second])


class Same(nn.Module):
    """Convolution, norm, ReLU at one size."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H, W)."""
        return F.relu(self.norm(self.conv(features)))


class Down(Same):
    """Same, then halved."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H/2, W/2)."""
        return F.avg_pool2d(super().forward(features), 2)


class Up(Same):
    """Doubled, then Same."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', 2H, 2W)."""
        return super().forward(upsample(features))


class DownRes(nn.Module):
    """Residual block that halves the size.

    `activate_first=False` drops the leading norm and ReLU, for blocks that see raw input: the ReLU
    would cut its negative half.
    """

    def __init__(self, in_channels: int, out_channels: int, *, activate_first: bool = True) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels) if activate_first else None
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.skip = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H/2, W/2)."""
        hidden = features if self.norm1 is None else F.relu(self.norm1(features))
        hidden = F.relu(self.norm2(self.conv1(hidden)))
        hidden = pooled_conv(self.conv2, hidden)
        # A 1x1 convolution and a mean commute: pooling first is the same at a quarter of the cost.
        shortcut: Tensor = self.skip(F.avg_pool2d(features, 2))
        return hidden + shortcut


class UpRes(nn.Module):
    """Residual block that doubles the size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.skip = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', 2H, 2W)."""
        hidden = self.conv1(upsample(F.relu(self.norm1(features))))
        residual: Tensor = self.conv2(F.relu(self.norm2(hidden)))
        shortcut = upsample(self.skip(features))
        return residual + shortcut
