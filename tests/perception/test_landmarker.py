from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from reenact.layers.rotation import euler_from_matrix, matrix_from_euler
from reenact.perception.landmarker import (
    MESH_SIZE,
    FaceBoxes,
    FaceLandmarker,
    FaceMeshes,
    load_landmarker,
    mesh_rotations,
)
from reenact.perception.mesh import LEFT_EYE, RIGHT_EYE


class Says(nn.Module):
    """A network that answers with a function of its input."""

    def __init__(self, answer: Callable[[Tensor], tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.answer(x)


def detects(cell: int, offset: tuple[float, float], side: float) -> Says:
    """A box of the given number: its centre off the anchor, in 128ths of the padded picture."""

    def answer(images: Tensor) -> tuple[Tensor, Tensor]:
        boxes = torch.zeros(len(images), 896, 16)
        boxes[:, cell, :4] = torch.tensor([*offset, side, side / 2])
        boxes[:, cell, 4:8] = torch.tensor([-10.0, 0.0, 10.0, 0.0])
        scores = torch.full((len(images), 896, 1), -5.0)
        scores[:, cell] = 3.0
        return boxes, scores

    return Says(answer)


def finds(points: Tensor) -> Says:
    """Mesh points (478, 3) in pixels of the square that it is shown."""

    def answer(crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        count = len(crops)
        landmarks = points.reshape(1, -1, 1, 1).expand(count, -1, 1, 1)
        return landmarks, torch.full((count, 1, 1, 1), 4.0), torch.zeros(count, 1)

    return Says(answer)


def landmarker(detector: Says | None = None, mesh: Says | None = None) -> FaceLandmarker:
    nothing = Says(lambda x: (x,))
    return FaceLandmarker(detector or nothing, mesh or nothing, nothing)  # type: ignore[arg-type]


def box(
    angle: float = 0.0, side: float = 0.8, centre: tuple[float, float] = (0.1, -0.2)
) -> FaceBoxes:
    eye = 0.1 * torch.tensor([[torch.cos(torch.tensor(angle)), torch.sin(torch.tensor(angle))]])
    middle = torch.tensor([centre])
    return FaceBoxes(
        centre=middle,
        side=torch.tensor([side]),
        eyes=torch.stack([middle - eye, middle + eye], dim=1),
        score=torch.ones(1),
    )


def test_boxes_are_told_in_the_picture_without_its_margin() -> None:
    """Cell (8, 8) of 16 begins in the middle of the padded picture, half a cell off its centre."""
    network = landmarker(detects(cell=2 * (8 * 16 + 8), offset=(-4.0, -4.0), side=64.0))
    found = network.detect(torch.rand(2, 3, 96, 96))
    assert_close(found.centre, torch.zeros(2, 2), atol=1e-5, rtol=0)
    assert found.side[0] == pytest.approx(2 * 0.5 * 1.5, rel=0.02)
    assert found.score[0] == pytest.approx(torch.tensor(3.0).sigmoid().item())
    across = found.eyes[0, 1] - found.eyes[0, 0]
    assert across[0] > 0
    assert across[1] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("angle", [0.0, 0.6, -1.2])
def test_mesh_points_are_carried_back_through_the_square(angle: float) -> None:
    """The middle of the square is the middle of the box, and its x axis runs along the eyes."""
    points = torch.full((478, 3), MESH_SIZE / 2)
    points[0, 0] = MESH_SIZE
    points[:, 2] = 0.0
    mesh = landmarker(mesh=finds(points))._read_once(torch.rand(1, 3, 64, 64), box(angle))
    assert_close(mesh.points[0, 1, :2], torch.tensor([0.1, -0.2]), atol=1e-5, rtol=0)
    along = mesh.points[0, 0, :2] - mesh.points[0, 1, :2]
    direction = torch.tensor([angle]).cos(), torch.tensor([angle]).sin()
    assert_close(along, 0.6 * torch.cat(direction), atol=1e-5, rtol=0)
    assert mesh.score.item() > 0.9


def test_the_square_is_looked_at_upright() -> None:
    """What lies along the eyes in the picture lies along the rows of the square."""
    seen: list[Tensor] = []

    def answer(crops: Tensor) -> tuple[Tensor, ...]:
        seen.append(crops)
        return finds(torch.zeros(478, 3)).answer(crops)

    ramp = torch.linspace(0, 1, 64).view(1, 1, 64, 1).expand(1, 3, 64, 64)  # grows downwards
    quarter = box(angle=torch.pi / 2, centre=(0.0, 0.0))
    landmarker(mesh=Says(answer))._read_once(ramp, quarter)
    assert (seen[0][0, 0, 128].diff() > 0).all()
    assert_close(seen[0][0, 0, :, 100], seen[0][0, 0, :1, 100].expand(256), atol=1e-4, rtol=0)


def test_a_mesh_has_a_box_of_its_own() -> None:
    points = torch.zeros(1, 478, 3)
    points[0, 0, :2], points[0, 1, :2] = torch.tensor([-0.4, -0.3]), torch.tensor([0.6, 0.1])
    points[:, list(RIGHT_EYE), 0], points[:, list(LEFT_EYE), 0] = -0.2, 0.2
    around = FaceMeshes(points, torch.ones(1)).boxes()
    assert_close(around.centre, torch.tensor([[0.1, -0.1]]))
    assert_close(around.side, torch.tensor([1.0]))
    assert_close(around.eyes[0, :, 0], torch.tensor([-0.2, 0.2]))


def test_the_turn_of_a_mesh_is_the_turn_of_its_head() -> None:
    """Turning the points (y down, z away) turns what is read, up to where the head began."""
    generator = torch.Generator().manual_seed(0)
    head = torch.randn(478, 3, generator=generator, dtype=torch.float64)
    head[234], head[454] = torch.tensor([-1.0, 0.0, 0.0]), torch.tensor([1.0, 0.0, 0.0])
    head[10], head[152] = torch.tensor([0.0, -1.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    flip = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))
    euler = torch.tensor([[25.0, -10.0, 15.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    turned = head @ (flip @ matrix_from_euler(euler) @ flip).mT
    assert_close(euler_from_matrix(mesh_rotations(turned)), euler, atol=1e-6, rtol=0)


@pytest.mark.weights
def test_the_weights_fit() -> None:
    network = load_landmarker()
    images = F.interpolate(torch.rand(2, 3, 8, 8), (256, 256), mode="bilinear")
    mesh = network.read_mesh(images, network.detect(images))
    assert mesh.points.shape == (2, 478, 3)
    scores = network.read_expressions(mesh.points)
    assert scores.shape == (2, 52)
    assert ((scores >= 0) & (scores <= 1)).all()
