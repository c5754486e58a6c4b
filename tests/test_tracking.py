from __future__ import annotations

import numpy as np
import pytest

from reenact.driving import frame_clip
from reenact.errors import FaceNotFoundError
from reenact.perception.cropping import crop_square
from reenact.records import Image
from reenact.tracking import frame_faces
from stubs import StubCrowd, picture_with_faces

LARGE, SMALL = (30, 40, 70, 90), (170, 50, 200, 80)


def squares(frames: list[Image]) -> list[list[float]]:
    return [framing.square.tolist() for framing in frame_faces(frames, StubCrowd())]


def square(x0: float, y0: float, x1: float, y1: float) -> list[float]:
    return list(crop_square(np.array([x0, y0, x1, y1])))


def test_every_face_has_the_square_of_its_places_the_largest_first() -> None:
    frames = [
        picture_with_faces((170 + step, 50, 200 + step, 80), (30, 40 - step, 70, 90 - step))
        for step in (0, 4, 8)
    ]
    assert squares(frames) == [square(30, 32, 70, 90), square(170, 50, 208, 80)]
    alone = [frame_clip(frames, StubCrowd(), number=number).square.tolist() for number in (1, 2)]
    assert squares(frames) == alone


def test_a_face_may_come_and_go() -> None:
    frames = [picture_with_faces(LARGE)] * 4 + [picture_with_faces(LARGE, SMALL)] * 4
    for film in (frames, frames[::-1], frames + frames[:4]):
        large, small = frame_faces(film, StubCrowd())
        assert (large.found, small.found) == (len(film), 4)
        assert [large.square.tolist(), small.square.tolist()] == [square(*LARGE), square(*SMALL)]


def test_a_lost_face_does_not_take_the_box_of_its_neighbour() -> None:
    near = (80, 50, 110, 80)
    frames = [picture_with_faces(LARGE, near), picture_with_faces(near), picture_with_faces(LARGE)]
    assert squares(frames) == [square(*LARGE), square(*near)]


def test_what_is_seen_for_a_moment_is_a_mistake() -> None:
    frames = [picture_with_faces(LARGE)] * 11
    moment = [picture_with_faces(LARGE, SMALL)]
    assert len(squares(frames + moment)) == 1
    assert len(squares(frames + 2 * moment)) == 2


@pytest.mark.parametrize("length", [9, 100])
def test_a_clip_of_any_length_is_looked_at_a_bounded_number_of_times(length: int) -> None:
    finder = StubCrowd()
    frame_faces([picture_with_faces(LARGE)] * length, finder, samples=4)
    assert finder.looks <= 4


def test_no_face_at_all_is_an_error_of_four_parts() -> None:
    with pytest.raises(FaceNotFoundError, match=r"a.mp4: no face in the 2 .*expected.*Use"):
        frame_faces([picture_with_faces()] * 2, StubCrowd(), role="a.mp4")
