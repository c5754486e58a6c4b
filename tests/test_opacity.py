from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from reenact.animator import Animator
from reenact.layers.grid import identity_grid, warp
from reenact.opacity import Opacity, head_opacity, moved, straight, with_opacity, without_specks
from reenact.records import Animation, Keypoints, Motion, MotionField, Parsing
from stubs import StubModel, StubReader, picture_with_face


def animation(flow: torch.Tensor) -> Animation:
    shown = torch.ones(1, 1, *flow.shape[1:3])
    keypoints = Keypoints(torch.zeros(1, 1, 2), torch.eye(2).expand(1, 1, 2, 2))
    field = MotionField(masks=shown, flows=(flow,), occlusions=(shown,))
    return Animation(shown, field, None, keypoints, Motion(keypoints, torch.zeros(1, 6)))


def test_opacity_moves_like_the_pixels() -> None:
    opacity = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    still = identity_grid(32, 32)[None]
    assert_close(moved(opacity, animation(still)), opacity)
    flow = still + torch.tensor([3 * 2 / 31, 0.0])
    assert_close(moved(opacity, animation(flow)), warp(opacity, flow))


def test_the_head_is_opaque_and_nothing_else() -> None:
    labels = torch.zeros(1, 256, 256, dtype=torch.uint8)
    labels[:, 64:192, 64:192] = 3
    opacity = head_opacity(Parsing(labels), np.array([40.0, 20.0, 128.0]), (200, 220))
    assert opacity.values.shape == (200, 220)
    assert opacity.values[20 + 64, 40 + 64] == 255
    assert opacity.values[30, 50] == opacity.values[5, 5] == opacity.values[199, 219] == 0
    assert not opacity.on_paper


def test_specks_and_pinholes_go() -> None:
    mask = np.zeros((100, 100), dtype=np.uint8)
    mask[20:80, 20:80] = 1
    clean = mask.copy()
    mask[5:8, 5:8] = 1
    mask[40:43, 40:43] = 0
    assert np.array_equal(without_specks(mask), clean)


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_colours_come_back_from_white_paper(share: float) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (5, 5, 3)).astype(np.uint8)
    alpha = np.full((5, 5, 1), round(255 * share), dtype=np.uint8)
    part = alpha / 255
    on_paper = np.rint(colours * part + 255 * (1 - part)).astype(np.uint8)
    freed = straight(np.concatenate([on_paper, alpha], axis=2))
    assert np.abs(freed[..., :3].astype(int) - colours).max() <= 0.5 / share + 1
    assert np.array_equal(freed[..., 3:], alpha)


@pytest.mark.parametrize("paste_back", [True, False])
def test_frames_have_the_opacity_of_the_photograph(paste_back: bool) -> None:
    animator, photo = Animator(StubModel(), StubReader()), picture_with_face()
    values = np.tile(np.linspace(0, 255, photo.shape[1]).astype(np.uint8), (photo.shape[0], 1))
    source = animator.encode_source(photo, opacity=Opacity(values, on_paper=False))
    driving = [picture_with_face() for _ in range(2)]
    plain = list(animator.animate(source, driving, paste_back=paste_back))
    clear = list(animator.animate(source, driving, paste_back=paste_back, alpha=True))
    for frame, same in zip(clear, plain, strict=True):
        assert np.array_equal(frame[..., :3], same)
        if paste_back:  # the stub does not move anything
            assert np.abs(frame[..., 3].astype(int) - values).max() <= 3
    assert with_opacity(photo, source.opacity).shape == (*photo.shape[:2], 4)
