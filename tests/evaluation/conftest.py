from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from reenact.evaluation.clips import ScoredClip
from reenact.records import FloatArray, Parsing

MakeClip = Callable[..., ScoredClip]


class StubReader:
    """Calls the bright half of a picture hair and reads no pose."""

    width = 6

    def parse(self, image: Tensor) -> Parsing:
        return Parsing((image.mean(dim=1) > 0.5).long() * 14)

    def encode(self, image: Tensor) -> Tensor:
        return torch.zeros(len(image), 6)


@pytest.fixture
def reader() -> StubReader:
    return StubReader()


@pytest.fixture
def make_clip() -> MakeClip:
    def make(
        frames: int = 12,
        name: str = "clip",
        size: int = 64,
        yaw: FloatArray | None = None,
        labels: Tensor | None = None,
    ) -> ScoredClip:
        """A grey ramp that moves sideways by a pixel a frame."""
        ramp = torch.arange(size).mul(255 // size).to(torch.uint8).expand(3, size, size)
        moving = torch.stack([ramp.roll(step, -1) for step in range(frames)])
        return ScoredClip(name, f"{name}'s face", moving, labels, yaw)

    return make


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(0)
