from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reenact.video.comparison import GAP, TALLEST, Passing, side_by_side
from reenact.video.scaling import OutputSize, scaled


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("200", (200, 300)),
        ("1024x768", (682, 1024)),
        ("300x1000", (200, 300)),
        ("50%", (200, 300)),
        ("0.5", (200, 300)),
        ("1.5", (600, 900)),
        ("1%", (4, 6)),
    ],
)
def test_a_size_is_a_height_a_box_or_a_share(text: str, size: tuple[int, int]) -> None:
    assert OutputSize.parse(text).of(400, 600) == size


@pytest.mark.parametrize("text", ["", "0", "big", "12x", "x9", "-5", "0%", "99999", "1e3", "5000%"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        OutputSize.parse(text)


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(2, 2000))
def test_sizes_are_even_and_keep_the_aspect(height: int, width: int, wanted: int) -> None:
    tall, wide = OutputSize(height=wanted).of(height, width)
    assert tall % 2 == wide % 2 == 0
    assert abs(tall - wanted) <= 1
    assert wide in (2, 16384) or abs(wide - width * wanted / height) <= 1


def test_nothing_is_done_to_a_picture_of_that_size() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (8, 6, 3)).astype(np.uint8)
    assert scaled(picture, (8, 6)) is picture
    assert scaled(picture, (4, 4)).shape == (4, 4, 3)
    assert scaled(np.full((8, 6, 4), 70, np.uint8), (20, 30)).mean() == 70


def test_a_comparison_is_source_driving_and_result_at_one_height() -> None:
    driving = Passing([np.full((90, 160, 3), 10 * n, np.uint8) for n in range(4)], skip=1)
    source, taken = np.full((30, 20, 3), 200, np.uint8), driving.taken()
    for number, _ in enumerate(driving):
        if number == 0:
            continue
        page = side_by_side([source, next(taken), np.full((60, 60, 3), 100, np.uint8)])
        assert page.shape == (60, 40 + GAP + 107 + GAP + 60, 3)
        assert page[30, 20, 0] == 200
        assert page[30, 90, 0] == 10 * number
        assert page[30, -1, 0] == 100
        assert page[30, 42, 0] == 255


def test_a_comparison_does_not_grow_with_the_photograph() -> None:
    photo = np.zeros((3000, 2000, 3), np.uint8)
    assert side_by_side([photo, np.zeros((64, 64, 3), np.uint8), photo]).shape[0] == TALLEST
