"""Pictures of how a run is doing: one row a pair, from what goes in to what comes out."""

from __future__ import annotations

import colorsys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.data.decode import encode_png
from reenact.data.pairs import PairBatch
from reenact.layers.grid import resize_map, warp
from reenact.records import NUM_REGIONS, Animation

_MARK = 2
"""Half the side of the square that marks a keypoint, pixels."""


def pair_sheet(batch: PairBatch) -> Tensor:
    """Source, driving, their regions, and where the flow points are: uint8 (3, rows H, 5 W)."""
    size = batch.source.shape[-1]
    tied = batch.source.clone()
    seen = batch.point_weights > 0
    return _grid(
        [
            batch.source,
            batch.driving,
            _colours(batch.source_parsing),
            _colours(batch.driving_parsing),
            _marked(tied, batch.source_points, seen, size),
        ]
    )


def sample_sheet(batch: PairBatch, animation: Animation) -> Tensor:
    """Source, driving, frame, warped source, occlusion, attention: uint8 (3, rows H, 6 W)."""
    size = (batch.source.shape[-2], batch.source.shape[-1])
    field = animation.motion
    visible = resize_map(field.occlusions[-1], size).expand(-1, 3, -1, -1)
    columns = [
        _marked(batch.source.clone(), animation.source_keypoints.points, None, size[0]),
        _marked(batch.driving.clone(), animation.driving.keypoints.points, None, size[0]),
        animation.frame,
        warp(batch.source, field.flows[-1]),
        visible,
    ]
    if animation.compensation is not None:
        attention = animation.compensation.attention[-1].float()
        colours = torch.einsum("brhw,rc->bchw", attention, _palette(attention.device)[1:])
        columns.append(F.interpolate(colours, size))
    return _grid(columns)


def save_sheet(path: Path, sheet: Tensor) -> None:
    """Write a sheet uint8 (3, H, W) as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(sheet.permute(1, 2, 0).contiguous().cpu().numpy()))


def _grid(columns: list[Tensor]) -> Tensor:
    rows = torch.cat([column.float().clamp(0, 1) for column in columns], dim=-1)
    sheet = torch.cat(list(rows), dim=-2)
    return (sheet * 255).round().to(torch.uint8)


def _colours(labels: Tensor) -> Tensor:
    return _palette(labels.device)[labels.long()].permute(0, 3, 1, 2)


def _palette(device: torch.device) -> Tensor:
    """One colour a label, black for 0: (R+1, 3)."""
    hues = [colorsys.hsv_to_rgb((5 * j % NUM_REGIONS) / NUM_REGIONS, 0.65, 1.0) for j in range(14)]
    return torch.tensor([(0.0, 0.0, 0.0), *hues], device=device)


def _marked(images: Tensor, points: Tensor, seen: Tensor | None, size: int) -> Tensor:
    """Paint a small square at every point (B, K, 2) that is seen, one hue a point."""
    pixels = ((points + 1) * ((size - 1) / 2)).round().long().clamp(0, size - 1).tolist()
    palette = _palette(images.device)[1:]
    reach = _MARK if seen is None else 0
    shown = None if seen is None else seen.tolist()
    for image, row in enumerate(pixels):
        for number, (x, y) in enumerate(row):
            if shown is None or shown[image][number]:
                across = slice(max(0, x - reach), x + reach + 1)
                down = slice(max(0, y - reach), y + reach + 1)
                colour = palette[number % NUM_REGIONS].view(3, 1, 1)
                images[image, :, down, across] = colour
    return images
