"""An output container while it is filled: pictures, encoded or copied, and sound beside them."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc
from av.video.stream import VideoStream

from reenact.records import Image
from reenact.video.audio import AudioTrack, Sound
from reenact.video.container import timestamp
from reenact.video.formats import Encoding, add_pictures
from reenact.video.fragments import FRAGMENTED, Unfinished
from reenact.video.pixels import from_rgb, is_rgb, stored_range

GROUP = 1
"""Seconds between two pictures that need no other one, where the file is fragmented."""
LOOK_AHEAD = {"libx264": "rc-lookahead", "libvpx-vp9": "lag-in-frames"}
"""What tells an encoder how many frames it may hold back to spread bits well."""
HELD_BACK = "10"
"""How many those are where the file is fragmented."""
EVEN_CLOCK = ({"avi"}, {"mpeg4", "mpeg2video"})
"""Containers and encoders whose clock ticks once a frame."""


class Recording:
    """Pictures and sound on their way into one file.

    Errors are those of PyAV and the system; who owns the file knows what to say.

    Args:
        path: File to write, whatever its suffix.
        kind: Container, as FFmpeg calls it.
        rate: Frames per second, on average.
        tick: Seconds per tick of the pictures' clock.
        encoding: How the pictures are encoded.
        audio: Sound to carry over, if there is any.
        metadata: Of the container.
        fragmented: Keep what is written playable at any moment (MP4 alone).
    """

    def __init__(
        self,
        path: Path,
        kind: str,
        *,
        rate: Fraction,
        tick: Fraction,
        encoding: Encoding,
        audio: Sound | None = None,
        metadata: dict[str, str] | None = None,
        fragmented: bool = False,
    ) -> None:
        self.path = path
        self.groups = 0
        """Pictures written that need no other one: a fragmented file is flushed before each."""
        self.closed = False
        self._rate, self._tick = rate, tick
        self._encoding = encoding
        self._matrix = Colorspace.ITU709
        self._options: dict[str, str] = {}
        if fragmented:
            self._options = {"g": str(max(1, round(GROUP * rate)))}
            if name := LOOK_AHEAD.get(encoding.encoder):
                self._options[name] = HELD_BACK
        self._stream: VideoStream | None = None
        self._last_dts: Fraction | None = None
        self._container = create(path, kind, FRAGMENTED if fragmented else None)
        self._audio = AudioTrack(audio) if audio is not None else None
        self._container.metadata.update(metadata or {})

    def start(self, frame: Image) -> None:
        """Add the streams: the size is known only when the first frame is here."""
        stream = add_pictures(
            self._container, self._encoding, frame.shape[:2], self._rate, self._options
        )
        codec = stream.codec_context
        stream.time_base = codec.time_base = self._tick
        self._matrix = self._encoding.matrix(stream.height, stream.width)
        codec.color_range = stored_range(self._encoding.pixels)
        if not is_rgb(self._encoding.pixels):
            codec.colorspace = self._matrix
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
        picture = from_rgb(frame, self._encoding.pixels, self._matrix)
        picture.pts, picture.time_base = tick, self._tick
        picture.color_primaries, picture.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
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


def clock(container: str, encoder: str, rate: Fraction, tick: Fraction) -> Fraction:
    """Seconds per tick that a format can count in; `tick` where it can."""
    containers, encoders = EVEN_CLOCK
    return 1 / rate if container in containers or encoder in encoders else tick


def _set_clock(packet: Packet[VideoStream], tick: Fraction) -> None:
    """Count the times of a packet in other ticks."""
    assert packet.pts is not None
    assert packet.dts is not None
    scale = packet.time_base / tick
    packet.pts, packet.dts = round(packet.pts * scale), round(packet.dts * scale)
    packet.duration = round((packet.duration or 0) * scale)
    packet.time_base = tick


def create(path: Path, kind: str, options: dict[str, str] | None = None) -> OutputContainer:
    """Open a file to fill; what plays over a network can begin before it is all there."""
    if options is None:
        options = {"movflags": "faststart"} if kind in ("mp4", "mov") else {}
    return av.open(str(path.resolve()), "w", format=kind, container_options=options)
