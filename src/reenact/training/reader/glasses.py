"""Glasses drawn on photographed faces that wear none: exact glasses labels on real skin."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from reenact.data.head_chance import chance, normal, uniform
from reenact.layers.grid import identity_grid
from reenact.perception.mesh import CHIN, FOREHEAD
from reenact.records import REGIONS
from reenact.training.reader.batch import ReaderBatch

LABEL = REGIONS.index("glasses") + 1
# Mesh points: inner and outer eye corner, brow and cheek above and below the eye, ear side.
_EYES = {
    "right": {"inner": 133, "outer": 33, "above": 105, "below": 118, "ear": 127},
    "left": {"inner": 362, "outer": 263, "above": 334, "below": 347, "ear": 356},
}
_BRIDGE = 168


def draw_glasses(batch: ReaderBatch, chosen: Tensor, generator: torch.Generator) -> ReaderBatch:
    """Frames, bridge, temples and now and then dark lenses on the chosen (B,) samples.

    Clear lenses leave what is behind them its label; frames and dark lenses get theirs.
    """
    count, size = len(batch), batch.image.shape[-1]
    frame, lens = _random_glasses(batch.points[..., :2], size, generator)
    shape = (count, 1, 1, 1)
    tone = uniform((count, 3, 1, 1), 0.0, 1.0, generator) ** 2 * uniform(shape, 0.1, 1.0, generator)
    dark = chance(count, 0.2, generator)[:, None, None]
    tint = torch.where(dark, uniform((count, 1, 1), 0.75, 0.97, generator), 0.06)
    on = chosen[:, None, None]
    height = torch.linspace(-1, 1, size, device=frame.device).view(1, 1, size, 1)
    sheen = 1 + normal(shape, 0.15, generator) * height
    image = torch.lerp(batch.image, tone * 0.35, (lens * tint * on).unsqueeze(1))
    image = torch.lerp(image, (tone * sheen).clamp(0, 1), (frame * 0.92 * on).unsqueeze(1))
    labelled = on & ((frame > 0) | ((lens > 0) & dark))
    return replace(batch, image=image.clamp(0, 1), labels=batch.labels.masked_fill(labelled, LABEL))


def _random_glasses(xy: Tensor, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Where frames with bridge and temples, and where lenses are, 0 or 1: (B, size, size) each.

    On faces whose mesh is at xy (B, 478, 2) in [-1, 1].
    """
    count = len(xy)
    pixels = identity_grid(size, size, xy.device)
    unit = (xy[:, 263] - xy[:, 33]).norm(dim=-1)[:, None, None].clamp_min(0.05)
    thick = unit * uniform((count, 1, 1), 0.012, 0.06, generator)
    power = torch.where(chance(count, 0.5, generator), 2.2, 4.5)[:, None, None]
    wide = uniform((count, 1, 1), 0.5, 0.66, generator)
    tall = uniform((count, 1, 1), 0.32, 0.62, generator)
    frame = torch.zeros(count, size, size, device=xy.device)
    lens = torch.zeros_like(frame)
    for eye in _EYES.values():
        centre = (xy[:, eye["inner"]] + xy[:, eye["outer"]]) / 2
        across = xy[:, eye["outer"]] - xy[:, eye["inner"]]
        down = xy[:, eye["below"]] - xy[:, eye["above"]]
        centre = centre + 0.08 * down + across * 0.04
        shape = _superellipse(pixels, centre, across, down, wide * 1.45, tall, power)
        reach = torch.minimum(across.norm(dim=-1), down.norm(dim=-1))[:, None, None] * 0.6
        band = thick / reach.clamp_min(0.02)
        lens = torch.maximum(lens, (shape < 1).float())
        frame = torch.maximum(frame, ((shape >= 1) & (shape < 1 + band)).float())
        side = centre + across * (wide[:, 0] * 1.45)
        ear = xy[:, eye["ear"]]
        outward = ((ear - side) * across).sum(dim=-1) > 0
        arm = _segment(pixels, side, torch.lerp(side, ear, 1.05)) < thick * 0.6
        frame = torch.maximum(frame, (arm & outward[:, None, None]).float())
        nose = centre - across * (wide[:, 0] * 1.4)
        frame = torch.maximum(frame, (_segment(pixels, nose, xy[:, _BRIDGE]) < thick * 0.6).float())
    return frame * (lens < 1), lens


def glasses_zone(points: Tensor, size: int) -> Tensor:
    """Where glasses can be on faces (B, 478, 3), frames and temples included: (B, size, size)."""
    xy = points[..., :2]
    pixels = identity_grid(size, size, xy.device)
    unit = (xy[:, FOREHEAD] - xy[:, CHIN]).norm(dim=-1)[:, None, None]
    zone = torch.zeros(len(points), size, size, dtype=torch.bool, device=xy.device)
    for path in ((127, 33), (33, 133), (133, 362), (362, 263), (263, 356)):
        zone |= _segment(pixels, xy[:, path[0]], xy[:, path[1]]) < unit * 0.17
    return zone


def _superellipse(
    pixels: Tensor,
    centre: Tensor,
    across: Tensor,
    down: Tensor,
    wide: Tensor,
    tall: Tensor,
    power: Tensor,
) -> Tensor:
    """Under 1 inside the lens that `across` and `down` (B, 2) span: (B, H, W)."""
    basis = torch.stack([across, down], dim=-1)
    determinant = basis[:, 0, 0] * basis[:, 1, 1] - basis[:, 0, 1] * basis[:, 1, 0]
    determinant = torch.where(determinant.abs() < 1e-4, 1e-4, determinant)[:, None, None]
    x, y = (pixels - centre[:, None, None]).unbind(-1)
    u = (x * basis[:, 1, 1, None, None] - y * basis[:, 0, 1, None, None]) / determinant
    v = (y * basis[:, 0, 0, None, None] - x * basis[:, 1, 0, None, None]) / determinant
    radius = (u / wide).abs() ** power + (v / tall).abs() ** power
    return radius.clamp_min(1e-8) ** (1 / power)


def _segment(pixels: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Distance of every pixel (H, W, 2) from the segments start-end (B, 2): (B, H, W)."""
    along = (end - start)[:, None, None]
    offset = pixels - start[:, None, None]
    share = (offset * along).sum(-1) / along.square().sum(-1).clamp_min(1e-6)
    distance: Tensor = (offset - share.clamp(0, 1).unsqueeze(-1) * along).norm(dim=-1)
    return distance
