"""Pictures and sound into a video file that appears under its name only when it is whole."""

from __future__ import annotations

from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from reenact.errors import MediaError
from reenact.records import Image
from reenact.video.assembly import Output, PartMismatch, Seal, assemble
from reenact.video.audio import Sound
from reenact.video.container import error_text
from reenact.video.formats import Encoding, choose_format
from reenact.video.info import DEFAULT_RATE, Timing
from reenact.video.mark import GENERATED
from reenact.video.partial import PartialFile, partial_path
from reenact.video.quality import Quality
from reenact.video.recording import Recording, clock


class VideoWriter:
    """Writes a video with the times of one video and the sound of any.

    The suffix names the container, and H.264 (yuv420p, BT.709) is inside where it is usual. The
    size is that of the first frame; a line is repeated where a side is odd and the codec cannot
    have it so. Leaving the `with` block by an exception leaves nothing behind.

        with VideoReader("talk.mp4") as frames, VideoWriter("out.mp4", like=frames.info) as sink:
            for frame in frames:
                sink.write(frame)

    Args:
        path: Target: .mp4, .mov, .mkv, .webm, .gif, whatever FFmpeg writes; or a numbered
            name like frames/%05d.png.
        like: Whose frame times to keep: a video's info or a motion template.
        rate: Frames per second where there is no `like`.
        audio: File whose sound to carry over, if it has any; or a stretch of it.
        comment: Metadata; None only for a video that was not generated.
        quality: Constant rate factor on the scale of x264, whatever the codec: 0 is lossless, 18
            hardly visible, 51 worst.
        preset: Effort of the encoder in the words of x264, "ultrafast" to "veryslow".
        codec: Usual name ("hevc", "vp9", "av1", "prores") or encoder of FFmpeg.
        alpha: Frames have a fourth channel, their opacity, and keep it.
        seal: What is done to the whole file before it gets its name.

    Raises:
        MediaError: The suffix is unknown, or the file cannot be written.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        like: Timing | None = None,
        *,
        rate: Fraction = DEFAULT_RATE,
        audio: str | PathLike[str] | Sound | None = None,
        comment: str | None = GENERATED,
        quality: int = 18,
        preset: str = "medium",
        codec: str | None = None,
        alpha: bool = False,
        seal: Seal | None = None,
    ) -> None:
        self.path = Path(path)
        self._form = choose_format(self.path, codec, Quality(quality, preset), alpha=alpha)
        self._like = like
        self._rate = like.rate if like else rate
        self._tick = like.tick if like else 1 / rate
        sound = audio if isinstance(audio, Sound | None) else Sound(Path(audio))
        self._audio = None if self._form.silent else sound
        self._comment, self._seal = comment, seal
        self._size = (0, 0)
        self._first = 0  # index of the first frame that is written here
        self._count = 0
        self._last_tick: int | None = None
        self._file = PartialFile(self._written_path())
        self._recording = self._open()

    def write(self, frame: Image, time: Fraction | None = None) -> None:
        """Append a frame, uint8 (H, W, 3) RGB, of one size throughout.

        Args:
            frame: The picture.
            time: Seconds; by default the time of this frame in `like`, or by the rate.
        """
        self._check(frame)
        try:
            if not self._count:
                self._start(frame)
            tick = self._ticks(time)
            self._recording.write(frame, tick)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error
        self._count, self._last_tick = self._count + 1, tick

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises:
            MediaError: No frame was written, or the rest cannot be.
        """
        if not self._count:
            self.discard()
            raise self._no_frame()
        try:
            self._recording.finish()
            self._publish()
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise self._failure(error) from error
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Give up: close everything and leave no file."""
        self._recording.close()
        self._file.discard()

    def _written_path(self) -> Path:
        """The file that is filled: the target, or what it will be made of."""
        return partial_path(self.path) if self._form.made_at_end else self.path

    def _open(self) -> Recording:
        form = self._form
        if form.made_at_end:
            return self._record("mp4", form.part)
        self._tick = clock(form.container, form.encoding.encoder, self._rate, self._tick)
        return self._record(form.container, form.encoding, sound=self._audio)

    def _record(
        self,
        container: str,
        encoding: Encoding,
        *,
        sound: Sound | None = None,
        fragmented: bool = False,
    ) -> Recording:
        try:
            return Recording(
                self._file.path,
                container,
                rate=self._rate,
                tick=self._tick,
                encoding=encoding,
                audio=sound,
                metadata={} if self._comment is None else {"comment": self._comment},
                fragmented=fragmented,
            )
        except MediaError:
            self._file.discard()
            raise
        except (av.FFmpegError, OSError, ValueError) as error:
            self._file.discard()
            raise self._failure(error) from error

    def _publish(self) -> None:
        if self._form.made_at_end:
            self._assemble(self._file.path, self._count)
            self._file.discard()
        else:
            if self._seal is not None:
                self._seal(self._file.path)
            self._file.publish()

    def _assemble(self, part: Path, frames: int) -> None:
        output = Output(
            self.path,
            self._form,
            self._rate,
            self._tick,
            self._audio,
            self._comment,
            self._seal,
        )
        try:
            assemble(part, output, frames)
        except PartMismatch as error:
            raise MediaError(
                f"{part}: holds {error} frames, expected {frames}. Give --overwrite to begin again."
            ) from error

    def _start(self, frame: Image) -> None:
        self._recording.start(frame)

    def _ticks(self, time: Fraction | None) -> int:
        """The time of the frame to come on the clock of the file, after all before it."""
        index = self._first + self._count
        if time is None:
            time = self._like.time(index) if self._like else index / self._rate
        tick = round(time / self._tick)
        return tick if self._last_tick is None else max(tick, self._last_tick + 1)

    def _check(self, frame: Image) -> None:
        channels = 4 if self._form.alpha else 3
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != channels:
            raise MediaError(
                f"{self.path}: got a frame of {frame.dtype} {frame.shape}, expected uint8 "
                f"(height, width, {channels}). Convert it to {'RGBA' if channels == 4 else 'RGB'} "
                "first."
            )
        size = frame.shape[:2]
        if self._count and size != self._size:
            raise MediaError(
                f"{self.path}: got a frame of {size} after {self._size}, expected one size "
                "(height, width) throughout. Resize it first."
            )
        least = self._form.encoding.smallest
        if min(size) < least:
            raise MediaError(
                f"{self.path}: got a frame of {size}, expected {least} pixels a side or more for "
                "this codec. Choose another --codec or a larger --size."
            )
        self._size = size

    def _no_frame(self) -> MediaError:
        return MediaError(
            f"{self.path}: got no frame, expected at least one. Check the driving video."
        )

    def _failure(self, error: Exception) -> MediaError:
        return MediaError(
            f"{self.path}: writing failed ({error_text(error)}), expected room and a writable "
            "folder. Free space or choose another output."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self._abandon()

    def _abandon(self) -> None:
        """What is done with an output that fails."""
        self.discard()
