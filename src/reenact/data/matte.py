"""Take a portrait apart: how much of each pixel is head, and what lies behind the head."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.records import REGIONS

NECK = REGIONS.index("neck") + 1
CLOSING = 5
"""Pixels of 256: gaps in the labels up to twice this wide are closed."""
MARGIN = 4
"""Pixels of 256 around the head where the background is not trusted: stray hair, ears."""
COLLAR_MARGIN = 2
"""The same below the chin."""
BLEND = 8
"""Pixels of 256 between the background above the chin and that below."""
REFINE = 4
"""Radius of the guided filter, pixels of 256."""
EDGE = 1e-3
"""Variance of brightness from which the guided filter sees an edge."""


def head_matte(images: Tensor, labels: Tensor, face: Tensor) -> Tensor:
    """Share of head in each pixel, (B, 1, S, S).

    The border of the labels is moved to the edges of the picture with a guided filter.

    Args:
        images: (B, 3, S, S) in [0, 1].
        labels: (B, L, L) regions, 0 = not the head.
        face: (B, S, S) bool, where the face mesh is; head whatever the labels say.
    """
    size = images.shape[-1]
    mask = (labels > 0).float().unsqueeze(1)
    mask = F.interpolate(mask, (size, size), mode="bilinear", align_corners=False)
    mask = mask.maximum(face.float().unsqueeze(1))
    radius = _pixels(CLOSING, size)
    mask = _shrunk(_grown(mask, radius), radius)
    refined = guided_filter(images.mean(1, keepdim=True), mask, _pixels(REFINE, size))
    band = _grown(mask, 2 * radius) - _shrunk(mask, 2 * radius)
    return torch.where(band > 0, ((refined - 0.15) / 0.7).clamp(0, 1), mask.round())


def background(images: Tensor, matte: Tensor, labels: Tensor, chin: Tensor) -> Tensor:
    """The picture without its head: the hole and its margin filled from around, (B, 3, S, S).

    The neck stays: what a raised chin or a turned collar uncovers is more of it.

    Args:
        images: (B, 3, S, S).
        matte: (B, 1, S, S) share of head.
        labels: (B, L, L) regions.
        chin: (B,) row of the chin; below it are collars, not hair, and the margin is narrow.
    """
    size = images.shape[-1]
    row = torch.arange(size, device=images.device).view(1, 1, -1, 1)
    above = ((chin.view(-1, 1, 1, 1) - row) / _pixels(BLEND, size) + 0.5).clamp(0, 1)
    neck = F.interpolate((labels == NECK).float().unsqueeze(1), (size, size), mode="nearest-exact")
    wide = _grown(matte, _pixels(MARGIN, size))
    narrow = _grown(matte * (1 - neck), _pixels(COLLAR_MARGIN, size))
    known = (torch.where(above > 0.5, wide, narrow) < 0.5).float()
    # Apart, so that a white collar does not shine into the wall behind the ears.
    upper, lower = fill(images, known * (above > 0.5)), fill(images, known * (above <= 0.5))
    return torch.where(known > 0, images, torch.lerp(lower, upper, above))


def border_cuts(matte: Tensor, chin: Tensor) -> tuple[Tensor, Tensor]:
    """Where the border of the picture cuts the head: xy in [-1, 1], (B, 6, 2), and whether, (B, 6).

    First and last point of the upper border, of the left and of the right one above the chin.
    """
    size = matte.shape[-1]
    at = torch.linspace(-1, 1, size, device=matte.device)
    head = matte[:, 0] > 0.5
    above = torch.arange(size, device=matte.device) < chin.unsqueeze(1)
    points, cut = [], []
    for edge, fixed in (
        (head[:, 0], ("y", -1.0)),
        (head[:, :, 0] & above, ("x", -1.0)),
        (head[:, :, -1] & above, ("x", 1.0)),
    ):
        ends = torch.where(edge, at, 2.0).amin(1), torch.where(edge, at, -2.0).amax(1)
        for end in ends:
            wall = torch.full_like(end, fixed[1])
            points.append(torch.stack((end, wall) if fixed[0] == "y" else (wall, end), 1))
            cut.append(edge.any(1))
    return torch.stack(points, 1), torch.stack(cut, 1)


def guided_filter(guide: Tensor, mask: Tensor, radius: int) -> Tensor:
    """Smooth a mask (B, 1, H, W) but not across the edges of the guide (B, 1, H, W)."""
    mean_guide, mean_mask = _box(guide, radius), _box(mask, radius)
    covariance = _box(guide * mask, radius) - mean_guide * mean_mask
    variance = _box(guide * guide, radius) - mean_guide.square()
    slope = covariance / (variance + EDGE)
    offset = mean_mask - slope * mean_guide
    return _box(slope, radius) * guide + _box(offset, radius)


def fill(images: Tensor, known: Tensor) -> Tensor:
    """Fill unknown pixels smoothly, coarse to fine: (B, C, S, S) with known (B, 1, S, S) 0 or 1."""
    colours, weights = images * known, known
    levels = [(colours, weights)]
    while colours.shape[-1] > 1:
        colours, weights = (
            F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False) for x in (colours, weights)
        )
        # A few known pixels speak for their whole cell.
        gain = (4 * weights).clamp(max=1) / weights.clamp_min(1e-6)
        colours, weights = colours * gain, weights * gain
        levels.append((colours, weights))
    colours, weights = levels.pop()
    filled = colours / weights.clamp_min(1e-6)
    for colours, weights in reversed(levels):
        coarse = F.interpolate(filled, colours.shape[-2:], mode="bilinear", align_corners=False)
        filled = colours + (1 - weights) * coarse
    return filled


def _grown(mask: Tensor, radius: int) -> Tensor:
    return F.max_pool2d(mask, 2 * radius + 1, stride=1, padding=radius)


def _shrunk(mask: Tensor, radius: int) -> Tensor:
    return -_grown(-mask, radius)


def _box(maps: Tensor, radius: int) -> Tensor:
    return F.avg_pool2d(maps, 2 * radius + 1, stride=1, padding=radius, count_include_pad=False)


def _pixels(of_256: int, size: int) -> int:
    return max(1, round(of_256 * size / 256))
