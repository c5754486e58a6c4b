from __future__ import annotations

import numpy as np
import pytest

from reenact.perception.cropping import cut
from reenact.video import PasteBack

SQUARES = [(20.0, 30.0, 64.0), (20.3, 29.8, 51.7), (-15.0, -8.5, 90.0), (60.0, 50.0, 100.0)]


def photograph(height: int = 120, width: int = 140) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 9 + shift) + np.cos(y / 11 - shift) for shift in (0, 1, 2)]
    return (127 + 60 * np.stack(waves, axis=-1)).astype(np.uint8)


def inside(square: tuple[float, float, float], photo: np.ndarray) -> np.ndarray:
    x0, y0, side = square
    y, x = np.mgrid[: photo.shape[0], : photo.shape[1]] + 0.5
    return (x >= x0) & (x < x0 + side) & (y >= y0) & (y < y0 + side)


@pytest.mark.parametrize("square", SQUARES)
def test_not_a_bit_changes_outside_the_square(square: tuple[float, float, float]) -> None:
    photo, green = photograph(), np.zeros((256, 256, 3), dtype=np.uint8)
    green[..., 1] = 255
    before = photo.copy()
    pasted = PasteBack(photo, np.array(square)).paste(green)
    assert np.array_equal(photo, before)
    outside = ~inside(square, photo)
    assert np.array_equal(pasted[outside], photo[outside])
    assert (pasted != photo).any()


@pytest.mark.parametrize("square", SQUARES)
def test_pasting_what_was_cut_changes_nothing_visible(square: tuple[float, float, float]) -> None:
    photo = photograph()
    pasted = PasteBack(photo, np.array(square)).paste(cut(photo, np.array(square)))
    assert np.abs(pasted.astype(int) - photo).max() <= 3


def test_a_square_larger_than_the_crop_is_put_back_in_place() -> None:
    photo, square = photograph(900, 1000), np.array([120.0, 60.0, 700.0])
    pasted = PasteBack(photo, square).paste(cut(photo, square))
    assert np.abs(pasted.astype(int) - photo).max() <= 3


def test_there_is_no_step_at_the_border_of_the_square() -> None:
    photo = np.full((120, 140, 3), 100, dtype=np.uint8)
    pasted = PasteBack(photo, np.array([20.0, 30.0, 64.0])).paste(
        np.full((256, 256, 3), 140, dtype=np.uint8)
    )
    assert pasted[62, 52, 0] == 140
    row = pasted[62, :, 0].astype(int)
    assert np.abs(np.diff(row)).max() <= 40 / (0.12 * 64) * 1.875 + 1


def test_nothing_can_flicker_next_to_the_border_of_the_square() -> None:
    photo, square = photograph(300, 300), (40.0, 50.0, 200.0)
    green = np.zeros((256, 256, 3), dtype=np.uint8)
    pasted = PasteBack(photo, np.array(square)).paste(green)
    x0, y0, side = square
    margin = 0.02 * side
    untouched = ~inside((x0 + margin, y0 + margin, side - 2 * margin), photo)
    assert np.array_equal(pasted[untouched], photo[untouched])


def test_the_border_does_not_fade_where_the_photograph_ends() -> None:
    photo = photograph(100, 100)
    whole = PasteBack(photo, np.array([0.0, 0.0, 100.0]))
    assert (whole.mask == 1).all()
    wide = PasteBack(photo, np.array([-30.0, 20.0, 140.0]))
    assert (wide.mask[40:] == 1).all()
    assert wide.mask[0].max() < 0.01


def test_a_square_beside_the_photograph_leaves_it_alone() -> None:
    photo = photograph()
    black = np.zeros((256, 256, 3), dtype=np.uint8)
    assert np.array_equal(PasteBack(photo, np.array([500.0, 0.0, 50.0])).paste(black), photo)
