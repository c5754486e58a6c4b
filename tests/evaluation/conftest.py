from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from reenact.evaluation.clips import ScoredClip
from reenact.perception.crop_reader import CropReading
from reenact.records import FloatArray, Parsing

MakeClip = Callable[..., ScoredClip]


class StubReader:
    """Calls the bright half of a picture hair and reads no pose."""

    code = "reader6"
    width = 6

    def parse(self, image: Tensor) -> Parsing:
        return Parsing((image.mean(dim=1) > 0.5).long() * 14)

    def encode(self, image: Tensor) -> Tensor:
        return torch.zeros(len(image), 6)

    def read_crops(self, image: Tensor) -> CropReading:
        mesh = torch.randn(1, 478, 2, generator=torch.Generator().manual_seed(0)) / 4
        turn = image.mean(dim=(1, 2, 3))
        return CropReading(
            points=mesh.expand(len(image), -1, -1),
            depth=torch.zeros(len(image), 478),
            pose=torch.stack([0 * turn, turn, 0 * turn], dim=-1),
            jaw=torch.zeros(len(image), 3),
            expression=torch.zeros(len(image), 52),
            presence=torch.ones(len(image)),
        )


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
