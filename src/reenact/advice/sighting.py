"""What is remembered of a picture that was searched for faces: readings, not pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from skimage.measure import blur_effect

from reenact.perception.cropping import CROP_SIZE, crop_square, cut
from reenact.records import Face, FloatArray, Image

_INNER_LIPS = ((61, 67), (62, 66), (63, 65))
"""Landmarks of the upper and the lower inner lip that face each other."""
_INNER_CORNERS = (60, 64)
_EYES = (36, 42)
"""First landmark of each eye; the corners are it and the third after it."""


@dataclass(frozen=True, eq=False)
class Sighting:
    """The faces of one picture."""

    index: int
    """Of the frame in its clip, from 0; 0 for a photograph."""
    width: int
    """Pixels of the picture."""
    height: int
    """Pixels of the picture."""
    faces: tuple[Face, ...]
    """Largest first; empty where there is none."""
    blur: float
    """Of the face's crop as the model sees it, 0 sharp to 1 blurred; NaN where there is none."""
    chosen: int = 1
    """Which of the faces is used, counted from 1."""

    @property
    def face(self) -> Face:
        """The face that is used."""
        return self.faces[self.chosen - 1]


def sight(picture: Image, faces: Sequence[Face], *, index: int = 0, chosen: int = 1) -> Sighting:
    """Remember what a picture, uint8 (H, W, 3) RGB, shows."""
    height, width = picture.shape[:2]
    blur = crop_blur(picture, faces[chosen - 1]) if len(faces) >= chosen else float("nan")
    return Sighting(index, width, height, tuple(faces), blur, chosen)


def crop_blur(picture: Image, face: Face) -> float:
    """How much of a face's fine detail is missing at the model's size, in [0, 1].

    It is what blurring once more changes (Crété-Roffet et al., "The Blur Effect", 2007), which
    hardly depends on what is shown, or how bright. A face that is enlarged counts as blurred.
    """
    crop = cut(picture, crop_square(face.box), CROP_SIZE)
    return float(blur_effect(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)))


def mouth_gap(landmarks: FloatArray) -> float:
    """Height of the open mouth over the width of its inner corners; 0 is shut."""
    heights = [_distance(landmarks, upper, lower) for upper, lower in _INNER_LIPS]
    return float(np.mean(heights) / max(_distance(landmarks, *_INNER_CORNERS), 1e-6))


def eye_gap(landmarks: FloatArray) -> float:
    """Height of the open eyes over their width, the mean of both."""
    gaps = []
    for first in _EYES:
        height = _distance(landmarks, first + 1, first + 5) + _distance(
            landmarks, first + 2, first + 4
        )
        gaps.append(height / 2 / max(_distance(landmarks, first, first + 3), 1e-6))
    return float(np.mean(gaps))


def outside_share(sighting: Sighting) -> float:
    """Share of the 68 landmarks of the face in use that lie outside the picture."""
    x, y = sighting.face.landmarks[:68].T
    outside = (x < 0) | (y < 0) | (x > sighting.width) | (y > sighting.height)
    return float(outside.mean())


def crop_side(face: Face) -> float:
    """Side of the square that the model sees of a face, in pixels of the picture."""
    return float(crop_square(face.box)[2])


def area(face: Face) -> float:
    """Pixels of the picture that the box of a face covers."""
    x0, y0, x1, y1 = face.box
    return float((x1 - x0) * (y1 - y0))


def _distance(landmarks: FloatArray, one: int, other: int) -> float:
    return float(np.linalg.norm(landmarks[one] - landmarks[other]))
