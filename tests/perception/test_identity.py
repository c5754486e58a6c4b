from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.layers.grid import identity_grid
from reenact.perception.identity import (
    ALIGNED_POINTS,
    ALIGNED_SIZE,
    MobileFaceNet,
    align_faces,
    five_points,
    load_identity,
)
from reenact.perception.mesh import LEFT_EYE, RIGHT_EYE

WANTED = torch.tensor(ALIGNED_POINTS) * (2 / (ALIGNED_SIZE - 1)) - 1


def coordinates(size: int = 64) -> Tensor:
    """A picture whose colours say where it is: (1, 2, size, size)."""
    return identity_grid(size, size).permute(2, 0, 1).unsqueeze(0)


@pytest.mark.parametrize(("angle", "scale", "shift"), [(0.0, 1.0, 0.0), (0.7, 0.4, 0.1)])
def test_aligned_faces_have_their_points_where_they_belong(
    angle: float, scale: float, shift: float
) -> None:
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    points = WANTED @ torch.tensor([[cos, sin], [-sin, cos]]) + shift
    aligned = align_faces(coordinates(), points.unsqueeze(0))
    assert aligned.shape == (1, 2, ALIGNED_SIZE, ALIGNED_SIZE)
    for (x, y), point in zip(ALIGNED_POINTS, points, strict=True):
        assert_close(aligned[0, :, round(y), round(x)], point, atol=0.02, rtol=0)


def test_a_face_aligned_already_stays_as_it_is() -> None:
    image = torch.rand(2, 3, ALIGNED_SIZE, ALIGNED_SIZE)
    assert_close(align_faces(image, WANTED.expand(2, 5, 2)), image, atol=1e-4, rtol=0)


def test_points_that_do_not_fit_are_met_halfway() -> None:
    """The similarity is the best one: a small push of one point moves all by less."""
    pushed = WANTED.clone()
    pushed[2, 0] += 0.1
    moved = align_faces(coordinates(ALIGNED_SIZE), pushed.unsqueeze(0)) - coordinates(ALIGNED_SIZE)
    assert 0 < moved[0, 0, 72, 56] < 0.05


def test_eyes_are_the_middles_of_their_outlines() -> None:
    mesh = torch.zeros(1, 478, 2)
    mesh[:, list(RIGHT_EYE), 0], mesh[:, list(LEFT_EYE), 0] = -0.3, 0.3
    mesh[:, 4, 1], mesh[:, 61, 0], mesh[:, 291, 0] = 0.2, -0.1, 0.1
    points = five_points(mesh)[0]
    assert_close(points[:, 0], torch.tensor([-0.3, 0.3, 0.0, -0.1, 0.1]))
    assert points[2, 1] == pytest.approx(0.2)


def test_a_face_and_its_mirror_image_are_one_person() -> None:
    torch.manual_seed(0)
    network = MobileFaceNet()
    faces = torch.rand(2, 3, ALIGNED_SIZE, ALIGNED_SIZE)
    embedded = network(faces)
    assert_close(embedded.norm(dim=1), torch.ones(2))
    assert_close(network(faces.flip(-1)), embedded)
    assert_close(network(faces[:1]), embedded[:1])


@pytest.mark.weights
def test_the_weights_fit() -> None:
    network = load_identity()
    assert not network.training
    assert network(torch.rand(1, 3, ALIGNED_SIZE, ALIGNED_SIZE)).shape == (1, 128)
