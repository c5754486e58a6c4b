import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.generator.decoder import PoseAwareDecoder

Inputs = tuple[tuple[Tensor, ...], Tensor, Tensor, Tensor, Tensor]
WIDTHS = (12, 12, 8, 8, 4)


@pytest.fixture
def inputs() -> Inputs:
    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    filled = tuple(noise(2, width, 4 << i, 4 << i) for i, width in enumerate(WIDTHS[:-1]))
    occlusion = torch.rand(2, 1, 64, 64, generator=generator)
    picture = torch.rand(2, 3, 64, 64, generator=generator)
    return filled, noise(2, WIDTHS[-1], 64, 64), noise(2, 6), occlusion, picture


def decoder(**options: bool) -> PoseAwareDecoder:
    torch.manual_seed(0)
    return PoseAwareDecoder(WIDTHS, pose_width=6, **options).eval()


@pytest.mark.parametrize(
    ("widths", "parameters"),
    [((512, 512, 256, 128, 64), 10_131_011), ((256, 256, 128, 64, 32), 2_751_779)],
)
def test_parameters(widths: tuple[int, ...], parameters: int) -> None:
    with torch.device("meta"):
        module = PoseAwareDecoder(widths, pose_width=6)
    assert sum(parameter.numel() for parameter in module.parameters()) == parameters


def test_draws_a_picture(inputs: Inputs) -> None:
    frame = decoder()(*inputs)
    assert frame.shape == (2, 3, 64, 64)
    assert frame.min() >= 0
    assert frame.max() <= 1


def test_where_all_is_visible_the_blend_is_the_warped_picture(inputs: Inputs) -> None:
    filled, warped, pose, occlusion, picture = inputs
    frame = decoder()(filled, warped, pose, torch.ones_like(occlusion), picture)
    assert_close(frame, picture)


def test_where_nothing_is_visible_the_blend_draws_all(inputs: Inputs) -> None:
    filled, warped, pose, occlusion, picture = inputs
    hidden = torch.zeros_like(occlusion)
    drawn = decoder(image_blend=False)(filled, warped, pose, occlusion, picture)
    assert_close(decoder()(filled, warped, pose, hidden, picture), drawn)


def test_the_literal_paper_uses_neither_the_stem_nor_the_picture(inputs: Inputs) -> None:
    filled, warped, pose, occlusion, picture = inputs
    literal = decoder(full_resolution_skip=False, image_blend=False)
    expected = literal(*inputs)
    changed = literal(filled, -warped, pose, 1 - occlusion, 1 - picture)
    assert_close(changed, expected, atol=0, rtol=0)
    assert literal.fuse is None


def test_every_scale_matters(inputs: Inputs) -> None:
    filled, *rest = inputs
    module = decoder(image_blend=False)
    filled = tuple(features.requires_grad_() for features in filled)
    module(filled, *rest).square().sum().backward()
    assert all(f.grad is not None and f.grad.abs().sum() > 0 for f in filled)


def test_autocast_draws_nearly_the_same_in_float32(inputs: Inputs) -> None:
    module = decoder()
    expected = module(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        frame = module(*inputs)
    assert frame.dtype == torch.float32
    assert (frame - expected).abs().mean() < 0.02


def test_without_a_pose_width_the_pose_has_no_say(inputs: Inputs) -> None:
    filled, warped, pose, occlusion, picture = inputs
    plain = PoseAwareDecoder(WIDTHS, pose_width=None).eval()
    expected = plain(*inputs)
    assert_close(plain(filled, warped, pose + 1, occlusion, picture), expected, atol=0, rtol=0)
    assert not [name for name, _ in plain.named_parameters() if "gamma" in name]
    steered = decoder()
    for block in steered.up_blocks:
        torch.nn.init.normal_(block.norm1.beta.weight)
    moved = steered(filled, warped, pose + 1, occlusion, picture)
    assert (moved - steered(*inputs)).abs().max() > 1e-4
