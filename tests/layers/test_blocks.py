import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from reenact.layers.blocks import (
    Down,
    DownRes,
    Same,
    Up,
    UpRes,
    pooled_conv,
    upsample,
    upsampled_conv,
)
from reenact.layers.hourglass import Hourglass


def test_sizes_and_widths() -> None:
    features = torch.randn(2, 6, 8, 12)
    assert Same(6, 5, kernel=7)(features).shape == (2, 5, 8, 12)
    assert Down(6, 5)(features).shape == (2, 5, 4, 6)
    assert Up(6, 5)(features).shape == (2, 5, 16, 24)
    assert DownRes(6, 5)(features).shape == (2, 5, 4, 6)
    assert UpRes(6, 5)(features).shape == (2, 5, 16, 24)


def test_shortcuts_equal_the_literal_order() -> None:
    features = torch.randn(2, 6, 8, 8)
    down, up = DownRes(6, 5), UpRes(6, 5)
    for block in (down, up):
        torch.nn.init.zeros_(block.conv2.weight)
        torch.nn.init.zeros_(block.conv2.bias)
    assert_close(down(features), F.avg_pool2d(down.skip(features), 2))
    assert_close(up(features), up.skip(upsample(features)))


def test_the_first_block_sees_the_negative_half_of_its_input() -> None:
    features = -torch.rand(1, 3, 8, 8, requires_grad=True)
    block = DownRes(3, 4, activate_first=False)
    torch.nn.init.zeros_(block.skip.weight)
    features.retain_grad()
    block(features).square().sum().backward()
    assert features.grad is not None
    assert features.grad.abs().sum() > 0


def test_hourglass_keeps_its_input_last() -> None:
    features = torch.randn(2, 3, 32, 32)
    hourglass = Hourglass(base=4, in_channels=3, max_width=12, blocks=3)
    output = hourglass(features)
    assert output.shape == (2, hourglass.out_channels, 32, 32)
    assert_close(output[:, -3:], features)


def with_gradients(value: Tensor, conv: nn.Conv2d, features: Tensor) -> tuple[Tensor, ...]:
    """A value with the gradients of the sum of its squares."""
    assert conv.bias is not None
    inputs = (features, conv.weight, conv.bias)
    return value, *torch.autograd.grad(value.square().sum(), inputs)


@pytest.mark.parametrize("size", [(8, 6), (7, 5)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_one_kernel_convolves_and_resizes(
    size: tuple[int, int], layout: torch.memory_format
) -> None:
    conv = nn.Conv2d(4, 5, 3, padding=1).double().to(memory_format=layout)
    features = torch.randn(2, 4, *size).double().contiguous(memory_format=layout).requires_grad_()
    for quick, literal in (
        (pooled_conv(conv, features), F.avg_pool2d(conv(features), 2)),
        (upsampled_conv(conv, features), conv(upsample(features))),
    ):
        expected = with_gradients(literal, conv, features)
        for mine, theirs in zip(with_gradients(quick, conv, features), expected, strict=True):
            assert_close(mine, theirs)
