"""The crop square of a face, and moving pictures and points in and out of it.

Pixel coordinates are continuous: the top left corner of a picture is (0, 0), the centre of its
first pixel (0.5, 0.5).
"""

from __future__ import annotations

import cv2
import numpy as np

from reenact.records import FloatArray, Image

CROP_SCALE = 1.62
"""Side of the square over the longer side of the face box."""
CROP_SHIFT = 0.1
"""How far the square lies above the box, in heights of the box."""
CROP_SIZE = 256
"""Pixels on a side of a resampled crop."""


def crop_square(box: FloatArray) -> FloatArray:
    """Square x0, y0, side around a face box x0, y0, x1, y1 in the same pixels: (4,) to (3,)."""
    x0, y0, x1, y1 = (float(value) for value in box)
    side = CROP_SCALE * max(x1 - x0, y1 - y0)
    centre_y = (y0 + y1) / 2 - CROP_SHIFT * (y1 - y0)
    return np.array([(x0 + x1) / 2 - side / 2, centre_y - side / 2, side])


def union_box(boxes: FloatArray) -> FloatArray:
    """Smallest box around the boxes of a clip, (T, 4) to (4,); rows with NaN are skipped."""
    boxes = np.asarray(boxes, dtype=np.float64)
    seen = boxes[np.isfinite(boxes).all(axis=1)]
    return np.concatenate([seen[:, :2].min(axis=0), seen[:, 2:].max(axis=0)])


def cut(image: Image, square: FloatArray, size: int = CROP_SIZE) -> Image:
    """Resample a square of the picture to uint8 (size, size, 3).

    Averages areas when shrinking to half or less, interpolates otherwise; outside the picture its
    border goes on.
    """
    x0, y0, side = (float(value) for value in square)
    scale = size / max(side, 1e-6)
    shrink = 1
    while scale * shrink <= 0.5 and shrink < 64:
        shrink *= 2
    wide = size * shrink
    # warpAffine wants pixel centres at integers: hence the halves.
    forward = np.array([[scale * shrink, 0, 0], [0, scale * shrink, 0]], dtype=np.float64)
    forward[:, 2] = -np.array([x0, y0]) * scale * shrink + 0.5 * scale * shrink - 0.5
    picture = cv2.warpAffine(
        np.ascontiguousarray(image),
        forward,
        (wide, wide),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if shrink > 1:
        picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(picture, dtype=np.uint8)


def to_crop(points: FloatArray, square: FloatArray, size: int = CROP_SIZE) -> FloatArray:
    """Pixels of the picture to pixels of the resampled crop, (..., 2)."""
    scaled = (np.asarray(points) - np.asarray(square)[:2]) * (size / float(square[2]))
    return np.asarray(scaled)


def from_crop(points: FloatArray, square: FloatArray, size: int = CROP_SIZE) -> FloatArray:
    """Pixels of the resampled crop to pixels of the picture, (..., 2)."""
    scaled = np.asarray(points) * (float(square[2]) / size) + np.asarray(square)[:2]
    return np.asarray(scaled)
