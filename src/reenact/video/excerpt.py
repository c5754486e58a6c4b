"""A stretch of a clip, from one time to another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from reenact.errors import MediaError
from reenact.records import Image
from reenact.video.audio import Sound
from reenact.video.info import Clip, Timing
from reenact.video.overlap import drain


@dataclass(frozen=True)
class ExcerptTiming:
    """Times of a stretch of something: they count from where it begins."""

    whole: Timing
    first: int
    """Index of the first frame in the whole."""
    begin: Fraction
    """Seconds of the whole at which the stretch begins."""

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average."""
        return self.whole.rate

    @property
    def tick(self) -> Fraction:
        """Seconds per tick of a clock that shows every time exactly."""
        even = (self.begin / self.whole.tick).denominator
        return self.whole.tick / even

    def time(self, index: int) -> Fraction:
        """Seconds at which a frame is shown."""
        return self.whole.time(self.first + index) - self.begin


class Excerpt:
    """The frames of a clip that are shown from `begin` on and before `end`, with their sound.

    The first of them is shown at once: a stretch begins with the first frame in it.

    Args:
        clip: The whole.
        begin: Seconds from the start of the whole.
        end: Seconds from the start of the whole; None for its end.

    Raises:
        MediaError: No frame is shown there.
    """

    def __init__(
        self, clip: Clip, begin: Fraction = Fraction(0), end: Fraction | None = None
    ) -> None:
        self.name = clip.name
        self._clip = clip
        self._end = end
        shown = [clip.info.time(index) for index in range(len(clip))]
        inside = [
            i for i, time in enumerate(shown) if begin <= time and (end is None or time < end)
        ]
        if not inside:
            raise MediaError(
                f"{clip.name}: no frame from {float(begin):g} s to {_seconds(end)}, expected times "
                f"within its {float(shown[-1]):.2f} s. Correct --driving-from and --driving-to."
            )
        self._count = len(inside)
        self._begin = shown[inside[0]]
        self.info = ExcerptTiming(clip.info, inside[0], self._begin)
        self._times: deque[Fraction] | None = None

    @property
    def sound(self) -> Sound | None:
        """The sound of the stretch."""
        sound = self._clip.sound
        return sound and replace(sound, begin=sound.begin + self._begin, end=self._end)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Image]:
        if self._times is not None:
            self._times.clear()
        return self._read()

    def times(self) -> Iterator[Fraction]:
        """Seconds, from the beginning of the stretch, of the frames of the running iteration."""
        self._times = deque()
        return drain(self._times)

    def _read(self) -> Iterator[Image]:
        times = self._clip.times()
        frames = iter(self._clip)
        for frame in frames:
            time = next(times)
            if self._end is not None and time >= self._end:
                return
            if time >= self._begin:
                if self._times is not None:
                    self._times.append(time - self._begin)
                yield frame


def _seconds(time: Fraction | None) -> str:
    return "its end" if time is None else f"{float(time):g} s"
