"""Where things are in a picture: coordinates, sampling, resizing.

One convention everywhere: coordinates are xy in [-1, 1], and -1 and 1 are the centres of the border
pixels. Only then does a flow that points at itself leave the picture as it is. Nothing else in the
project calls grid_sample.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reenact.layers.layout import keep_gradient_layout, layout_of
from reenact.layers.precision import full_precision

Size = tuple[int, int]
"""Height and width in pixels."""
Padding = Literal["zeros", "border", "reflection"]
"""What lies outside the picture."""
Lookup = Literal["bilinear", "nearest"]
"""Nearest is for labels."""


def identity_grid(height: int, width: int, device: torch.device | str | None = None) -> Tensor:
    """Coordinates of every pixel: (H, W, 2) xy, the flow that moves nothing."""
    x = torch.linspace(-1, 1, width, device=device)
    y = torch.linspace(-1, 1, height, device=device)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def sample(
    image: Tensor, points: Tensor, padding: Padding = "zeros", lookup: Lookup = "bilinear"
) -> Tensor:
    """Look up (B, C, H, W) at points (B, h, w, 2) in float32: (B, C, h, w), stored as the image."""
    with full_precision(image):
        sampled = F.grid_sample(
            keep_gradient_layout(image).float(),
            points.float(),
            lookup,
            padding_mode=padding,
            align_corners=True,
        )
    return sampled.to(image.dtype, memory_format=layout_of(image))


def warp(features: Tensor, flow: Tensor, padding: Padding = "zeros") -> Tensor:
    """Sample features (B, C, H, W) where flow (B, h, w, 2) points, resized to them first."""
    height, width = features.shape[-2:]
    return sample(features, resize_flow(flow, (height, width)), padding)


def resize_flow(flow: Tensor, size: Size) -> Tensor:
    """Resize a flow (B, h, w, 2) to (B, H, W, 2); what it points at does not change."""
    return resize_map(flow.movedim(-1, 1), size).movedim(1, -1)


def resize_map(maps: Tensor, size: Size) -> Tensor:
    """Resize maps (B, C, h, w) to (B, C, H, W), bilinearly between the centres of border pixels."""
    if maps.shape[-2:] == size:
        return maps
    with full_precision(maps):
        return F.interpolate(maps.float(), size, mode="bilinear", align_corners=True)


def gaussian_heatmaps(points: Tensor, size: Size, variance: float) -> Tensor:
    """A bump of height 1 around each of points (B, K, 2): (B, K, H, W), exp(-|z - k|^2 / 2 var)."""
    height, width = size
    x = torch.linspace(-1, 1, width, device=points.device)
    y = torch.linspace(-1, 1, height, device=points.device)
    points = points.float()
    across = torch.exp((x - points[..., :1]).square() / (-2 * variance))
    down = torch.exp((y - points[..., 1:]).square() / (-2 * variance))
    return down.unsqueeze(-1) * across.unsqueeze(-2)


class AntiAliasDownsample(nn.Module):
    """Shrinks a picture by 1/scale: Gaussian blur, then every (1/scale)-th pixel from the first.

    The blur is separable, so it runs as one pass down and one pass across (method.md 1). Sums of
    products rather than convolutions: those are slow for a channel by itself, and may round the
    pictures to TF32.
    """

    taps: Tensor

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.channels = channels
        self.stride = round(1 / scale)
        deviation = (1 / scale - 1) / 2
        self.radius = round(4 * deviation)
        self.register_buffer("taps", _gaussian_taps(deviation, self.radius), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to float32 (B, C, H scale, W scale)."""
        if self.stride == 1:
            return image
        down = self._blur(image.float(), (0, 0, self.radius, self.radius), axis=2)
        return self._blur(down, (self.radius, self.radius, 0, 0), axis=3)

    def _blur(self, image: Tensor, padding: tuple[int, ...], axis: int) -> Tensor:
        windows = F.pad(image, padding).unfold(axis, len(self.taps), self.stride)
        return (windows * self.taps).sum(dim=-1)


def _gaussian_taps(deviation: float, radius: int) -> Tensor:
    """2 radius + 1 weights of a Gaussian, summing to 1."""
    # On the CPU even where models are built without values: arithmetic on the meta device makes
    # torch import its compiler, which takes a second.
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32, device="cpu")
    weights = torch.exp(-offsets.square() / (2 * max(deviation, 1e-6) ** 2))
    return weights / weights.sum()
