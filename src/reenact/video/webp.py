"""Animated WebP as a clip: FFmpeg shows only its first picture, OpenCV all of them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import cv2
import numpy as np

from reenact.errors import MediaError
from reenact.places import is_file, require_file
from reenact.records import Image
from reenact.video.container import error_text

SUFFIX = ".webp"
AT_ONCE = 64
"""Frames decoded together: memory does not grow with the length of the animation."""
SHORTEST = 10
UNSAID = 100
"""Milliseconds that a frame is shown which says `SHORTEST` or less, as browsers do."""
_ANIMATED = 0x02


class AnimatedWebp:
    """The frames of an animated WebP file, with their times.

    Raises:
        MediaError: The file is no animated WebP, or while reading: it is damaged.
    """

    sound = None

    def __init__(self, path: Path) -> None:
        require_file(path, "an animated WebP")
        self.path = path
        self.name = str(path)
        shown = frame_durations(path.read_bytes())
        if not shown:
            raise self._damage()
        self.info = ListedTiming(shown)

    def __len__(self) -> int:
        return len(self.info.durations)

    def __iter__(self) -> Iterator[Image]:
        data = np.fromfile(self.path, dtype=np.uint8)
        for first in range(0, len(self), AT_ONCE):
            try:
                whole, animation = cv2.imdecodeanimation(data, first, AT_ONCE)
            except cv2.error as error:
                raise self._damage() from error
            frames = animation.frames[: len(self) - first]
            if not whole or not len(frames):
                raise self._damage()
            for frame in frames:
                yield np.asarray(cv2.cvtColor(frame[..., :3], cv2.COLOR_BGR2RGB), np.uint8)

    def times(self) -> Iterator[Fraction]:
        """Seconds at which the frames are shown."""
        return (self.info.time(index) for index in range(len(self)))

    def _damage(self) -> MediaError:
        return MediaError(
            f"{self.path}: its frames cannot be decoded, expected a whole animated WebP. "
            "Save it again, or as a video."
        )


class ListedTiming:
    """Frames that are each shown for so many milliseconds."""

    tick = Fraction(1, 1000)

    def __init__(self, durations: list[int]) -> None:
        self.durations = durations
        self._starts = [0, *accumulate(durations)]

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average."""
        return Fraction(1000 * len(self.durations), self._starts[-1])

    def time(self, index: int) -> Fraction:
        """Seconds at which a frame is shown."""
        return self._starts[index] * self.tick


def is_animated(path: Path) -> bool:
    """Whether a file is a WebP of more than one frame."""
    if path.suffix.lower() != SUFFIX or not is_file(path):
        return False
    try:
        return len(frame_durations(path.read_bytes())) > 1
    except OSError as error:
        raise MediaError(
            f"{path}: cannot be read ({error_text(error)}), expected a picture. "
            "Check its permissions."
        ) from error


def frame_durations(data: bytes) -> list[int]:
    """Milliseconds of every frame of an animated WebP; empty for any other file."""
    if data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8X" or not data[20:21]:
        return []
    if not data[20] & _ANIMATED:
        return []
    durations = []
    position = 12
    while position + 8 <= len(data):
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position : position + 4] == b"ANMF" and position + 24 <= len(data):
            shown = int.from_bytes(data[position + 20 : position + 23], "little")
            durations.append(shown if shown > SHORTEST else UNSAID)
        position += 8 + size + size % 2
    return durations
