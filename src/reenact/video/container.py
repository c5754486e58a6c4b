"""Opening and decoding media files: local ones only, with errors that say what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.frame import Frame
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from reenact.errors import MediaError
from reenact.places import require_file

LISTS = {"concat", "dash", "hls", "imf", "sdp", "webm_dash_manifest"}
"""Formats that say where to find pictures: a text that calls itself a video must not make the
program open addresses or other files."""

log = logging.getLogger(__name__)


def open_media(path: Path) -> InputContainer:
    """Open a local media file for reading.

    Raises:
        MediaError: The file is missing, unreadable, or in no format that FFmpeg knows.
    """
    require_file(path, "a video file")
    try:
        return av.open(str(path.resolve()), options=_itself_alone(), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise MediaError(
            f"{path}: cannot be read as media ({error_text(error)}), expected a whole video file. "
            "Check that it plays elsewhere; copy or download it again."
        ) from error


@lru_cache(maxsize=1)
def _itself_alone() -> dict[str, str]:
    """Options of FFmpeg that let it read the file and nothing else."""
    formats = sorted(set(av.formats_available) - LISTS)
    return {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(formats),
        "pattern_type": "none",  # of a picture: %d in its name stands for no number
    }


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures; cover art does not count."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic and stream.codec_context is not None:
            return stream
    kinds = ", ".join(stream.type or "unknown" for stream in container.streams) or "nothing"
    raise MediaError(
        f"{path}: found streams of {kinds}, expected pictures. Give a file with a video stream."
    )


def sound_stream(container: InputContainer) -> AudioStream | None:
    """The first stream of sound in a codec that is known, if there is one."""
    known = (stream for stream in container.streams.audio if stream.codec_context is not None)
    return next(known, None)


def decode_pictures(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Every picture that can be decoded, in the order of showing; damaged ones are skipped."""
    damaged = 0
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                damaged += 1
    except (av.FFmpegError, OSError) as error:
        log.warning("%s: stops early: %s", container.name, error_text(error))
    if damaged:
        log.warning("%s: %d damaged packets skipped", container.name, damaged)


def start_time(container: InputContainer) -> Fraction:
    """Seconds that the container's clock shows where the file begins; taken off every time."""
    return Fraction(container.start_time or 0, av.time_base)


def timestamp(item: Packet[Any] | Frame) -> Fraction | None:
    """Seconds on the container's clock at which a packet or frame is shown, where it says so."""
    if item.pts is None or item.time_base is None:
        return None
    return item.pts * item.time_base


def error_text(error: Exception) -> str:
    """The reason of an FFmpeg or system error, without the path that FFmpeg repeats."""
    return str(getattr(error, "strerror", None) or error).strip().lower()
