"""Light on synthetic heads: two lamps, sky and floor, and shade in the hollows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.data.head_chance import normal, uniform
from reenact.records import Record

_GAMMA = 2.2


@dataclass(frozen=True, eq=False)
class Light(Record):
    """The light on B scenes; camera axes, y up."""

    directions: Tensor
    """(B, 2, 3) unit, towards the lamps."""
    lamps: Tensor
    """(B, 2, 3) linear colour."""
    sky: Tensor
    """(B, 3) linear colour from above."""
    floor: Tensor
    """(B, 3) linear colour from below."""


def random_light(count: int, generator: torch.Generator) -> Light:
    """From flat studio light to one hard lamp from the side."""
    directions = normal((count, 2, 3), 0.9, generator)
    directions[:, :, 1] += 0.4
    directions[:, :, 2] = directions[:, :, 2].abs() + uniform((count, 2), 0.1, 1.2, generator)
    directions = directions / directions.norm(dim=-1, keepdim=True)
    warmth = normal((count, 2, 1), 0.1, generator)
    tint = 1 + warmth * warmth.new_tensor([1.0, 0.1, -1.0])
    strength = torch.stack(
        [uniform((count,), 0.25, 0.95, generator), uniform((count,), 0.0, 0.4, generator)], dim=1
    )
    ambient = uniform((count, 1), 0.2, 0.6, generator) * (1 + normal((count, 3), 0.06, generator))
    return Light(
        directions=directions,
        lamps=(tint * strength.unsqueeze(-1)).clamp(min=0),
        sky=ambient,
        floor=ambient * uniform((count, 1), 0.4, 0.9, generator),
    )


def shade(albedo: Tensor, normals: Tensor, light: Light, gloss: Tensor, wrap: float) -> Tensor:
    """Light a surface: albedo (B, H, W, 3) sRGB and unit normals (B, H, W, 3) to sRGB.

    Args:
        gloss: (B, H, W, 1) strength of the highlight.
        wrap: how far light reaches around the edge, as it does in skin.
    """
    up = (normals[..., 1:2] + 1) / 2
    total = torch.lerp(_spread(light.floor), _spread(light.sky), up)
    shine = torch.zeros_like(total)
    for lamp in range(2):
        towards = light.directions[:, lamp].view(-1, 1, 1, 3)
        facing = (normals * towards).sum(-1, keepdim=True)
        colour = _spread(light.lamps[:, lamp])
        total = total + colour * ((facing + wrap) / (1 + wrap)).clamp(min=0)
        half = towards + towards.new_tensor([0.0, 0.0, 1.0])
        half = half / half.norm(dim=-1, keepdim=True)
        shine = shine + colour * (normals * half).sum(-1, keepdim=True).clamp(min=0) ** 24
    linear = albedo.clamp(0, 1) ** _GAMMA * total + gloss * shine
    # Film rolls highlights off instead of cutting them.
    return (1.25 * linear / (1 + 0.25 * linear)).clamp(1e-4, 1) ** (1 / _GAMMA)


def hollows(depth: Tensor, unit: Tensor, strength: float = 0.35) -> Tensor:
    """How much light reaches hollows, (B, H, W, 1) in [0, 1].

    Args:
        depth: (B, H, W) pixels, infinite where nothing is.
        unit: (B,) pixels a centimetre.
    """
    cm = depth / unit.view(-1, 1, 1)
    cm = torch.where(cm.isfinite(), cm, 15.0).unsqueeze(1)
    coarse = F.avg_pool2d(cm, 4)
    total = torch.zeros_like(cm)
    for size, reach in ((3, 0.6), (9, 1.5), (21, 4.0)):
        around = F.avg_pool2d(coarse, size, stride=1, padding=size // 2, count_include_pad=False)
        around = F.interpolate(around, cm.shape[-2:], mode="bilinear", align_corners=False)
        total = total + ((cm - around) / reach).clamp(0, 1)
    return (1 - strength * total / 2).clamp(0.3, 1).permute(0, 2, 3, 1)


def _spread(colour: Tensor) -> Tensor:
    return colour.view(-1, 1, 1, 3)
