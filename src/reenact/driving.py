"""How a driving video is watched: one square that holds still, and the frame to start from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from reenact.errors import FaceNotFoundError
from reenact.perception.cropping import crop_square, union_box
from reenact.records import Face, FloatArray, Image

SAMPLES = 48
"""Frames that are searched for a face, about; spread over the whole clip."""
FACE_PRESENCE = 0.0
"""Least logit of a face being in a crop for its motion to count."""
STRAY_SHARE = 0.1
"""Boxes beside the usual place are taken for mistakes if they are fewer than this share."""


class FaceFinder(Protocol):
    """Finds the faces of a picture, largest first."""

    def read(self, image: Image) -> list[Face]:
        """All faces of a picture, with their landmarks."""
        ...


@dataclass(frozen=True, eq=False)
class Framing:
    """Where the driving face is, for a whole clip, and what its motion is measured from."""

    square: FloatArray
    """(3,) x0, y0, side in pixels of the driving frames; may reach outside."""
    start: Image | None
    """The driving frame whose face looks most like the source; None: the first frame."""
    looked: int
    """Frames searched for a face."""
    found: int
    """Frames of these that showed one."""


def frame_clip(
    frames: Iterable[Image],
    finder: FaceFinder,
    like: Face | None = None,
    samples: int = SAMPLES,
    number: int = 1,
    role: str = "driving video",
) -> Framing:
    """Look through a clip for its face: the square holds every place where the face is seen.

    Args:
        frames: The clip, from its beginning.
        finder: What finds faces.
        like: A face whose expression to look for; without it, motion starts at the first frame.
        samples: About how many frames to search.
        number: Which face: 1 is the largest of every frame; another is followed from the first
            frame that shows so many.
        role: What the clip is, for errors.

    Raises:
        FaceNotFoundError: None of the frames searched shows a face.
    """
    boxes: list[FloatArray] = []
    start, difference, looked = None, np.inf, 0
    for frame in spread(frames, samples):
        looked += 1
        face = _choose(finder.read(frame), number, boxes)
        if face is None:
            continue
        boxes.append(face.box)
        if like is not None:
            here = expression_difference(like.landmarks, face.landmarks)
            if here < difference:
                start, difference = frame, here
    if not boxes:
        raise FaceNotFoundError(
            f"{role}: no face {'' if number == 1 else f'number {number} '}in the {looked} frames "
            "searched, expected one that fills a tenth of the height or more. "
            + (
                "Use another video, or --no-crop for a bare face crop."
                if number == 1
                else "Choose another --face; 1 is the largest."
            )
        )
    return Framing(square=still_square(boxes), start=start, looked=looked, found=len(boxes))


def _choose(faces: list[Face], number: int, before: list[FloatArray]) -> Face | None:
    """The face of a frame that is watched, given the boxes that it had."""
    if not faces or number == 1:
        return faces[0] if faces else None
    if not before:
        return faces[number - 1] if number <= len(faces) else None
    return min(faces, key=lambda face: float(np.abs(face.box - before[-1]).sum()))


def middle_square(image: Image) -> FloatArray:
    """The largest square in the middle of a picture: (3,) x0, y0, side."""
    height, width = image.shape[:2]
    side = min(height, width)
    return np.array([(width - side) / 2, (height - side) / 2, side], dtype=np.float64)


def square_in(frame: Image, framing: Framing | None) -> FloatArray:
    """What the model sees of a filmed frame, (3,) x0, y0, side; without framing, its middle."""
    return middle_square(frame) if framing is None else framing.square


def still_square(boxes: Sequence[FloatArray]) -> FloatArray:
    """The square, (3,) x0, y0, side, that holds every place where a face was seen in a clip."""
    return crop_square(union_box(without_strays(np.stack(boxes))))


def without_strays(boxes: FloatArray) -> FloatArray:
    """Boxes (T, 4) without the few that lie wholly beside the median one: (T', 4)."""
    usual = np.median(boxes, axis=0)
    beside = (boxes[:, :2] >= usual[2:]).any(axis=1) | (boxes[:, 2:] <= usual[:2]).any(axis=1)
    few = beside.mean() < STRAY_SHARE
    return boxes[~beside] if few else boxes


def expression_difference(first: FloatArray, second: FloatArray) -> float:
    """Squared distance of two sets of 68 landmarks after centring and scaling by their area."""
    return float(((_normalised(first) - _normalised(second)) ** 2).sum())


def _normalised(landmarks: FloatArray) -> FloatArray:
    points = np.asarray(landmarks[:68], dtype=np.float64)
    points = points - points.mean(axis=0)
    try:
        area = float(ConvexHull(points).volume)  # in two dimensions `.area` is the perimeter
    except QhullError:
        area = 1.0
    return np.asarray(points / np.sqrt(max(area, 1e-6)))


def spread(frames: Iterable[Image], samples: int) -> Iterator[Image]:
    """About so many frames of a clip, evenly, whether its length is known or not."""
    known = isinstance(frames, Sized)
    stride = max(1, -(-len(frames) // samples)) if isinstance(frames, Sized) else 1
    taken = 0
    for index, frame in enumerate(frames):
        if index % stride == 0:
            yield frame
            taken += 1
            if not known and taken % samples == 0:
                stride *= 2
