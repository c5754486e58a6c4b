from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reenact.driving import expression_difference, frame_clip, without_strays
from reenact.errors import FaceNotFoundError
from reenact.perception.cropping import crop_square
from reenact.records import Face, Image
from stubs import StubReader, picture_with_face

PLACES = [(20, 30, 60, 80), (40, 40, 80, 90), (80, 20, 120, 70)]


def test_the_square_holds_every_place_of_the_face() -> None:
    framing = frame_clip([picture_with_face(box) for box in PLACES], StubReader())
    assert np.allclose(framing.square, crop_square(np.array([20, 20, 120, 90])))
    assert (framing.looked, framing.found) == (3, 3)


def test_frames_without_a_face_do_not_matter() -> None:
    empty = np.zeros((120, 160, 3), dtype=np.uint8)
    framing = frame_clip([empty, picture_with_face(PLACES[0]), empty], StubReader())
    assert np.allclose(framing.square, crop_square(np.array(PLACES[0])))
    assert (framing.looked, framing.found) == (3, 1)


def test_no_face_at_all_is_an_error() -> None:
    with pytest.raises(FaceNotFoundError, match="2 frames"):
        frame_clip([np.zeros((20, 20, 3), dtype=np.uint8)] * 2, StubReader())


@pytest.mark.parametrize("length", [1, 7, 8, 9, 100, 1000])
def test_a_clip_of_any_length_is_looked_at_a_bounded_number_of_times(length: int) -> None:
    frame = picture_with_face()
    known, unknown = StubReader(), StubReader()
    frame_clip([frame] * length, known, samples=8)
    frame_clip((frame for _ in range(length)), unknown, samples=8)
    assert min(length, 8) / 2 <= known.looks <= 8
    assert min(length, 8) <= unknown.looks <= 8 * (1 + np.log2(max(1, length / 8)))


def test_the_whole_clip_is_looked_at_not_its_beginning() -> None:
    early, late = picture_with_face(PLACES[0]), picture_with_face(PLACES[2])
    clip: list[Image] = [early] * 60 + [late] * 40
    framing = frame_clip(clip, StubReader(), samples=8)
    assert np.allclose(framing.square, crop_square(np.array([20, 20, 120, 80])))


def test_a_lone_box_elsewhere_is_a_mistake_but_a_walk_is_not() -> None:
    still = np.tile([10.0, 10, 20, 20], (20, 1))
    stray = np.array([[90.0, 90, 95, 95]])
    assert np.array_equal(without_strays(np.concatenate([still, stray])), still)
    walk = np.stack([[x, 10.0, x + 10, 20] for x in range(0, 60, 2)])
    assert np.array_equal(without_strays(walk), walk)


def test_the_start_is_the_frame_most_like_the_source() -> None:
    shapes = [(20, 30, 80, 60), (20, 30, 60, 80), (20, 30, 30, 90)]
    clip = [picture_with_face(box) for box in shapes]
    (wanted,) = StubReader().read(picture_with_face((70, 10, 110, 60)))
    framing = frame_clip(clip, StubReader(), like=wanted)
    assert framing.start is clip[1]
    assert frame_clip(clip, StubReader()).start is None


def test_expression_ignores_place_and_size() -> None:
    rng = np.random.default_rng(0)
    face = rng.normal(size=(68, 2))
    assert expression_difference(face, face * 3.7 + [5, -2]) == pytest.approx(0, abs=1e-12)
    assert expression_difference(face, face * [1, 1.3]) > 1e-3
    assert np.isfinite(expression_difference(face, np.zeros((68, 2))))


def test_another_face_than_the_largest_is_followed() -> None:
    class Pair(StubReader):
        """Sees a small face that keeps still beside the one that there is."""

        def read(self, image: Image) -> list[Face]:
            (face,) = super().read(image)
            small = replace(face, box=np.array([0.0, 0, 20, 20]))
            return [small, face] if face.box[0] > 50 else [face, small]  # whatever comes first

    clip = [picture_with_face(box) for box in PLACES]
    framing = frame_clip(clip, Pair(), number=2)
    assert np.allclose(framing.square, crop_square(np.array([0, 0, 20, 20])))
    with pytest.raises(FaceNotFoundError, match=r"^film.mp4: no face number 3"):
        frame_clip(clip, Pair(), number=3, role="film.mp4")
