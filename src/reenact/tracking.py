"""All faces of a clip: for each of them a square that holds still."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from reenact.driving import SAMPLES, STRAY_SHARE, FaceFinder, Framing, spread, still_square
from reenact.errors import FaceNotFoundError
from reenact.perception.cropping import crop_square
from reenact.perception.reader import overlap
from reenact.records import FloatArray, Image


def frame_faces(
    frames: Iterable[Image],
    finder: FaceFinder,
    samples: int = SAMPLES,
    role: str = "source",
) -> list[Framing]:
    """Look through a clip for all its faces: their squares, the largest first.

    A face is the same as one seen before if their squares meet, and otherwise a new one, whenever
    it comes. What is seen less than a tenth as often as the face seen most is taken for a mistake.

    Args:
        frames: The clip, from its beginning.
        finder: What finds faces.
        samples: About how many frames to search.
        role: What the clip is, for errors.

    Raises:
        FaceNotFoundError: None of the frames searched shows a face.
    """
    tracks: list[list[FloatArray]] = []
    looked = 0
    for frame in spread(frames, samples):
        looked += 1
        _follow(tracks, [face.box for face in finder.read(frame)])
    if not tracks:
        raise FaceNotFoundError(
            f"{role}: no face in the {looked} frames searched, expected one that fills a tenth of "
            "the height or more. Use another video."
        )
    often = STRAY_SHARE * max(map(len, tracks))
    framings = [
        Framing(square=still_square(boxes), start=None, looked=looked, found=len(boxes))
        for boxes in tracks
        if len(boxes) >= often
    ]
    return sorted(framings, key=lambda framing: -framing.square[2])


def _follow(tracks: list[list[FloatArray]], boxes: Sequence[FloatArray]) -> None:
    """Add the boxes (4,) of a frame to those of the faces before, each to one of its own."""
    common = np.zeros((len(tracks), len(boxes)))
    for number, track in enumerate(tracks):
        common[number] = [overlap(_reach(track[-1]), _reach(box)) for box in boxes]
    numbers, indices = linear_sum_assignment(common, maximize=True)
    known = {
        int(index): tracks[number]
        for number, index in zip(numbers, indices, strict=True)
        if common[number, index] > 0
    }
    for index, box in enumerate(boxes):
        if index in known:
            known[index].append(box)
        else:
            tracks.append([box])


def _reach(box: FloatArray) -> FloatArray:
    """What the model sees of a face: the square around its box, as x0, y0, x1, y1."""
    x0, y0, side = crop_square(box)
    return np.array([x0, y0, x0 + side, y0 + side])
