from __future__ import annotations

import cv2
import numpy as np
import pytest

from reenact.advice import sight
from reenact.advice.sighting import crop_blur, crop_side, eye_gap, mouth_gap, outside_share
from reenact.records import Image

from .faces import face, seen


@pytest.fixture
def texture() -> Image:
    rng = np.random.default_rng(0)
    return cv2.GaussianBlur(rng.integers(0, 255, (256, 256, 3), dtype=np.uint8), (0, 0), 0.7)


@pytest.mark.parametrize("gap", [0.0, 0.2, 0.6])
def test_gaps_are_heights_over_widths(gap: float) -> None:
    assert mouth_gap(face(mouth=gap).landmarks) == pytest.approx(gap, abs=1e-6)
    assert eye_gap(face(eyes=gap).landmarks) == pytest.approx(gap, abs=0.02)


def test_gaps_ignore_place_and_size() -> None:
    here, there = face(mouth=0.3), face(mouth=0.3, scale=3.0, shift=(50, -20))
    assert mouth_gap(there.landmarks) == pytest.approx(mouth_gap(here.landmarks))
    assert eye_gap(there.landmarks) == pytest.approx(eye_gap(here.landmarks))


def test_what_is_outside_is_counted() -> None:
    assert outside_share(seen(face())) == 0
    assert outside_share(seen(face(shift=(500, 0)))) == 1
    assert 0.3 < outside_share(seen(face(shift=(-128, 0)))) < 0.7


def test_the_crop_grows_with_the_face() -> None:
    assert crop_side(face(scale=2.0)) == pytest.approx(2 * crop_side(face()))


def test_blur_is_seen_and_brightness_is_not(texture: Image) -> None:
    blurs = [crop_blur(texture, face())]
    blurs += [crop_blur(cv2.GaussianBlur(texture, (0, 0), s), face()) for s in (1, 2, 4)]
    assert blurs == sorted(blurs)
    assert blurs[0] + 0.2 < blurs[-1]
    dark = np.rint(texture * 0.5).astype(np.uint8)
    assert crop_blur(dark, face()) == pytest.approx(blurs[0], abs=0.03)


def test_a_picture_without_the_face_has_no_blur(texture: Image) -> None:
    assert np.isnan(sight(texture, []).blur)
    assert np.isnan(sight(texture, [face()], chosen=2).blur)
    assert sight(texture, [face(), face(yaw=3)], chosen=2).face.pose[0] == 3
