"""What a killed program leaves of a video that is written in fragments: whole up to a point."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.video.stream import VideoStream

from reenact.errors import MediaError
from reenact.video.container import picture_stream, timestamp
from reenact.video.mark import container_comments, job_in

FRAGMENTED = {"movflags": "frag_keyframe+delay_moov+default_base_moof", "flush_packets": "1"}
"""MP4 that can be played up to its last whole fragment; each holds whole groups of pictures."""
_ANNEX_B = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
"""What turns pictures from the way MP4 stores them into that of their encoder, by codec."""


class _Beginning:
    """A file for FFmpeg to read, up to a point: what comes after may be half a box."""

    def __init__(self, path: Path, size: int) -> None:
        self._file = path.open("rb")
        self._size = size

    def read(self, count: int) -> bytes:
        return self._file.read(max(0, min(count, self._size - self._file.tell())))

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == os.SEEK_END:
            offset, whence = self._size + offset, os.SEEK_SET
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True)
class Unfinished:
    """A fragmented MP4 that an earlier run left, as far as it is whole."""

    path: Path
    frames: int
    """Pictures in the whole fragments; all that come before are there too."""
    last: Fraction
    """Seconds at which the last of them is shown."""
    fragments: int
    size: int
    """Bytes up to the end of the last whole fragment."""
    job: str
    """Which job the pictures belong to; empty where the file does not say."""

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """The pictures as an encoder gives them, in the order of decoding."""
        with (
            closing(_Beginning(self.path, self.size)) as file,
            av.open(file, "r", metadata_errors="replace") as container,
        ):
            stream = picture_stream(container, self.path)
            name = _ANNEX_B.get(stream.codec_context.name, "null")
            converter = BitStreamFilterContext(name, stream)
            for packet in container.demux(stream):
                if packet.size:
                    yield from converter.filter(packet)


def read_unfinished(path: Path) -> Unfinished | None:
    """What is whole of a fragmented file; None where there is no picture to go on from.

    Raises:
        MediaError: There is a file, but none that this program left.
    """
    if not path.is_file():
        return None
    fragments, size = whole_fragments(path)
    if not fragments:
        return None
    found = Unfinished(path, 0, Fraction(0), fragments, size, "")
    try:
        times = [timestamp(packet) or Fraction(0) for packet in found.packets()]
        with (
            closing(_Beginning(path, size)) as file,
            av.open(file, "r", metadata_errors="replace") as container,
        ):
            job = job_in("".join(container_comments(container)[:1]))
    except (av.FFmpegError, OSError) as error:
        raise MediaError(
            f"{path}: cannot be read as the finished part of a video, expected what an earlier "
            "run left. Remove it, or give --overwrite."
        ) from error
    return Unfinished(path, len(times), max(times), fragments, size, job) if times else None


def whole_fragments(path: Path) -> tuple[int, int]:
    """Number of whole fragments (`moof` and `mdat` boxes) of an MP4, and bytes up to their end."""
    fragments = end = position = 0
    length = path.stat().st_size
    with path.open("rb") as file:
        while position + 8 <= length:
            file.seek(position)
            size, kind = struct.unpack(">I4s", file.read(8))
            if size == 1:
                size = int.from_bytes(file.read(8), "big")
            position += size
            if size < 8 or position > length:
                break
            if kind == b"mdat":
                fragments, end = fragments + 1, position
    return fragments, end
