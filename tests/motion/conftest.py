from collections.abc import Callable

import pytest
import torch

from reenact.records import Keypoints

MakeKeypoints = Callable[..., Keypoints]


@pytest.fixture
def make_keypoints() -> MakeKeypoints:
    """Plausible keypoints of a face: inside the picture, affine maps near the identity."""
    generator = torch.Generator().manual_seed(0)

    def make(batch: int = 2, count: int = 10) -> Keypoints:
        points = 1.4 * torch.rand(batch, count, 2, generator=generator) - 0.7
        noise = torch.randn(batch, count, 2, 2, generator=generator)
        return Keypoints(points=points, affines=torch.eye(2) + 0.2 * noise)

    return make
