import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from reenact.layers.adain import AdaIN, AdaINRes, AdaINUpRes


@pytest.fixture
def features() -> Tensor:
    return 3 + 2 * torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def pose() -> Tensor:
    return torch.randn(2, 6, generator=torch.Generator().manual_seed(1))


def trained(block: nn.Module) -> nn.Module:
    """As after some training: no layer is zero any more."""
    generator = torch.Generator().manual_seed(2)
    for parameter in block.parameters():
        parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
    return block


def test_starts_as_instance_norm_whatever_the_pose(features: Tensor, pose: Tensor) -> None:
    assert_close(AdaIN(4, pose_width=6)(features, pose), F.instance_norm(features))


def test_scale_and_shift_worked_by_hand(features: Tensor, pose: Tensor) -> None:
    norm = AdaIN(4, pose_width=6)
    norm.gamma.bias.data.fill_(1.0)
    norm.beta.bias.data.fill_(-0.5)
    assert_close(norm(features, pose), 2 * F.instance_norm(features) - 0.5)


def test_half_precision_features_are_normed_in_full(features: Tensor, pose: Tensor) -> None:
    features = (features + 30).bfloat16().contiguous(memory_format=torch.channels_last)
    norm = AdaIN(4, pose_width=6)
    norm.gamma.bias.data.fill_(0.5)
    normed = norm(features, pose)
    assert_close(normed, (1.5 * F.instance_norm(features.float())).bfloat16())
    assert normed.is_contiguous(memory_format=torch.channels_last)


def test_learns_from_the_first_step_on(features: Tensor, pose: Tensor) -> None:
    norm = AdaIN(4, pose_width=6)
    norm(features, pose).square().sum().backward()
    assert norm.gamma.weight.grad is not None
    assert norm.gamma.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("block", [AdaINRes(4, 6), AdaINUpRes(4, 3, 6)])
def test_pictures_of_a_batch_do_not_see_each_other(
    block: nn.Module, features: Tensor, pose: Tensor
) -> None:
    trained(block)
    alone = torch.cat([block(features[i : i + 1], pose[i : i + 1]) for i in range(2)])
    assert_close(block(features, pose), alone)


@pytest.mark.parametrize("block", [AdaINRes(4, 6), AdaINUpRes(4, 3, 6)])
def test_the_pose_steers(block: nn.Module, features: Tensor, pose: Tensor) -> None:
    trained(block)
    assert (block(features, pose) - block(features, -pose)).abs().max() > 1e-3


def test_the_residual_block_adds_to_its_input(features: Tensor, pose: Tensor) -> None:
    block = trained(AdaINRes(4, 6))
    change = block(features, pose) - features
    nn.init.zeros_(block.get_parameter("conv2.weight"))
    nn.init.zeros_(block.get_parameter("conv2.bias"))
    assert change.abs().max() > 0.1
    assert_close(block(features, pose), features)


def test_sizes(features: Tensor, pose: Tensor) -> None:
    assert AdaINRes(4, 6)(features, pose).shape == (2, 4, 8, 8)
    assert AdaINUpRes(4, 3, 6)(features, pose).shape == (2, 3, 16, 16)
