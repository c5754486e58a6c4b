from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from reenact.layers.grid import identity_grid, warp
from reenact.records import Animation, Keypoints, Motion, MotionField
from reenact.restore import detail_share, measure_residual, resample_flow, restore

SMALL, LARGE = 32, 80


def animation(frame: Tensor, flow: Tensor | None = None, visible: float = 1.0) -> Animation:
    """An animation of which only picture, flow and visibility matter."""
    count, _, height, width = frame.shape
    flow = identity_grid(height, width).expand(count, -1, -1, -1) if flow is None else flow
    shown = torch.full((count, 1, height, width), visible)
    keypoints = Keypoints(torch.zeros(count, 1, 2), torch.eye(2).expand(count, 1, 2, 2))
    field = MotionField(masks=shown, flows=(flow,), occlusions=(shown,))
    return Animation(frame, field, None, keypoints, Motion(keypoints, torch.zeros(count, 6)))


def photograph() -> tuple[Tensor, Tensor]:
    """A picture full of detail, and what a small model sees of it."""
    photo = torch.rand(1, 3, LARGE, LARGE, generator=torch.Generator().manual_seed(0))
    return photo, F.interpolate(photo, (SMALL, SMALL), mode="area")


@pytest.mark.parametrize("visible", [1.0, 0.6])
def test_a_portrait_at_rest_becomes_the_photograph_again(visible: float) -> None:
    photo, seen = photograph()
    blurred = F.avg_pool2d(seen, 5, stride=1, padding=2, count_include_pad=False) * 0.9 + 0.02
    at_rest = animation(blurred, visible=visible)
    assert_close(restore(at_rest, measure_residual(photo, seen, at_rest)), photo)


def test_the_smooth_difference_is_added_even_where_nothing_agrees() -> None:
    _, seen = photograph()
    tinted = animation(seen - 0.1)
    residual = measure_residual(seen, seen, tinted)
    assert_close(residual.smooth, torch.full_like(seen, 0.1))
    other = restore(animation(torch.full_like(seen, 0.4)), residual)
    assert_close(other, torch.full_like(seen, 0.5))


def test_no_detail_goes_where_the_photograph_is_hidden_or_shows_something_else() -> None:
    photo, seen = photograph()
    at_rest = animation(seen)
    residual = measure_residual(photo, seen, at_rest)
    assert_close(detail_share(seen, at_rest, residual), torch.ones(1, 1, SMALL, SMALL))
    hidden = animation(seen, visible=0.0)
    assert detail_share(seen, hidden, residual).max() == 0
    changed = seen.clone()
    changed[..., 10:20, 10:20] = 1 - changed[..., 10:20, 10:20].mean()
    changed[..., 10:20, 10:20] += 0.5
    share = detail_share(changed, at_rest, residual)
    assert share[..., 14, 14] < 0.01
    assert share[..., 28, 28] > 0.99


def test_detail_moves_with_the_flow() -> None:
    photo, seen = photograph()
    residual = measure_residual(photo, seen, animation(seen))
    flow = identity_grid(SMALL, SMALL)[None] + torch.tensor([4 * 2 / (SMALL - 1), 0.0])
    moved = restore(animation(warp(seen, flow), flow), residual)
    inner = slice(12, LARGE - 24)
    there = slice(22, LARGE - 14)  # 4 of 32 pixels are 10 of 80
    assert_close(moved[..., inner, inner], photo[..., inner, there], atol=1e-3, rtol=0)


@pytest.mark.parametrize("size", [20, SMALL, LARGE])
def test_standing_still_is_the_same_on_every_grid(size: int) -> None:
    still = identity_grid(SMALL, SMALL)[None]
    assert_close(resample_flow(still, size), identity_grid(size, size)[None])


def test_batches_are_restored_like_single_frames() -> None:
    photo, seen = photograph()
    residual = measure_residual(photo, seen, animation(seen))
    frames = torch.cat([seen, seen + 0.05, seen * 0.7])
    together = restore(animation(frames), residual)
    apart = torch.cat([restore(animation(frame[None]), residual) for frame in frames])
    assert_close(together, apart)
