"""How region masks get to the size of features, and which regions count as seen."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from reenact.layers.grid import Size
from reenact.layers.precision import full_precision

MaskResize = Literal["area", "nearest"]

MIN_AREA = 16.0
"""Pixels at 256 x 256; smaller regions are noise of the parser (method.md 8.4)."""


def resize_masks(masks: Tensor, size: Size, how: MaskResize = "area") -> Tensor:
    """Shrink masks (B, R, H, W) to (B, R, h, w); by area they become soft and none is lost."""
    if masks.shape[-2:] == size:
        return masks
    if how == "nearest":
        return F.interpolate(masks, size, mode="nearest")
    with full_precision(masks):
        return F.adaptive_avg_pool2d(masks, size)


def present_regions(masks: Tensor, min_area: float = MIN_AREA) -> Tensor:
    """Which regions of masks (B, R, H, W) are seen, the area scaled to 256 x 256: (B, R) bool."""
    return masks.float().mean(dim=(-2, -1)) * 256**2 >= min_area
