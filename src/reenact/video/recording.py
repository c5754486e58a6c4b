"""An output container while it is filled: pictures, encoded or copied, and sound beside them."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from reenact.records import Image
from reenact.video.audio import AudioTrack, Sound
from reenact.video.container import open_media, picture_stream, start_time, timestamp
from reenact.video.fragments import FRAGMENTED, Unfinished
from reenact.video.pixels import even, to_yuv420

ENCODER = "libx264"
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Container by suffix, all with H.264 inside."""
GROUP = 1
"""Seconds between two pictures that need no other one, where the file is fragmented."""

LOOK_AHEAD = "10"
"""Frames that x264 may hold back to spread bits well, where the file is fragmented."""


class Recording:
    """H.264 (yuv420p, BT.709) and sound on their way into one file.

    Errors are those of PyAV and the system; who owns the file knows what to say.

    Args:
        path: File to write, whatever its suffix.
        kind: Container, as FFmpeg calls it.
        rate: Frames per second, on average.
        tick: Seconds per tick of the pictures' clock.
        audio: Sound to carry over, if there is any.
        metadata: Of the container.
        options: Of x264.
        fragmented: Keep what is written playable at any moment (MP4 alone).
    """

    def __init__(
        self,
        path: Path,
        kind: str,
        *,
        rate: Fraction,
        tick: Fraction,
        audio: Sound | None = None,
        metadata: dict[str, str] | None = None,
        options: dict[str, str] | None = None,
        fragmented: bool = False,
    ) -> None:
        self.path = path
        self.groups = 0
        """Pictures written that need no other one: a fragmented file is flushed before each."""
        self.closed = False
        self._rate, self._tick = rate, tick
        self._options = dict(options or {})
        if fragmented:
            self._options |= {"g": str(max(1, round(GROUP * rate))), "rc-lookahead": LOOK_AHEAD}
        self._stream: VideoStream | None = None
        self._last_dts: Fraction | None = None
        self._container = _create(path, kind, FRAGMENTED if fragmented else None)
        self._audio = AudioTrack(audio) if audio is not None else None
        self._container.metadata.update(metadata or {})

    def start(self, frame: Image) -> None:
        """Add the streams: the size is known only when the first frame is here."""
        stream = self._container.add_stream(ENCODER, rate=self._rate, options=self._options)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = even(frame).shape[:2]
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        stream.time_base = codec.time_base = self._tick
        codec.colorspace, codec.color_range = Colorspace.ITU709, ColorRange.MPEG
        codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        self._stream = stream
        if self._audio is not None:
            self._audio.attach(self._container)

    def copy(self, earlier: Unfinished) -> None:
        """Take over the pictures of an earlier recording with the same options, as they are."""
        self._container.start_encoding()
        for packet in earlier.packets():
            self._sound_until(timestamp(packet))
            self._mux(packet)

    def write(self, frame: Image, tick: int) -> None:
        """Encode a frame that is shown at a tick."""
        assert self._stream is not None
        picture = to_yuv420(frame)
        picture.pts, picture.time_base = tick, self._tick
        self._sound_until(tick * self._tick)
        for packet in self._stream.encode(picture):
            self._mux(packet)

    def finish(self, *, sound: bool = True) -> None:
        """Write what the encoder still holds, the rest of the sound on request, and the end."""
        if self._stream is not None:
            for packet in self._stream.encode(None):
                self._mux(packet)
        if self._audio is not None and sound:
            self._audio.finish()
        self._container.close()
        self.close()

    def close(self) -> None:
        """Let go of all files, whatever their state."""
        self.closed = True
        if self._audio is not None:
            self._audio.close()
        with suppress(av.FFmpegError, OSError):  # the caller had its error before
            self._container.close()

    def _sound_until(self, time: Fraction | None) -> None:
        if self._audio is not None and time is not None:
            self._audio.write_until(time)

    def _mux(self, packet: Packet[VideoStream]) -> None:
        assert self._stream is not None
        assert packet.dts is not None
        assert self._stream.time_base is not None
        # A new encoder may begin its decoding clock before the end of what was copied.
        if self._last_dts is not None and packet.dts * packet.time_base <= self._last_dts:
            _set_clock(packet, self._stream.time_base)  # the file's clock is finer than ours
            packet.dts = int(self._last_dts / packet.time_base) + 1
        self._last_dts = packet.dts * packet.time_base
        self.groups += packet.is_keyframe
        packet.stream = self._stream
        self._container.mux_one(packet)


def remux(
    pictures: Path,
    path: Path,
    kind: str,
    *,
    audio: Sound | None = None,
    metadata: dict[str, str] | None = None,
) -> int:
    """Write the pictures of one file and the sound of another into a third; count the pictures."""
    track = AudioTrack(audio) if audio is not None else None
    count = 0
    try:
        with open_media(pictures) as source, _create(path, kind) as output:
            output.metadata.update(metadata or {})
            stream = picture_stream(source, pictures)
            sink = output.add_stream_from_template(stream)
            origin = start_time(source)
            if track is not None:
                track.attach(output)
            for packet in source.demux(stream):
                if not packet.size:
                    continue
                if track is not None:
                    track.write_until((timestamp(packet) or origin) - origin)
                packet.stream = sink
                output.mux_one(packet)
                count += 1
            if track is not None:
                track.finish()
    finally:
        if track is not None:
            track.close()
    return count


def _set_clock(packet: Packet[VideoStream], tick: Fraction) -> None:
    """Count the times of a packet in other ticks."""
    assert packet.pts is not None
    assert packet.dts is not None
    scale = packet.time_base / tick
    packet.pts, packet.dts = round(packet.pts * scale), round(packet.dts * scale)
    packet.duration = round((packet.duration or 0) * scale)
    packet.time_base = tick


def _create(path: Path, kind: str, options: dict[str, str] | None = None) -> OutputContainer:
    if options is None:
        options = {} if kind == "matroska" else {"movflags": "faststart"}
    return av.open(str(path.resolve()), "w", format=kind, container_options=options)
