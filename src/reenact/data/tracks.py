"""Points below the chin, followed through a clip: the shoulders' motion, known as the face's is.

A face mesh says nothing of the shoulders. Left to the pictures alone, all keypoints stay on the
face, whose points are known, and the shoulders have nothing that they could follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from reenact.records import FloatArray, Record

ROWS, COLUMNS = 8, 12
NUM_TRACKS = ROWS * COLUMNS
BORDER = 8
"""Pixels at the border of the picture without points."""
MIN_CORNER = 2e-4
"""Smallest eigenvalue, as OpenCV measures it, of a place that can be followed both ways."""
WINDOW = (21, 21)
MAX_RETURN = 0.7
"""Pixels that a point may be off once it was followed to the next frame and back."""
MAX_CHANGE = 25.0
"""Grey levels by which its surroundings may come to differ from where it was chosen."""
PATCH = 13
"""Pixels on a side of these surroundings."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Tracks(Record):
    """NUM_TRACKS points of a clip of T frames."""

    points: FloatArray
    """(T, NUM_TRACKS, 2) pixels from the top left corner; the last known place once lost."""
    known: NDArray[np.bool_]
    """(T, NUM_TRACKS) False before and after a point is lost, and for points never found."""


def follow_shoulders(frames: NDArray[np.uint8], chins: FloatArray) -> Tracks:
    """Choose points below the chin in the middle frame, and follow them to both ends of the clip.

    A point is lost for good when following it back does not return to where it was, or when it
    looks otherwise than at first.

    Args:
        frames: (T, S, S, 3) RGB.
        chins: (T,) pixels from the top; NaN where unknown, and where the middle is, none is chosen.
    """
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    middle = len(grey) // 2
    chosen, good = _choose(grey[middle], float(chins[middle]))
    looks = _patches(grey[middle], chosen)
    points = np.repeat(chosen[None], len(grey), axis=0)
    known = np.zeros(points.shape[:2], dtype=np.bool_)
    known[middle] = good
    for order in (range(middle, len(grey)), range(middle, -1, -1)):
        for before, after in pairwise(order):
            points[after], known[after] = _step(
                grey[before], grey[after], points[before], known[before]
            )
            known[after] &= _unlike(looks, _patches(grey[after], points[after])) <= MAX_CHANGE
    return Tracks(points + np.float32(0.5), known)


def _choose(picture: Grey, chin: float) -> tuple[FloatArray, NDArray[np.bool_]]:
    """The best corner of every cell of a grid below the chin, (N, 2), and whether it will do."""
    size = picture.shape[0]
    points = np.zeros((NUM_TRACKS, 2), dtype=np.float32)
    good = np.zeros(NUM_TRACKS, dtype=np.bool_)
    if not chin < size - 2 * BORDER:
        return points, good
    strength = cv2.cornerMinEigenVal(picture, 5)
    rows = np.linspace(max(chin, BORDER), size - BORDER, ROWS + 1).round().astype(int)
    columns = np.linspace(BORDER, size - BORDER, COLUMNS + 1).round().astype(int)
    cells = [(row, column) for row in range(ROWS) for column in range(COLUMNS)]
    for number, (row, column) in enumerate(cells):
        top, left = rows[row], columns[column]
        cell = strength[top : rows[row + 1], left : columns[column + 1]]
        if cell.size == 0:
            continue
        down, across = np.unravel_index(int(cell.argmax()), cell.shape)
        points[number] = left + across, top + down
        good[number] = cell[down, across] >= MIN_CORNER
    return points, good


def _step(
    before: Grey, after: Grey, points: FloatArray, known: NDArray[np.bool_]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Follow points (N, 2) by one frame; those that are lost stay where they were."""
    if not known.any():
        return points, known
    moved, found = _flow(before, after, points)
    back, returned = _flow(after, before, moved)
    near = np.linalg.norm(back - points, axis=1) <= MAX_RETURN
    inside = ((moved >= 0) & (moved <= after.shape[0] - 1)).all(axis=1)
    kept = known & near & inside & found & returned
    return np.where(kept[:, None], moved, points), kept


def _flow(before: Grey, after: Grey, points: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Where points (N, 2) have gone from one frame to another, and which were found."""
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points, np.empty_like(points), winSize=WINDOW
    )
    return np.asarray(moved, np.float32), np.asarray(found[:, 0], np.bool_)


def _patches(picture: Grey, points: FloatArray) -> FloatArray:
    """The surroundings of points (N, 2), as (N PATCH, PATCH) grey levels."""
    reach = np.arange(PATCH, dtype=np.float32) - PATCH // 2
    across = np.broadcast_to(points[:, None, None, 0] + reach, (len(points), PATCH, PATCH))
    down = np.broadcast_to(points[:, None, None, 1] + reach[:, None], across.shape)
    found = cv2.remap(
        picture,
        across.reshape(-1, PATCH),
        down.reshape(-1, PATCH),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(found, np.float32)


def _unlike(first: FloatArray, now: FloatArray) -> FloatArray:
    """How many grey levels the patches (N PATCH, PATCH) of two frames differ by, (N,)."""
    change = np.abs(first - now).reshape(-1, PATCH * PATCH).mean(axis=1)
    return np.asarray(change, np.float32)
