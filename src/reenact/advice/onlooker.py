"""Looks on while a driving clip is searched for its face: nothing is decoded or read for it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Protocol

import cv2
import numpy as np

from reenact.advice.sighting import Sighting, sight
from reenact.driving import FaceFinder
from reenact.records import Face, FloatArray, Image

CUT_CHANGE = 10.0
"""Levels of 255 by which the thumbnail of a frame changes at a cut, on average. Of 18 takes of
talking people the calm ones change by less than 5; two of the restless ones pass it."""
CUT_SURPRISE = 4.0
"""Times that a cut changes more than the frames around it: restless takes stay below 2.2."""
_AROUND = 2
_THUMBNAIL = 16
_STEP_TO = 64


class Frames(Protocol):
    """The frames of a clip, uint8 (H, W, 3) RGB, as often as wanted."""

    def __iter__(self) -> Iterator[Image]: ...

    def __len__(self) -> int: ...


class Onlooker:
    """A clip and a face finder in one, which remember what passes through them.

        onlooker = Onlooker(driving, animator.reader)
        framing = frame_clip(onlooker, onlooker)
        about_driving(sight(photo, faces), onlooker.sightings, onlooker.cuts, times)

    Args:
        clip: Frames to go through; it is iterated over as often as this is.
        finder: What finds faces.
    """

    def __init__(self, clip: Frames, finder: FaceFinder) -> None:
        self._clip = clip
        self._finder = finder
        self._index = -1
        self._changes = array("f")
        self.sightings: list[Sighting] = []
        """Of the frames that were searched, in their order."""

    def __len__(self) -> int:
        return len(self._clip)

    def __iter__(self) -> Iterator[Image]:
        self._changes = array("f")
        self.sightings = []
        before: FloatArray | None = None
        for index, frame in enumerate(self._clip):
            self._index = index
            small = thumbnail(frame)
            if before is not None:
                self._changes.append(float(np.abs(small - before).mean()))
            before = small
            yield frame

    def read(self, image: Image) -> list[Face]:
        """All faces of a frame, as the finder finds them."""
        faces = self._finder.read(image)
        self.sightings.append(sight(image, faces, index=self._index))
        return faces

    @property
    def cuts(self) -> list[int]:
        """Frames, from 0, at which the picture jumps."""
        return find_cuts(np.asarray(self._changes))


def thumbnail(frame: Image) -> FloatArray:
    """A frame of uint8 (H, W, 3) made tiny: (16, 16, 3), levels up to 255."""
    step = max(1, min(frame.shape[:2]) // _STEP_TO)
    thinned = np.ascontiguousarray(frame[::step, ::step])
    small = cv2.resize(thinned, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


def find_cuts(changes: FloatArray) -> list[int]:
    """Frames at which a clip jumps, from the change (T - 1,) of each frame to the next one."""
    cuts = []
    for index in np.flatnonzero(changes > CUT_CHANGE):
        around = np.concatenate(
            [changes[max(0, index - _AROUND) : index], changes[index + 1 : index + 1 + _AROUND]]
        )
        if len(around) and changes[index] > CUT_SURPRISE * around.max():
            cuts.append(int(index) + 1)
    return cuts
