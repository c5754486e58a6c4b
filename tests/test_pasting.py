from __future__ import annotations

import numpy as np

from reenact.pasting import PasteGroup, loose_head
from reenact.records import FloatArray, Image
from reenact.video import PasteBack

LEFT, RIGHT = np.array([10.0, 20, 60]), np.array([50.0, 20, 60])


def photograph() -> Image:
    return np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8)


def plain(level: int) -> Image:
    return np.full((64, 64, 3), level, dtype=np.uint8)


def inside(square: FloatArray) -> np.ndarray:
    x0, y0, side = square
    rows, columns = np.mgrid[:100, :120] + 0.5
    within = (rows > y0) & (rows < y0 + side) & (columns > x0) & (columns < x0 + side)
    return np.asarray(within)


def test_one_face_is_pasted_as_if_there_were_no_group() -> None:
    photo = photograph()
    alone = PasteBack(photo, LEFT).paste(plain(90))
    assert np.array_equal(PasteGroup(photo, [LEFT]).paste([plain(90)]), alone)


def test_faces_that_do_not_meet_are_pasted_as_if_alone() -> None:
    photo, far = photograph(), np.array([75.0, 20, 40])
    near = np.array([10.0, 20, 60])
    both = PasteGroup(photo, [near, far]).paste([plain(90), plain(200)])
    for square, level in ((near, 90), (far, 200)):
        alone = PasteBack(photo, square).paste(plain(level))
        assert np.abs(both[inside(square)].astype(int) - alone[inside(square)]).max() <= 1


def test_outside_all_squares_the_photograph_is_untouched() -> None:
    photo = photograph()
    both = PasteGroup(photo, [LEFT, RIGHT]).paste([plain(90), plain(200)])
    outside = ~(inside(LEFT) | inside(RIGHT))
    assert np.array_equal(both[outside], photo[outside])


def test_every_face_keeps_its_middle_where_squares_overlap() -> None:
    photo = photograph()
    for squares, levels in (([LEFT, RIGHT], [90, 200]), ([RIGHT, LEFT], [200, 90])):
        both = PasteGroup(photo, squares).paste([plain(level) for level in levels])
        assert np.abs(both[45:55, 30:46].astype(int) - 90).max() <= 1
        assert np.abs(both[45:55, 74:90].astype(int) - 200).max() <= 1
        assert np.abs(both[50, 60].astype(int) - 145).max() < 40  # half way, both


def test_the_larger_face_reaches_further() -> None:
    photo = plain(0)
    squares = [np.array([0.0, 0, 40]), np.array([24.0, 0, 20])]
    frame = PasteGroup(photo, squares).paste([plain(90), plain(200)])
    assert (
        abs(int(frame[10, 25, 0]) - 90) < 40
    )  # 5 from the large square's middle, 9 from the other


def test_pictures_of_the_photograph_itself_leave_it_whole() -> None:
    """No seam between faces at rest."""
    photo = plain(120)
    frame = PasteGroup(photo, [np.array([0.0, 0, 40]), np.array([24.0, 8, 40])]).paste(
        [photo, photo]
    )
    assert np.array_equal(frame, photo)


def hair(first_row: int) -> np.ndarray:
    """A head in the middle of the left square, from a row of the photograph down."""
    head = np.zeros((100, 120), dtype=np.uint8)
    head[first_row:70, 30:50] = 255
    return head


def test_hair_that_ends_short_of_the_border_goes_with_the_head() -> None:
    photo = photograph()
    usual = PasteGroup(photo, [LEFT]).paste([plain(90)])
    loose = PasteGroup(photo, [LEFT], [hair(24)]).paste([plain(90)])
    assert np.abs(loose[25:28, 35:45].astype(int) - 90).max() <= 1
    assert np.abs(usual[25, 35:45].astype(int) - 90).max() > 20
    assert np.array_equal(loose[~inside(LEFT)], photo[~inside(LEFT)])
    assert np.array_equal(loose[20:22], photo[20:22])  # the margin stays photograph


def test_hair_that_goes_on_beyond_the_square_fades_as_usual() -> None:
    photo = photograph()
    usual = PasteGroup(photo, [LEFT]).paste([plain(90)])
    assert np.array_equal(PasteGroup(photo, [LEFT], [hair(15)]).paste([plain(90)]), usual)


def test_what_is_loose_is_soft_and_near_the_head() -> None:
    mask = PasteBack(photograph(), LEFT).mask[..., 0]
    loose = loose_head(hair(24)[20:80, 10:70], mask, 60.0)
    assert loose[6, 30] > 0.95
    assert loose.min() >= 0
    assert loose.max() <= 1 + 1e-6
    assert not loose[:, :10].any()
    assert not loose[30:].any()
