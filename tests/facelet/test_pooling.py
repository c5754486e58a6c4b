import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.facelet.pooling import region_average_pool


@pytest.fixture
def features() -> Tensor:
    return torch.randn(2, 5, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def masks() -> Tensor:
    return torch.rand(2, 14, 16, 16, generator=torch.Generator().manual_seed(1))


def test_a_region_of_one_colour_gives_that_colour(masks: Tensor) -> None:
    colour = torch.tensor([0.1, -2.0, 3.0])
    features = colour.view(1, 3, 1, 1).expand(2, 3, 16, 16)
    assert_close(region_average_pool(features, masks), colour.expand(2, 14, 3))


def test_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    masks = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.5], [0.0, 0.0]]]])
    assert_close(region_average_pool(features, masks), torch.tensor([[[2.5], [2.0]]]))


def test_tokens_do_not_know_where_the_face_is(features: Tensor, masks: Tensor) -> None:
    moved = region_average_pool(features.roll(3, -1), masks.roll(3, -1))
    assert_close(moved, region_average_pool(features, masks))


def test_divided_by_the_area_of_the_region_not_of_the_picture(
    features: Tensor, masks: Tensor
) -> None:
    assert_close(region_average_pool(features, masks / 2), region_average_pool(features, masks))


def test_an_empty_region_gives_zeros_and_finite_gradients(features: Tensor, masks: Tensor) -> None:
    features.requires_grad_()
    masks[:, 3] = 0
    pooled = region_average_pool(features, masks)
    pooled.sum().backward()
    assert_close(pooled[:, 3], torch.zeros(2, 5))
    assert features.grad is not None
    assert features.grad.isfinite().all()


def test_sums_in_float32_under_autocast(features: Tensor, masks: Tensor) -> None:
    expected = region_average_pool(features.bfloat16().float(), masks)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_close(region_average_pool(features.bfloat16(), masks), expected)
