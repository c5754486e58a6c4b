"""What a video is, known before it is played."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from reenact.errors import MediaError
from reenact.records import Image
from reenact.video.audio import Sound
from reenact.video.container import (
    decode_pictures,
    open_media,
    picture_stream,
    sound_stream,
    start_time,
)
from reenact.video.pixels import warn_of_colours

DEFAULT_RATE = Fraction(25)
"""For files that name no rate."""


class Timing(Protocol):
    """When the frames of something are shown: a video, or a motion template."""

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average."""
        ...

    @property
    def tick(self) -> Fraction:
        """Seconds per tick of a clock that shows every time exactly."""
        ...

    def time(self, index: int) -> Fraction:
        """Seconds at which a frame is shown."""
        ...


class Clip(Protocol):
    """Pictures with times, to be gone through as often as wanted: a `VideoReader` or alike."""

    @property
    def name(self) -> str:
        """What errors call it: the path that was asked for."""
        ...

    @property
    def info(self) -> Timing:
        """When its frames are shown."""
        ...

    @property
    def sound(self) -> Sound | None:
        """The sound that belongs to it."""
        ...

    def __iter__(self) -> Iterator[Image]:
        """The frames from the beginning, uint8 (H, W, 3) RGB of one size."""
        ...

    def __len__(self) -> int:
        """Number of frames; a damaged file may yield fewer."""
        ...

    def times(self) -> Iterator[Fraction]:
        """Seconds at which the frames of the iteration to come are shown, as it goes on."""
        ...


@dataclass(frozen=True, eq=False)
class VideoInfo:
    """Size, times and sound of a video; times count from the start of the file, in seconds."""

    width: int
    """Pixels as shown: after rotation, with square pixels."""
    height: int
    """Pixels as shown."""
    rate: Fraction
    """Frames per second; the average where the rate varies."""
    time_base: Fraction
    """Seconds per tick; every time of the video is a whole number of ticks."""
    frames: int
    """Pictures in the file; a damaged file may yield fewer."""
    start: Fraction
    """Time of the first frame: above 0 where the sound begins earlier."""
    timestamps: NDArray[np.int64] | None
    """(frames,) ticks of every frame where the rate varies; None where it is constant."""
    rotation: int
    """Degrees counter-clockwise that the reader turns what is stored: 0, 90, 180 or 270."""
    has_audio: bool
    codec: str
    """Of the pictures, as FFmpeg calls it."""

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame to the end of the last one."""
        return self.time(self.frames - 1) - self.start + 1 / self.rate

    @property
    def tick(self) -> Fraction:
        """Seconds per tick of the coarsest clock that shows every time exactly."""
        even = self.timestamps is None and (self.start * self.rate).denominator == 1
        return 1 / self.rate if even else self.time_base

    def time(self, index: int) -> Fraction:
        """Time of a frame; past the last one, as if the video went on at its rate."""
        if self.timestamps is None:
            return self.start + index / self.rate
        last = len(self.timestamps) - 1
        known = int(self.timestamps[min(index, last)]) * self.time_base
        return known + max(0, index - last) / self.rate


def probe(path: Path) -> VideoInfo:
    """Read times from the packets of a video and its size from the first picture.

    Raises:
        MediaError: No video, or none of its pictures can be decoded.
    """
    with open_media(path) as container:
        stream = picture_stream(container, path)
        frame = next(decode_pictures(container, stream), None)
        if frame is None:
            raise MediaError(
                f"{path}: none of its pictures can be decoded, expected at least one whole frame. "
                "Check that it plays elsewhere; copy or download it again."
            )
        warn_of_colours(frame, path)
        width, height = displayed_size(frame, stream)
        rotation, codec = frame.rotation % 360, stream.codec_context.codec.canonical_name
    with open_media(path) as container:
        stream = picture_stream(container, path)
        time_base = stream.time_base or 1 / DEFAULT_RATE
        nominal = stream.average_rate or stream.guessed_rate or DEFAULT_RATE
        ticks = _packet_times(container, stream, step=1 / (nominal * time_base))
        ticks -= round(start_time(container) / time_base)
        rate = constant_rate(ticks, time_base, nominal)
        return VideoInfo(
            width=width,
            height=height,
            rate=rate or _average_rate(ticks, time_base),
            time_base=time_base,
            frames=len(ticks),
            start=int(ticks[0]) * time_base,
            timestamps=None if rate else ticks,
            rotation=rotation,
            has_audio=sound_stream(container) is not None,
            codec=codec,
        )


def displayed_size(frame: av.VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """Width and height in square pixels, after rotation."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    width, height = max(1, round(frame.width * aspect)), frame.height
    return (height, width) if frame.rotation % 180 else (width, height)


def constant_rate(
    ticks: NDArray[np.int64], time_base: Fraction, nominal: Fraction
) -> Fraction | None:
    """The rate that explains every time within one tick and a quarter frame, if there is one."""
    if len(ticks) < 2:
        return nominal
    index = np.arange(len(ticks))
    for rate in (nominal, nominal.limit_denominator(1001), _average_rate(ticks, time_base)):
        step = float(1 / (rate * time_base))
        error = np.abs(ticks - ticks[0] - index * step).max()
        if error <= min(1.0, step / 4) + 1e-6:
            return rate
    return None


def _packet_times(
    container: InputContainer, stream: VideoStream, step: Fraction
) -> NDArray[np.int64]:
    """Ticks of all pictures in the order of showing; one every step where the file names none."""
    ticks: list[int] = []
    nameless = 0
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            if packet.pts is None:
                nameless += 1
            else:
                ticks.append(packet.pts)
    except av.FFmpegError:
        pass  # the damaged end of a file; what came before counts
    if nameless or not ticks:
        count, first = max(1, len(ticks) + nameless), min(ticks, default=0)
        ticks = [first + round(index * step) for index in range(count)]
    return np.unique(np.asarray(ticks, dtype=np.int64))


def _average_rate(ticks: NDArray[np.int64], time_base: Fraction) -> Fraction:
    return (len(ticks) - 1) / (int(ticks[-1] - ticks[0]) * time_base)
