"""A video as a stream of pictures and times."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

from reenact.records import Image
from reenact.video.audio import Sound
from reenact.video.container import (
    decode_pictures,
    open_media,
    picture_stream,
    start_time,
    timestamp,
)
from reenact.video.info import VideoInfo, probe
from reenact.video.overlap import drain
from reenact.video.pixels import to_rgb


class VideoReader:
    """Frames of a video file, one at a time, as often as wanted.

    Each iteration decodes the file from its beginning. Frames come upright and in square pixels;
    damaged ones are skipped and logged, and the times say where.

        with VideoReader("talk.mp4") as frames:
            for frame in frames:  # uint8 (H, W, 3) RGB
                ...

    Raises:
        MediaError: The file is missing, has no pictures, or none can be decoded.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.name = str(path)
        self.info: VideoInfo = probe(self.path)
        self._open: list[Generator[Image]] = []
        self._times: deque[Fraction] | None = None
        self._closed = False

    @property
    def sound(self) -> Sound:
        """The sound of the file."""
        return Sound(self.path)

    def __iter__(self) -> Iterator[Image]:
        if self._closed:
            raise ValueError(f"{self.path}: read after its reader was closed")
        if self._times is not None:
            self._times.clear()
        frames = self._decode()
        self._open.append(frames)
        return frames

    def __len__(self) -> int:
        """Pictures in the file, by its packets; a damaged file may yield fewer."""
        return self.info.frames

    def times(self) -> Iterator[Fraction]:
        """Seconds at which the frames of the running iteration are shown, in their order.

        Ask before iterating. Times wait here until taken, so a consumer that reads ahead keeps
        them together: `zip(animator.animate(source, frames), frames.times())`.
        """
        self._times = deque()
        return drain(self._times)

    def _decode(self) -> Generator[Image]:
        with open_media(self.path) as container:
            stream = picture_stream(container, self.path)
            stream.thread_type = "AUTO"
            origin = start_time(container)
            for index, frame in enumerate(decode_pictures(container, stream)):
                if self._times is not None:
                    shown = timestamp(frame)
                    self._times.append(self.info.time(index) if shown is None else shown - origin)
                yield to_rgb(frame, self.info.width, self.info.height)
                if self._closed:
                    return

    def close(self) -> None:
        """End all iterations and let go of the file."""
        self._closed = True
        while self._open:
            with suppress(ValueError):  # at work in another thread: it ends by itself
                self._open.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
