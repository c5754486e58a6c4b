"""Chance for what is drawn: all of it from the caller's generator, on its device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Shape = tuple[int, ...]


def uniform(shape: Shape, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Even between two bounds."""
    drawn = torch.rand(shape, generator=generator, device=generator.device)
    return drawn * (high - low) + low


def normal(shape: Shape, deviation: float, generator: torch.Generator) -> Tensor:
    """Around zero."""
    return deviation * torch.randn(shape, generator=generator, device=generator.device)


def chance(count: int, probability: float, generator: torch.Generator) -> Tensor:
    """True with a probability: (count,) bool."""
    return torch.rand(count, generator=generator, device=generator.device) < probability


def choice(count: int, among: int, generator: torch.Generator) -> Tensor:
    """Whole numbers (count,) below a bound."""
    return torch.randint(among, (count,), generator=generator, device=generator.device)


def noise(
    count: int,
    size: tuple[int, int],
    cells: Sequence[tuple[int, int]],
    generator: torch.Generator,
    fall: float = 0.6,
) -> Tensor:
    """Smooth noise of several grain sizes, coarsest first: (count, 1, *size), deviation about 1."""
    total = torch.zeros(count, 1, *size, device=generator.device)
    weight, power = 1.0, 0.0
    for grid in cells:
        coarse = normal((count, 1, *grid), 1.0, generator)
        total += weight * F.interpolate(coarse, size, mode="bilinear", align_corners=True)
        power += weight**2
        weight *= fall
    scaled: Tensor = total / power**0.5
    return scaled


def palette(colours: Sequence[Sequence[float]], count: int, generator: torch.Generator) -> Tensor:
    """Mixtures (count, 3) of two neighbours of a list of sRGB colours in 0..255, to [0, 1]."""
    table = torch.tensor(colours, device=generator.device, dtype=torch.float32) / 255
    place = uniform((count,), 0.0, len(table) - 1.001, generator)
    low = place.long()
    mixed = torch.lerp(table[low], table[low + 1], (place - low).unsqueeze(1))
    tinted: Tensor = mixed * (1 + normal((count, 3), 0.03, generator))
    return tinted.clamp(0.01, 1)
