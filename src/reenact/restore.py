"""What the photograph shows and the model's small picture of it does not, put back into frames.

The model's picture of a portrait at rest differs from the photograph: a little in colour, and in
all that 256 x 256 pixels and a decoder cannot hold. The difference is measured once per portrait.
Its smooth part is added to every frame; its fine part moves along with the flow, and only goes
where the frame shows what the photograph shows there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.layers.grid import identity_grid, warp
from reenact.records import Animation, Record

SMOOTH_SIGMA = 0.125
"""Blur that tells smooth from fine: its standard deviation in sides of the square."""
TOLERANCE = 0.06
"""Difference of frame and moved portrait, in [0, 1], at which 63 % of the fine detail is gone."""
NEIGHBOURHOOD = 9
"""Pixels of the model's picture over which that difference is averaged."""


@dataclass(frozen=True, eq=False)
class Residual(Record):
    """The difference of a photograph and the model's picture of it at rest."""

    at_rest: Tensor
    """(1, 3, H, W) the model's picture at rest, with the smooth part added."""
    visible: Tensor
    """(1, 1, H, W) in [0, 1], how much of it the model took from the photograph."""
    smooth: Tensor
    """(1, 3, H, W) the part of the difference that changes slowly."""
    fine: Tensor
    """(1, 3, N, N) the rest, in the photograph's own pixels."""


def measure_residual(photo: Tensor, seen: Tensor, animation: Animation) -> Residual:
    """Split the difference of a photograph and the model's animation of it at rest.

    The photograph (1, 3, N, N) and what the model saw of it (1, 3, H, W) are in [0, 1].
    """
    picture = animation.frame.float()
    smooth = _blur(seen - picture, SMOOTH_SIGMA * seen.shape[-1])
    at_rest = picture + smooth
    return Residual(
        at_rest=at_rest,
        visible=animation.motion.occlusions[-1].float(),
        smooth=smooth,
        fine=photo - _resample(at_rest, photo.shape[-1]),
    )


def restore(animation: Animation, residual: Residual) -> Tensor:
    """Frames with what the photograph knows better: (B, 3, N, N).

    A portrait at rest becomes the photograph again.
    """
    size = residual.fine.shape[-1]
    frames = animation.frame.float() + residual.smooth
    share = _resample(detail_share(frames, animation, residual), size)
    flow = resample_flow(animation.motion.flows[-1].float(), size)
    return _resample(frames, size) + share * warp(_repeat(residual.fine, len(flow)), flow)


def detail_share(frames: Tensor, animation: Animation, residual: Residual) -> Tensor:
    """How much of the fine detail belongs to each pixel of frames: (B, 1, H, W) in [0, 1].

    All where the frame is the moved portrait; none where that is hidden, or the frame shows
    something else, like an opened mouth or a closed eye.
    """
    flow = animation.motion.flows[-1].float()
    known = torch.cat([residual.at_rest, residual.visible], dim=1)
    moved = warp(_repeat(known, len(flow)), flow)
    change = F.avg_pool2d(
        frames - moved[:, :3],
        NEIGHBOURHOOD,
        stride=1,
        padding=NEIGHBOURHOOD // 2,
        count_include_pad=False,
    )
    agreement = torch.exp(-(change.abs().mean(dim=1, keepdim=True) / TOLERANCE).square())
    visible = animation.motion.occlusions[-1].float() / moved[:, 3:].clamp(min=0.05)
    return agreement * visible.clamp(max=1)


def resample_flow(flow: Tensor, size: int) -> Tensor:
    """A flow (B, H, H, 2) for a picture of N pixels a side: (B, N, N, 2).

    The squares of a coarse and a fine pixel grid share their outer borders, not the centres of
    their border pixels; in pixels of the square, what moves is the same.
    """
    height = flow.shape[1]
    step = (flow - identity_grid(height, height, flow.device)) * ((height - 1) / height)
    resampled = _resample(step.movedim(-1, 1), size).movedim(1, -1) * (size / (size - 1))
    return resampled + identity_grid(size, size, flow.device)


def _resample(maps: Tensor, size: int) -> Tensor:
    """Maps (B, C, H, H) on another grid of N x N pixels that covers the same square."""
    if maps.shape[-1] == size:
        return maps
    shrinks = size < maps.shape[-1]
    return F.interpolate(
        maps, (size, size), mode="bilinear", align_corners=False, antialias=shrinks
    )


def _repeat(maps: Tensor, count: int) -> Tensor:
    return maps.expand(count, -1, -1, -1)


def _blur(maps: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (B, C, H, W); beyond the border nothing is known, and nothing counts."""
    offsets = torch.arange(maps.shape[-1], device=maps.device, dtype=torch.float32)
    kernel = torch.exp(-((offsets[:, None] - offsets) / sigma).square() / 2)
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    return kernel @ maps @ kernel.mT
