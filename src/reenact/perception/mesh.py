"""The 478-point face mesh: its order, its outline, its mirror image."""

from __future__ import annotations

import numpy as np

from reenact.records import FloatArray

NUM_POINTS = 478
"""468 points of the surface, then five of each iris (the person's right eye first)."""
NUM_SURFACE = 468
"""Points of the face mesh without the irises."""

# fmt: off
LANDMARKS_68 = (
    127, 234, 93, 132, 58, 172, 150, 176, 152, 400, 379, 397, 288, 361, 323, 454, 356, 70,
    63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 98, 97, 2, 326, 327, 33, 160,
    158, 133, 153, 144, 362, 385, 387, 263, 373, 380, 61, 40, 37, 0, 267, 270, 291, 321,
    314, 17, 84, 91, 78, 81, 13, 311, 308, 402, 14, 178,
)
"""Mesh points that stand for the usual 68: jaw, brows, nose, eyes, outer lips, inner lips."""

OUTLINE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
"""Closed outline of the face, from the forehead clockwise as seen in the picture."""

FOREHEAD, CHIN = 10, 152
"""Its highest and lowest point."""

RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
"""Closed outlines of the person's eyes, the lower lid first."""

_MIDLINE = (
    0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 94, 151, 152, 164, 168,
    175, 195, 197, 199, 200,
)
# fmt: on


def mirror_order() -> list[int]:
    """For each mesh point the point that takes its place in a mirrored picture."""
    order = list(range(NUM_POINTS))
    right_half = [point for point in range(248) if point not in _MIDLINE]
    pairs = [*zip(right_half, range(248, 468), strict=True)]
    irises = [(468, 473), (469, 476), (470, 475), (471, 474), (472, 477)]
    for right, left in pairs + irises:
        order[right], order[left] = left, right
    return order


def landmark_order() -> list[int]:
    """Mesh points in the order of `Face.landmarks`: the usual 68, then the others ascending."""
    usual = set(LANDMARKS_68)
    return [*LANDMARKS_68, *(point for point in range(NUM_POINTS) if point not in usual)]


def outline_box(points: FloatArray) -> FloatArray:
    """Bounding box x0, y0, x1, y1 of the outline: mesh (..., 478, 2 or 3) to (..., 4)."""
    outline = np.asarray(points)[..., OUTLINE, :2]
    return np.concatenate([outline.min(axis=-2), outline.max(axis=-2)], axis=-1)
