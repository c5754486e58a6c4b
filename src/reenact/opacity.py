"""What of a portrait is opaque: what its file says, or else the head; it moves with the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reenact.layers.grid import warp
from reenact.perception.cropping import cut
from reenact.records import Animation, FloatArray, Image, Parsing
from reenact.restore import resample_flow
from reenact.video import BACKDROP, PasteBack

EDGE = 1.2
"""Blur of the head's outline: its standard deviation in pixels of the parsing."""
SPECK = 0.005
"""Islands and holes of the head below this share of the square are mistakes of the parser."""


@dataclass(frozen=True, eq=False)
class Opacity:
    """How opaque every pixel of a photograph is."""

    values: NDArray[np.uint8]
    """(H, W), 255 = opaque."""
    on_paper: bool
    """Whether the photograph shows white paper through what is not opaque."""


def head_opacity(parsing: Parsing, square: FloatArray, size: tuple[int, int]) -> Opacity:
    """The head in a square of a photograph of a size (height, width), by its parsing."""
    head = (parsing.labels[0] > 0).to(torch.uint8).cpu().numpy()
    soft = cv2.GaussianBlur(255 * without_specks(head), (0, 0), EDGE)
    nothing = np.zeros((*size, 3), dtype=np.uint8)
    pasted = PasteBack(nothing, square, feather=0).paste(np.repeat(soft[..., None], 3, axis=2))
    return Opacity(np.ascontiguousarray(pasted[..., 0]), on_paper=False)


def without_specks(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A mask (H, W) of 0 and 1 without its small islands and holes."""
    for side in (1, 0):
        _, labels, stats, _ = cv2.connectedComponentsWithStats((mask == side).astype(np.uint8))
        small = stats[:, cv2.CC_STAT_AREA] < SPECK * mask.size
        mask = np.where((mask == side) & small[labels], 1 - side, mask).astype(np.uint8)
    return mask


def with_opacity(photo: Image, opacity: Opacity) -> Image:
    """A photograph as (H, W, 4)."""
    return np.dstack([photo, opacity.values])


def cut_opacity(opacity: Opacity, square: FloatArray, size: int, device: torch.device) -> Tensor:
    """The opacity in a square: (1, 1, size, size) in [0, 1]."""
    part = cut(np.repeat(opacity.values[..., None], 3, axis=2), square, size)
    return torch.from_numpy(part[..., 0]).to(device)[None, None].float() / 255


def moved(opacity: Tensor, animation: Animation) -> Tensor:
    """The opacity (1, 1, N, N) of a portrait, moved like its pixels in frames: (B, 1, N, N)."""
    flow = resample_flow(animation.motion.flows[-1].float(), opacity.shape[-1])
    return warp(opacity.expand(len(flow), -1, -1, -1), flow)


def straight(frame: Image) -> Image:
    """The colours of (H, W, 4) without the paper that shines through, for any new background."""
    share = frame[..., 3:].astype(np.float32) / 255
    colours = (frame[..., :3] - BACKDROP * (1 - share)) / np.maximum(share, 1 / 255)
    colours = np.where(share > 0, np.clip(np.rint(colours), 0, 255), frame[..., :3])
    return np.concatenate([colours.astype(np.uint8), frame[..., 3:]], axis=2)
