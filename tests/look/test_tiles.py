from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from reenact.animator import Animator
from reenact.layers.grid import identity_grid
from reenact.look import tiles
from reenact.look.palette import HIDDEN, NO_FACELET, REGION_COLOURS
from reenact.look.stages import FaceView, at_rest, view_source
from reenact.look.tiles import TILE
from reenact.portrait import Portrait
from reenact.records import Animation, Image

SHAPE = (TILE, TILE, 3)


@pytest.fixture
def view(animator: Animator, portrait: Portrait) -> FaceView:
    return view_source(animator, portrait)


@pytest.fixture
def animation(animator: Animator, portrait: Portrait) -> Animation:
    return at_rest(animator, portrait).animation


def test_corners_of_the_model_are_half_a_pixel_inside_those_of_a_tile() -> None:
    corners = tiles.to_tile(torch.tensor([[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]]))
    half = 0.5 * TILE / 256
    np.testing.assert_allclose(
        corners, [[half - 0.5] * 2, [TILE - half - 0.5] * 2, [TILE / 2 - 0.5] * 2]
    )


@pytest.mark.parametrize(
    "draw", [tiles.whole_tile, tiles.landmark_tile, tiles.parsing_tile, tiles.keypoint_tile]
)
def test_a_view_makes_square_pictures_and_stays_as_it_is(view: FaceView, draw) -> None:  # type: ignore[no-untyped-def]
    before = view.picture.copy()
    for shown in (view, replace(view, face=None)):
        tile: Image = draw(shown)
        assert tile.shape == SHAPE
        assert tile.dtype == np.uint8
    np.testing.assert_array_equal(view.picture, before)


def test_a_square_outside_the_picture_is_still_drawn(view: FaceView) -> None:
    outside = replace(view, square=np.array([-900.0, -900.0, 5000.0]))
    assert (tiles.whole_tile(outside) != tiles.whole_tile(view)).any()


def test_regions_have_their_colours(view: FaceView) -> None:
    labels = np.zeros((256, 256), dtype=np.uint8)
    labels[:, :128] = 13  # neck
    tile = tiles.parsing_tile(replace(view, labels=labels)).astype(int)
    left, right = tile[:, :100].mean(axis=(0, 1)), tile[:, -100:].mean(axis=(0, 1))
    assert np.ptp(right) < 1  # grey
    assert np.argmax(left) == np.argmax(REGION_COLOURS["neck"])


def test_keypoints_that_are_not_finite_are_no_crash(view: FaceView) -> None:
    lost = view.keypoints.map(lambda tensor: torch.full_like(tensor, torch.nan))
    assert tiles.keypoint_tile(replace(view, keypoints=lost)).shape == SHAPE


def test_steps_point_from_where_a_pixel_came(animation: Animation) -> None:
    shifted = identity_grid(256, 256)[None] - torch.tensor([0.2, 0.0])
    moved = replace(animation, motion=replace(animation.motion, flows=(shifted,)))
    steps = tiles.steps(moved)
    np.testing.assert_allclose(steps[..., 0], 0.1, atol=1e-6)
    np.testing.assert_allclose(steps[..., 1], 0, atol=1e-6)
    assert (tiles.flow_tile(moved) != tiles.flow_tile(animation)).any()


def test_what_is_hidden_is_red(animation: Animation) -> None:
    np.testing.assert_allclose(tiles.hidden(animation), 0.25, atol=1e-6)
    occlusion = torch.zeros_like(animation.motion.occlusions[-1])
    gone = replace(animation, motion=replace(animation.motion, occlusions=(occlusion,)))
    redness = tiles.hidden_tile(gone).reshape(-1, 3).mean(axis=0) - np.array(HIDDEN)
    assert np.abs(redness).max() < 30


def test_pixels_have_the_colour_of_whom_they_ask(animation: Animation) -> None:
    assert animation.compensation is not None
    tile = tiles.facelet_tile(animation.frame, animation.compensation).astype(float)
    difference = tile[:, :140].mean(axis=(0, 1)) - tile[:, -140:].mean(axis=(0, 1))
    expected = 0.65 * (np.array(REGION_COLOURS["nose"]) - np.array(NO_FACELET))
    np.testing.assert_allclose(difference, expected, atol=12)


def test_attention_colours_the_frame_as_far_as_it_goes(animation: Animation) -> None:
    nothing = tiles.attention_tile(animation.frame, np.zeros((8, 8)), (255, 0, 0), 64)
    everything = tiles.attention_tile(animation.frame, np.ones((8, 8)), (255, 0, 0), 64)
    assert nothing.shape == (64, 64, 3)
    assert np.ptp(nothing, axis=-1).max() == 0
    assert everything[..., 0].min() > 225
