"""Videos that lose nothing: a stop at any moment leaves a playable part to go on from."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from glob import escape
from os import PathLike
from pathlib import Path

import av

from reenact.errors import MediaError
from reenact.records import Image
from reenact.video.assembly import Seal
from reenact.video.audio import Sound
from reenact.video.container import error_text
from reenact.video.fragments import Unfinished, read_unfinished, whole_fragments
from reenact.video.info import DEFAULT_RATE, Timing
from reenact.video.mark import GENERATED, with_job
from reenact.video.partial import partial_path
from reenact.video.recording import Recording
from reenact.video.writer import VideoWriter


class ResumableWriter(VideoWriter):
    """Like `VideoWriter`, but what is finished stays: after an error, Ctrl-C, even a kill.

    Frames go into NAME.partial.mp4 beside the target, in fragments of about a second, each
    whole by itself. It appears with the first fragment. When all is there, pictures and sound are
    copied into the target, which appears whole, and the part goes. Codecs that cannot go on where
    another run stopped, GIF and PNG are made from the part only then: it keeps every bit, and
    takes room.

    Args:
        path: Target, as for `VideoWriter`.
        like: Whose frame times to keep: a video's info or a motion template.
        job: What the frames depend on, as a word; only a run for the same job may go on.
        earlier: What `find_earlier` found; `write` goes on behind its frames.
        rate: Frames per second where there is no `like`.
        audio: File whose sound to carry over, if it has any; or a stretch of it.
        comment: Metadata; the job is added.
        quality: As for `VideoWriter`.
        preset: As for `VideoWriter`.
        codec: As for `VideoWriter`.
        alpha: As for `VideoWriter`.
        seal: As for `VideoWriter`.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        like: Timing | None = None,
        *,
        job: str,
        earlier: Unfinished | None = None,
        rate: Fraction = DEFAULT_RATE,
        audio: str | PathLike[str] | Sound | None = None,
        comment: str = GENERATED,
        quality: int = 18,
        preset: str = "medium",
        codec: str | None = None,
        alpha: bool = False,
        seal: Seal | None = None,
    ) -> None:
        self.partial = partial_path(Path(path))
        self._earlier = earlier
        self._shown = False
        self._groups_seen = 1
        super().__init__(
            path,
            like,
            rate=rate,
            audio=audio,
            comment=with_job(comment, job),
            quality=quality,
            preset=preset,
            codec=codec,
            alpha=alpha,
            seal=seal,
        )
        self._first = earlier.frames if earlier else 0

    def write(self, frame: Image, time: Fraction | None = None) -> None:
        """Append a frame; the first one goes behind those of the earlier run."""
        super().write(frame, time)
        if not self._shown and self._recording.groups > self._groups_seen:
            self._groups_seen = self._recording.groups
            self._show_if_playable()

    def close(self) -> None:
        """Finish the video and give it its name.

        Raises:
            MediaError: There is no frame, or the rest cannot be written; the part stays.
        """
        if not self._first + self._count:
            self.discard()
            raise self._no_frame()
        try:
            if self._count:
                self._recording.finish()
                self._show_if_playable()
            elif self._earlier is not None:
                self.discard()
                os.truncate(self.partial, self._earlier.size)
            self._publish()
        except (av.FFmpegError, OSError) as error:
            self._keep()
            raise self._failure(error) from error

    def stop(self) -> None:
        """Leave what is finished as NAME.partial.mp4; nothing where nothing is."""
        if self._count:
            with suppress(av.FFmpegError, OSError):  # a full disk: what came before is whole
                self._recording.finish(sound=False)
        self._keep()

    def discard(self) -> None:
        """Give up what was written here; the earlier part stays."""
        self._recording.close()
        if not self._shown:
            self._file.discard()

    def _abandon(self) -> None:
        self.stop()

    def _keep(self) -> None:
        """Let go of the file and leave what is whole of it."""
        self._recording.close()
        self._show_if_playable()
        if self._shown:
            _, size = whole_fragments(self.partial)
            os.truncate(self.partial, size)  # half a box would keep players from opening it

    def _written_path(self) -> Path:
        return self.partial

    def _open(self) -> Recording:
        part = self._form.part
        copied = part == self._form.encoding
        return self._record("mp4", part, sound=self._audio if copied else None, fragmented=True)

    def _start(self, frame: Image) -> None:
        super()._start(frame)
        if self._earlier is not None:
            self._recording.copy(self._earlier)
            self._last_tick = round(self._earlier.last / self._tick)
            self._groups_seen = self._recording.groups

    def _show_if_playable(self) -> None:
        """Give the part its name once it holds a whole fragment, and all of an earlier part."""
        if self._shown or not self._file.path.exists():
            return
        fragments, _ = whole_fragments(self._file.path)
        if fragments >= (self._earlier.fragments if self._earlier else 1):
            self._file.publish()
            self._shown = True
        elif self._recording.closed:
            self._file.discard()

    def _failure(self, error: Exception) -> MediaError:
        return MediaError(
            f"{self.path}: writing failed ({error_text(error)}), expected room and a writable "
            f"folder. Free space and give --resume: what is finished stays as {self.partial.name}."
        )

    def _publish(self) -> None:
        """Make the target out of the finished part, with the sound as it was."""
        self._assemble(self.partial, self._first + self._count)
        self.partial.unlink(missing_ok=True)
        for left in self.partial.parent.glob(f".{escape(self.partial.stem)}.*.partial.mp4"):
            left.unlink(missing_ok=True)  # of runs that were killed before their first fragment


def find_earlier(path: Path, job: str) -> Unfinished | None:
    """What an earlier run for the same job left of a video; None where there is nothing.

    Raises:
        MediaError: The part belongs to another job.
    """
    earlier = read_unfinished(partial_path(path))
    if earlier is not None and earlier.job != job:
        raise MediaError(
            f"{earlier.path}: was made from other inputs, settings or software, expected those of "
            "this run. Repeat the earlier command, or give --overwrite to begin again."
        )
    return earlier
