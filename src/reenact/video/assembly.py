"""The output out of its finished part: pictures copied or encoded, sound beside them, a mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from reenact.records import Image
from reenact.video.audio import AudioTrack, Sound
from reenact.video.container import (
    decode_pictures,
    open_media,
    picture_stream,
    start_time,
    timestamp,
)
from reenact.video.formats import PICTURES, Format
from reenact.video.gif import write_gif
from reenact.video.partial import PartialFile
from reenact.video.recording import Recording, clock, create
from reenact.video.sequence import PartialSequence

Seal = Callable[[Path], None]
"""What is done to a file that is whole before it gets its name, like signing it."""


@dataclass(frozen=True)
class Output:
    """What an output file is made of, beside its pictures."""

    path: Path
    form: Format
    rate: Fraction
    """Frames per second, on average."""
    tick: Fraction
    """Seconds per tick of the pictures' clock."""
    audio: Sound | None
    comment: str | None
    seal: Seal | None

    @property
    def metadata(self) -> dict[str, str]:
        """Of the container."""
        return {} if self.comment is None else {"comment": self.comment}


class PartMismatch(Exception):  # noqa: N818
    """The part does not hold the pictures that it should."""


def assemble(part: Path, output: Output, frames: int) -> None:
    """Make an output whole, and give it its name, out of a part that holds all its pictures.

    Raises:
        PartMismatch: The part holds another number of pictures; there is no output.
    """
    if output.form.container == PICTURES:
        _publish_sequence(part, output, frames)
        return
    file = PartialFile(output.path)
    try:
        count = _fill(part, file.path, output)
        if count != frames:
            raise PartMismatch(count)
        if output.seal is not None:
            output.seal(file.path)
    except BaseException:
        file.discard()
        raise
    file.publish()


def _fill(part: Path, path: Path, output: Output) -> int:
    """Write a file that is not a sequence; count its pictures."""
    if output.form.container == "gif":
        pictures = _Counted(part)
        write_gif(path, pictures, output.comment)
        return pictures.count
    if output.form.part == output.form.encoding:
        return _copy(part, path, output)
    return _encode(part, path, output)


def _copy(part: Path, path: Path, output: Output) -> int:
    """Pictures as they are; count them."""
    track = AudioTrack(output.audio) if output.audio is not None else None
    count = 0
    try:
        with open_media(part) as source, create(path, output.form.container) as file:
            file.metadata.update(output.metadata)
            stream = picture_stream(source, part)
            sink = file.add_stream_from_template(stream, opaque=True)
            origin = start_time(source)
            if track is not None:
                track.attach(file)
            for packet in source.demux(stream):
                if not packet.size:
                    continue
                if track is not None:
                    track.write_until((timestamp(packet) or origin) - origin)
                packet.stream = sink
                file.mux_one(packet)
                count += 1
            if track is not None:
                track.finish()
    finally:
        if track is not None:
            track.close()
    return count


def _encode(part: Path, path: Path, output: Output) -> int:
    """Pictures in another encoding; count them."""
    encoding, count, last = output.form.encoding, 0, -1
    tick = clock(output.form.container, encoding.encoder, output.rate, output.tick)
    recording = Recording(
        path,
        output.form.container,
        rate=output.rate,
        tick=tick,
        encoding=encoding,
        audio=output.audio,
        metadata=output.metadata,
    )
    try:
        for picture, time in _pictures(part):
            frame = to_image(picture, alpha=encoding.alpha)
            if not count:
                recording.start(frame)
            last = max(last + 1, round(time / tick))
            recording.write(frame, last)
            count += 1
        recording.finish()
    finally:
        recording.close()
    return count


def _publish_sequence(part: Path, output: Output, frames: int) -> None:
    sequence = PartialSequence(output.path)
    try:
        alpha = output.form.alpha
        images = (to_image(picture, alpha=alpha) for picture, _ in _pictures(part))
        files = sequence.write(images, output.comment)
        if len(files) != frames:
            raise PartMismatch(len(files))
        for file in files if output.seal is not None else ():
            assert output.seal is not None
            output.seal(file)
    except BaseException:
        sequence.discard()
        raise
    sequence.publish()


def to_image(picture: av.VideoFrame, *, alpha: bool) -> Image:
    """A picture of a part as it was written: uint8 (H, W, 3) RGB, or (H, W, 4) with alpha."""
    return np.asarray(picture.to_ndarray(format="rgba" if alpha else "rgb24"), dtype=np.uint8)


def _pictures(part: Path) -> Iterator[tuple[av.VideoFrame, Fraction]]:
    with open_media(part) as container:
        stream = picture_stream(container, part)
        stream.thread_type = "AUTO"
        for picture in decode_pictures(container, stream):
            yield picture, timestamp(picture) or Fraction(0)


class _Counted:
    """The pictures of a part, as often as asked, and how many came last."""

    def __init__(self, part: Path) -> None:
        self._part = part
        self.count = 0

    def __call__(self) -> Iterator[tuple[av.VideoFrame, Fraction]]:
        self.count = 0
        for picture in _pictures(self._part):
            self.count += 1
            yield picture
