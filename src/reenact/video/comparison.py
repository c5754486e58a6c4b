"""Source, driving and result side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from reenact.records import Image
from reenact.video.overlap import drain
from reenact.video.scaling import scaled

TALLEST = 1080
"""Pixels of height beyond which a comparison does not grow with the photograph."""
GAP = 4
"""Pixels between two pictures."""
PAPER = 255


def side_by_side(panels: Sequence[Image]) -> Image:
    """Pictures such as source, driving and result in a row, all of the height of the last one."""
    height = min(panels[-1].shape[0], TALLEST)
    gap = np.full((height, GAP, 3), PAPER, dtype=np.uint8)
    row = [fit_height(panels[0], height)]
    for panel in panels[1:]:
        row += [gap, fit_height(panel, height)]
    return np.hstack(row)


class Passing(Iterable[Image]):
    """Frames that go by, kept until somebody beside the road takes them.

    Args:
        frames: Where they come from.
        skip: How many at the beginning nobody will take.
        view: What is kept of a frame.
    """

    def __init__(
        self,
        frames: Iterable[Image],
        skip: int = 0,
        view: Callable[[Image], Image] | None = None,
    ) -> None:
        self._frames = frames
        self._skip = skip
        self._view = view or (lambda frame: frame)
        self._kept: deque[Image] = deque()

    def __iter__(self) -> Iterator[Image]:
        for index, frame in enumerate(self._frames):
            if index >= self._skip:
                self._kept.append(self._view(frame))
            yield frame

    def taken(self) -> Iterator[Image]:
        """The frames that went by, in their order; each may be taken once it has."""
        return drain(self._kept)


def fit_height(image: Image, height: int) -> Image:
    """A picture at some height, its aspect kept."""
    return scaled(image, (height, max(1, round(image.shape[1] * height / image.shape[0]))))
