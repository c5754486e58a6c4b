"""Chance for what is drawn."""

from __future__ import annotations

import pytest
import torch

from reenact.data.head_chance import chance, noise, palette


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_chance_zero_and_one(generator: torch.Generator) -> None:
    assert not chance(50, 0.0, generator).any()
    assert chance(50, 1.0, generator).all()


def test_noise_has_deviation_one_whatever_its_grains(generator: torch.Generator) -> None:
    drawn = noise(16, (64, 64), ((32, 32), (64, 64)), generator, 1.0)
    assert drawn.shape == (16, 1, 64, 64)
    assert drawn.std() == pytest.approx(1.0, abs=0.25)


def test_mixtures_lie_between_neighbours(generator: torch.Generator) -> None:
    mixed = palette(((51, 51, 51), (204, 204, 204)), 200, generator)
    assert mixed.min() > 0.2 * 0.85
    assert mixed.max() < 0.8 * 1.15
