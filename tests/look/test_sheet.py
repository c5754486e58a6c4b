from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reenact.animator import Animator
from reenact.look import Sheet, watch
from reenact.look.sheet import (
    CAPTION,
    GAP,
    WIDTH,
    Captioned,
    fitted,
    header,
    legend,
    row,
    text_width,
)
from reenact.look.tiles import TILE
from reenact.portrait import Portrait
from stubs import StubModel, StubReader, picture_with_face

ROW = CAPTION + TILE + GAP


def test_a_page_has_a_row_more_with_a_driving_face(animator: Animator, portrait: Portrait) -> None:
    sheet = Sheet(animator, portrait, "model: photo.png")
    rest = sheet.draw()
    stage = next(watch(animator, portrait, [picture_with_face()]))
    driven = sheet.draw(stage, "driving frame 0 of 1")
    assert rest.shape[1] == driven.shape[1] == WIDTH
    assert abs(len(driven) - len(rest) - ROW) <= 1
    assert all(side % 2 == 0 for side in driven.shape[:2])
    np.testing.assert_array_equal(driven[40 : 30 + ROW], rest[40 : 30 + ROW])


def test_a_template_shows_its_motion_on_the_photograph(
    animator: Animator, portrait: Portrait
) -> None:
    sheet = Sheet(animator, portrait, "")
    stage = replace(next(watch(animator, portrait, [picture_with_face()])), driving=None)
    page, rest = sheet.draw(stage), sheet.draw()
    assert page.shape == rest.shape
    assert (page[34:ROW, -TILE:] != rest[34:ROW, -TILE:]).any()
    np.testing.assert_array_equal(page[34:ROW, : -TILE - GAP], rest[34:ROW, : -TILE - GAP])


def test_without_facelets_their_rows_are_left_out(animator: Animator, portrait: Portrait) -> None:
    plain = Animator(StubModel(), StubReader())
    bare = Sheet(plain, plain.encode_source(picture_with_face()), "").draw()
    assert len(bare) < len(Sheet(animator, portrait, "").draw()) - TILE


def test_tiles_are_where_they_belong() -> None:
    black = np.zeros((TILE, TILE, 3), dtype=np.uint8)
    strip = row([Captioned("first", black), Captioned("second", black)])
    dark = (strip == 0).all(axis=-1)[CAPTION:]
    assert dark.sum() == 2 * TILE * TILE
    assert dark[:, GAP].any()
    assert not dark[:, GAP + TILE].any()


def test_a_long_title_loses_its_middle() -> None:
    name = "a very long name of a photograph " * 12 + "end.png"
    short = fitted(name, 400, 0.55)
    assert text_width(short, 0.55) <= 400
    assert short.startswith("a very long")
    assert short.endswith("end.png")
    assert fitted("photo.png", 400, 0.55) == "photo.png"


@pytest.mark.parametrize("title", ["a title", "Zoë 写真.png", "long " * 99])
def test_nothing_is_written_past_the_page(title: str) -> None:
    for strip in (legend(), header(title, "a note")):
        assert (strip[:, -GAP:] == strip[0, 0]).all()
        assert (strip != strip[0, 0]).any()
