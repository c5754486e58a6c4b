"""A page to look at: the hardest frame of every clip, hardest clip first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.data.decode import encode_png
from reenact.evaluation.clips import ScoredClip
from reenact.evaluation.cross import CrossScore
from reenact.evaluation.methods import CrossMethod, Method
from reenact.evaluation.reconstruction import FrameScore
from reenact.evaluation.report import whole
from reenact.records import Image

Row = TypeVar("Row", FrameScore, CrossScore)

TILE = 192
"""Pixels on a side of a picture on the page."""
CAPTION, GAP, COLUMNS = 22, 8, 2
MOST_STRIPS = 60
"""Clips on a page; what was less hard is left out."""
BRIGHTEST_ERROR = 0.25
"""Mean difference of the channels that is drawn brightest."""
_PAPER, _INK = (250, 250, 248), (30, 30, 30)


@dataclass(frozen=True, eq=False)
class Strip:
    """One clip: pictures side by side, and a line above them."""

    caption: str
    tiles: Tensor
    """(N, 3, S, S) in [0, 1]."""
    hardness: float
    """The larger the further up."""


def hardest(rows: Iterable[Row], method: str, hardness: Callable[[Row], float]) -> dict[str, Row]:
    """By clip, the frame on which a method does worst; clips where that is not known are not in."""
    found: dict[str, Row] = {}
    for row in rows:
        if row.method != method or not math.isfinite(hardness(row)):
            continue
        if row.clip not in found or hardness(row) > hardness(found[row.clip]):
            found[row.clip] = row
    return found


@torch.no_grad()
def reconstruction_strips(
    method: Method,
    frames: Mapping[str, FrameScore],
    clips: Iterable[ScoredClip],
    device: torch.device,
) -> Iterator[Strip]:
    """Source, driving frame, result, and how far the last two are apart."""
    for clip in clips:
        row = frames.get(clip.name)
        if row is None:
            continue
        source, truth = (clip.pictures(slice(n, n + 1), device) for n in (0, row.frame))
        result = method(source)(truth).clamp(0, 1)
        tiles = torch.cat([source, truth, result, error_map(result, truth)])
        yield Strip(f"{clip.name}, frame {row.frame}: {row.psnr:.1f} dB", tiles, -row.psnr)


@torch.no_grad()
def cross_strips(
    methods: Sequence[CrossMethod],
    frames: Mapping[str, CrossScore],
    sources: Iterable[Tensor],
    clips: Iterable[ScoredClip],
    names: Sequence[str],
    device: torch.device,
) -> Iterator[Strip]:
    """Source, driving frame, and the result of every method, of pairs of these names."""
    for name, picture, clip in zip(names, sources, clips, strict=True):
        row = frames.get(name)
        if row is None:
            continue
        source = picture.to(device)
        driving, start = (clip.pictures(slice(n, n + 1), device) for n in (row.frame, row.start))
        results = [method(source, start)(driving).clamp(0, 1) for method in methods]
        likeness = "" if math.isnan(row.csim_mfn) else f"csim {row.csim_mfn:.2f}, "
        turn = row.ard_reader if math.isnan(row.ard_mesh) else row.ard_mesh
        caption = f"{name}, frame {row.frame}: {likeness}{turn:.1f} degrees off"
        yield Strip(caption, torch.cat([source, driving, *results]), cross_hardness(row))


def cross_hardness(row: CrossScore) -> float:
    """The less the result is the person of the source, the harder; else the more it is turned."""
    return row.ard_reader if math.isnan(row.csim_mfn) else -row.csim_mfn


def error_map(frames: Tensor, truth: Tensor) -> Tensor:
    """Where frames (B, 3, S, S) are wrong, from black to white: the same shape in [0, 1]."""
    error = (frames - truth).abs().mean(dim=1) / BRIGHTEST_ERROR
    levels = (error.clamp(0, 1) * 255).round().byte().cpu().numpy()
    drawn = np.stack([cv2.applyColorMap(one, cv2.COLORMAP_INFERNO)[..., ::-1] for one in levels])
    return torch.from_numpy(drawn.copy()).permute(0, 3, 1, 2).to(frames.device) / 255


def draw_page(title: str, strips: Iterable[Strip]) -> Image:
    """Strips, hardest first, below a title: uint8 (H, W, 3)."""
    ordered = sorted(strips, key=lambda strip: strip.hardness, reverse=True)
    shown = ordered[:MOST_STRIPS]
    count = len(ordered)
    if len(shown) < count:
        title = f"{title} (the {len(shown)} hardest of {count})"
    drawn = [_drawn(strip) for strip in shown]
    lines = [drawn[first : first + COLUMNS] for first in range(0, len(drawn), COLUMNS)]
    widest = max((sum(one.shape[1] for one in line) for line in lines), default=4 * TILE)
    head = np.full((2 * CAPTION, widest, 3), _PAPER, dtype=np.uint8)
    _write(head, title, 0.6, CAPTION)
    return np.concatenate(
        [head, *(_padded(np.concatenate(line, axis=1), widest) for line in lines)]
    )


def save_pages(path: Path, pages: Sequence[Image]) -> None:
    """Write pages one below the other as one PNG."""
    widest = max(page.shape[1] for page in pages)
    page = np.concatenate([_padded(page, widest) for page in pages])
    with whole(path) as partial:
        partial.write_bytes(encode_png(page))


def _drawn(strip: Strip) -> Image:
    small = F.interpolate(strip.tiles.float(), (TILE, TILE), mode="bilinear", antialias=True)
    pictures = (small.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    width = len(pictures) * (TILE + 2) + GAP
    drawn = np.full((CAPTION + TILE + GAP, width, 3), _PAPER, dtype=np.uint8)
    _write(drawn, strip.caption, 0.42, CAPTION - 7)
    for number, picture in enumerate(pictures):
        left = GAP + number * (TILE + 2)
        drawn[CAPTION : CAPTION + TILE, left : left + TILE] = picture
    return drawn


def _padded(page: Image, width: int) -> Image:
    missing = width - page.shape[1]
    blank = np.full((page.shape[0], missing, 3), _PAPER, dtype=np.uint8)
    return np.concatenate([page, blank], axis=1)


def _write(page: Image, text: str, scale: float, base: int) -> None:
    """A line of text; the font has ASCII only."""
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(page, plain, (GAP, base), cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)
