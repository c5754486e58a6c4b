from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reenact.perception.cropping import crop_square, cut, from_crop, to_crop, union_box


def test_square_worked_by_hand() -> None:
    square = crop_square(np.array([10.0, 20.0, 60.0, 120.0]))
    assert square == pytest.approx([35 - 81, 70 - 10 - 81, 162])


def test_square_moves_and_grows_with_the_box() -> None:
    box = np.array([10.0, 20.0, 60.0, 120.0])
    square = crop_square(box)
    assert crop_square(box * 3) == pytest.approx(square * 3)
    assert crop_square(box + 7) == pytest.approx(square + np.array([7, 7, 0]))


def test_union_skips_frames_without_a_face() -> None:
    boxes = np.array([[0, 0, 2, 2], [np.nan] * 4, [1, -1, 3, 1]])
    assert union_box(boxes) == pytest.approx([0, -1, 3, 2])


@settings(max_examples=30, deadline=None)
@given(x=st.floats(-500, 500), y=st.floats(-500, 500), side=st.floats(10, 2000))
def test_into_the_crop_and_back(x: float, y: float, side: float) -> None:
    square = np.array([x, y, side])
    points = np.array([[0.0, 0.0], [12.5, -30.0]])
    assert from_crop(to_crop(points, square), square) == pytest.approx(points, abs=1e-6)


def test_a_crop_of_the_same_size_is_the_picture() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert (cut(image, np.array([0.0, 0.0, 64.0]), size=64) == image).all()


@pytest.mark.parametrize("side", [24.0, 96.0, 333.0, 900.0])
def test_pixels_land_where_points_do(side: float) -> None:
    """A ramp of x and y, resampled, holds the coordinates that `from_crop` gives."""
    y, x = np.mgrid[0:256, 0:256] + 0.5
    image = np.stack([x, y, x], axis=-1).round().astype(np.uint8)
    square = np.array([30.0, 40.0, side * 0.1 + 60])
    crop = cut(image, square, size=64)
    centre = from_crop(np.array([32.0, 32.0]), square, size=64)
    assert crop[31:33, 31:33, :2].reshape(-1, 2).mean(0) == pytest.approx(centre, abs=1.0)


def test_shrinking_averages() -> None:
    stripes = np.zeros((512, 512, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    crop = cut(stripes, np.array([0.0, 0.0, 512.0]), size=64)
    assert abs(crop[8:-8, 8:-8].astype(int) - 100).max() <= 2


def test_outside_the_picture_its_border_goes_on() -> None:
    image = np.full((20, 20, 3), 77, dtype=np.uint8)
    assert (cut(image, np.array([-15.0, -15.0, 50.0]), size=32) == 77).all()
