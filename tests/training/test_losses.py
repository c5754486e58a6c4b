from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.testing import assert_close

from reenact.layers.grid import identity_grid
from reenact.records import REGIONS, Parsing
from reenact.training.losses import (
    PerceptualLoss,
    expressive_area,
    flow_loss,
    pixel_loss,
    psnr,
)


class Doubling(nn.Module):
    MAGNITUDES = (0.5,)

    def forward(self, image: Tensor) -> tuple[Tensor]:
        return (2 * image,)


def picture(seed: int) -> Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def test_equal_pictures_cost_nothing() -> None:
    loss = PerceptualLoss(Doubling(), (1.0, 0.5))  # type: ignore[arg-type]
    assert loss(picture(0), picture(0)) == 0
    assert pixel_loss(picture(0), picture(0)) == 0


def test_each_map_counts_over_its_magnitude_at_each_size() -> None:
    one, other = torch.zeros(1, 3, 32, 32), torch.full((1, 3, 32, 32), 0.25)
    at_full_size = PerceptualLoss(Doubling(), (1.0,))  # type: ignore[arg-type]
    assert_close(at_full_size(one, other), torch.tensor(2 * 0.25 / 0.5))


class Tenfold(nn.Module):
    MAGNITUDES = (1.0, 2.0)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return image, 10 * image


def test_each_map_counts_what_its_layer_does() -> None:
    one, other = torch.zeros(1, 3, 32, 32), torch.full((1, 3, 32, 32), 0.25)
    for layers, expected in ((), 1.5), ((1, 1), 1.5), ((3, 0), 0.75), ((0, 2), 2.5):
        loss = PerceptualLoss(Tenfold(), (1.0,), layers)  # type: ignore[arg-type]
        assert_close(loss(one, other), torch.tensor(expected))


def test_places_that_count_more_cost_more() -> None:
    one, other = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    other[..., :16] = 0.25
    weights = torch.ones(1, 1, 32, 32)
    loss = PerceptualLoss(Doubling(), (1.0, 0.5))  # type: ignore[arg-type]
    assert_close(loss(one, other, weights), loss(one, other))
    weights[..., :8] = 3
    assert_close(loss(one, other, weights), 2 * loss(one, other), atol=0, rtol=0.05)
    weights[..., :16] = 0
    assert loss(one, other, weights) < 0.1 * loss(one, other)


def test_no_gradient_reaches_the_driving_frame() -> None:
    frame, driving = picture(0).requires_grad_(), picture(1).requires_grad_()
    loss = PerceptualLoss(Doubling(), (1.0,))  # type: ignore[arg-type]
    loss(frame, driving).backward()
    assert frame.grad is not None
    assert driving.grad is None


def test_a_flow_that_leads_home_costs_nothing() -> None:
    flow = identity_grid(16, 16).expand(2, -1, -1, -1) * 0.5 + 0.1
    driving = torch.rand(2, 7, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
    cost = flow_loss(flow, driving * 0.5 + 0.1, driving, torch.ones(2, 7))
    assert_close(cost, torch.tensor(0.0), atol=1e-5, rtol=0)


def test_hidden_points_do_not_count() -> None:
    flow = identity_grid(16, 16).expand(1, -1, -1, -1)
    driving = torch.zeros(1, 2, 2)
    source = torch.tensor([[[0.3, 0.0], [5.0, 5.0]]])
    cost = flow_loss(flow, source, driving, torch.tensor([[1.0, 0.0]]))
    assert_close(cost, torch.tensor(0.3), atol=1e-5, rtol=0)
    assert flow_loss(flow, source, driving, torch.zeros(1, 2)) == 0


def test_psnr_of_a_known_difference() -> None:
    one, other = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.1)
    assert_close(psnr(one, other), torch.tensor([20.0, 20.0]))


def test_differences_count_as_much_as_their_weight() -> None:
    one, other = torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.1)
    weights = torch.ones(1, 1, 4, 4)
    weights[..., 0] = 5.0
    assert_close(pixel_loss(one, other, weights), torch.tensor(0.1 * (3 * 1 + 5) / 4))


def test_the_expressive_area_is_eyes_and_mouth_with_a_margin() -> None:
    labels = torch.full((1, 256, 256), REGIONS.index("skin") + 1, dtype=torch.uint8)
    labels[:, 100, 100] = REGIONS.index("left eye") + 1
    labels[:, 200, 0] = REGIONS.index("lower lip") + 1
    area = expressive_area(Parsing(labels))
    assert area.unique().tolist() == [0.0, 1.0]
    assert area[0, 0, 96:105, 96:105].all(), "4 pixels around the eye"
    assert area[0, 0, 196:205, :5].all(), "cut by the border"
    assert area.sum() == 9 * 9 + 9 * 5
