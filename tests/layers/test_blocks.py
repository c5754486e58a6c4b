import torch
import torch.nn.functional as F
from torch.testing import assert_close

from reenact.layers.blocks import Down, DownRes, Res, Same, Up, UpRes, upsample
from reenact.layers.hourglass import Hourglass


def test_sizes_and_widths() -> None:
    features = torch.randn(2, 6, 8, 12)
    assert Same(6, 5, kernel=7)(features).shape == (2, 5, 8, 12)
    assert Down(6, 5)(features).shape == (2, 5, 4, 6)
    assert Up(6, 5)(features).shape == (2, 5, 16, 24)
    assert Res(6)(features).shape == (2, 6, 8, 12)
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


def test_a_residual_block_without_residual_is_the_identity() -> None:
    block = Res(4)
    torch.nn.init.zeros_(block.conv2.weight)
    torch.nn.init.zeros_(block.conv2.bias)
    features = torch.randn(1, 4, 6, 6)
    assert_close(block(features), features)


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
