import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from reenact.layers.grid import (
    AntiAliasDownsample,
    gaussian_heatmaps,
    identity_grid,
    resize_flow,
    resize_map,
    sample,
    warp,
)

PADDINGS = ("zeros", "border", "reflection")


def test_border_pixels_are_at_one() -> None:
    grid = identity_grid(3, 5)
    assert_close(grid[0, 0], torch.tensor([-1.0, -1.0]))
    assert_close(grid[2, 4], torch.tensor([1.0, 1.0]))
    assert_close(grid[0, 4], torch.tensor([1.0, -1.0]), msg="x comes first")


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("size", [(16, 16), (64, 64), (7, 12), (256, 256)])
def test_identity_flow_leaves_features_unchanged(size: tuple[int, int], padding: str) -> None:
    features = torch.rand(2, 3, *size)
    flow = identity_grid(16, 16).expand(2, -1, -1, -1)
    assert_close(warp(features, flow, padding), features, atol=1e-4, rtol=0)


def test_resizing_keeps_what_a_flow_points_at() -> None:
    coarse, fine = identity_grid(16, 8)[None], identity_grid(128, 64)[None]
    assert_close(resize_flow(coarse, (128, 64)), fine)
    assert_close(resize_flow(fine, (16, 8)), coarse)


def test_resizing_keeps_the_corners_of_a_map() -> None:
    maps = torch.rand(1, 2, 5, 6)
    resized = resize_map(maps, (17, 11))
    assert_close(
        resized[..., [0, 0, -1, -1], [0, -1, 0, -1]], maps[..., [0, 0, -1, -1], [0, -1, 0, -1]]
    )


def test_a_flow_one_pixel_to_the_right_moves_the_picture_left() -> None:
    features = torch.rand(1, 2, 6, 9)
    flow = identity_grid(6, 9)[None] + torch.tensor([2 / 8, 0.0])
    moved = warp(features, flow)
    assert_close(moved[..., :-1], features[..., 1:])
    assert_close(moved[..., -1], torch.zeros(1, 2, 6), msg="nothing is known outside")
    assert_close(warp(features, flow, "border")[..., -1], features[..., -1])
    assert_close(warp(features, flow, "reflection")[..., -1], features[..., -2])


def test_half_precision_features_are_sampled_at_full_precision_points() -> None:
    features = torch.rand(1, 4, 32, 32).bfloat16()
    flow = identity_grid(32, 32)[None] + 0.01 * torch.randn(1, 32, 32, 2)
    expected = warp(features.float(), flow).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        assert_close(warp(features, flow), expected, atol=0, rtol=0)


def test_sampling_takes_points_of_any_arrangement() -> None:
    picture = torch.arange(12.0).view(1, 1, 3, 4)
    points = torch.tensor([[[[-1.0, -1.0], [1.0, 1.0], [1 / 3, 0.0]]]])
    assert_close(sample(picture, points), torch.tensor([[[[0.0, 11.0, 6.0]]]]))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_what_is_sampled_lies_as_the_picture_does(layout: torch.memory_format) -> None:
    features = torch.rand(1, 4, 6, 5).bfloat16().contiguous(memory_format=layout).requires_grad_()
    moved = warp(features, identity_grid(8, 8)[None])
    (gradient,) = torch.autograd.grad(moved.sum(), features)
    assert moved.is_contiguous(memory_format=layout)
    assert gradient.is_contiguous(memory_format=layout)


def test_heatmaps_peak_at_their_points() -> None:
    points = identity_grid(5, 9)[1, [2, 7]][None]
    heat = gaussian_heatmaps(points, (5, 9), variance=0.01)
    assert heat.shape == (1, 2, 5, 9)
    assert heat[0, 0].argmax() == 1 * 9 + 2
    assert heat[0, 1].argmax() == 1 * 9 + 7
    assert_close(heat.amax((2, 3)), torch.ones(1, 2))


def test_heatmap_value_worked_by_hand() -> None:
    heat = gaussian_heatmaps(torch.tensor([[[0.0, 0.0]]]), (3, 3), variance=0.5)
    assert_close(
        heat[0, 0, 0, 0], torch.tensor(-2.0).exp(), msg="distance squared 2, twice variance 1"
    )
    assert_close(heat[0, 0, 1, 2], torch.tensor(-1.0).exp())


@pytest.mark.parametrize(("scale", "taps"), [(0.5, 5), (0.25, 13), (0.125, 29)])
def test_downsampling_is_a_gaussian_then_every_nth_pixel(scale: float, taps: int) -> None:
    picture = torch.rand(2, 3, 64, 48)
    deviation = (1 / scale - 1) / 2
    offsets = torch.arange(taps) - taps // 2
    gauss = torch.exp(-(offsets**2) / (2 * deviation**2))
    kernel = torch.outer(gauss, gauss) / gauss.sum() ** 2
    blurred = F.conv2d(picture, kernel.expand(3, 1, -1, -1), padding=taps // 2, groups=3)
    step = round(1 / scale)
    assert_close(AntiAliasDownsample(3, scale)(picture), blurred[..., ::step, ::step])


def test_downsampling_leaves_no_trace_in_checkpoints() -> None:
    assert not AntiAliasDownsample(3, 0.25).state_dict()


def test_downsampling_by_one_is_nothing() -> None:
    picture = torch.rand(1, 3, 8, 8)
    assert_close(AntiAliasDownsample(3, 1)(picture), picture)
