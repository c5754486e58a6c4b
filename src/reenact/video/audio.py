"""The sound of a video, carried into another file: copied where the format allows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from reenact.video.container import open_media, sound_stream, start_time, timestamp

PLAYED_IN_MP4 = {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}
"""Codecs that players expect in MP4; FFmpeg writes more."""


@dataclass(frozen=True)
class Sound:
    """Which sound goes into a video."""

    path: Path
    """A file; without sound in it the video is silent."""
    begin: Fraction = Fraction(0)
    """Seconds of the file at which the video begins."""
    end: Fraction | None = None
    """Seconds of the file at which the video ends; None for all that is there."""


class AudioTrack:
    """The first sound stream of a file, on its way into an output.

    It is written piece by piece beside the pictures, so that the output plays while it loads and
    memory stays flat. Packets are copied unchanged where the output's format can hold their
    codec; otherwise they are encoded again with the usual codec of the format.
    """

    def __init__(self, sound: Sound) -> None:
        self._source = open_media(sound.path)
        self._stream = sound_stream(self._source)
        start = start_time(self._source)
        self._origin = start + sound.begin
        self._earliest = self._origin if sound.begin else None
        self._end = None if sound.end is None else start + sound.end
        self._packets = self._read()
        self._next = next(self._packets, None)
        self._output: OutputContainer | None = None
        self._sink: AudioStream | None = None
        self._copied = False

    def attach(self, output: OutputContainer) -> None:
        """Add a stream for this sound to an output; nothing where there is no sound."""
        if self._stream is None or self._next is None:
            return
        self._output = output
        self._copied = _copies(self._stream.codec_context.name, output)
        if self._copied:
            self._sink = output.add_stream_from_template(self._stream)
        else:
            self._sink = _encoder(self._stream, output)

    def write_until(self, time: Fraction) -> None:
        """Write the packets that begin before a time, in seconds."""
        while self._next is not None and (timestamp(self._next) or 0) < time + self._origin:
            self._write(self._next)
            self._next = next(self._packets, None)

    def finish(self) -> None:
        """Write the rest."""
        while self._next is not None:
            self._write(self._next)
            self._next = next(self._packets, None)
        if self._stream is not None and self._sink is not None and not self._copied:
            self._encode(self._stream.codec_context.decode(None))
            self._mux(self._sink.encode(None))

    def close(self) -> None:
        """Let go of the source file."""
        self._source.close()

    def _read(self) -> Iterator[Packet[AudioStream]]:
        if self._stream is None:
            return
        try:
            for packet in self._source.demux(self._stream):
                time = timestamp(packet)
                if not packet.size or time is None:
                    continue
                if self._end is not None and time >= self._end:
                    return
                if self._earliest is None or time >= self._earliest:
                    yield packet
        except (av.FFmpegError, OSError):
            return  # the damaged end of a file; the sound before it is whole

    def _write(self, packet: Packet[AudioStream]) -> None:
        if self._sink is None:
            return
        if not self._copied:
            try:
                self._encode(packet.decode())
            except av.error.InvalidDataError:
                return  # as players do: a gap, not an end
            return
        assert packet.pts is not None
        shift = round(self._origin / packet.time_base)
        packet.pts -= shift
        packet.dts = packet.pts if packet.dts is None else packet.dts - shift
        packet.stream = self._sink
        self._mux([packet])

    def _encode(self, frames: list[AudioFrame]) -> None:
        assert self._sink is not None
        for frame in frames:
            if frame.pts is not None and frame.time_base:
                frame.pts -= round(self._origin / frame.time_base)
            self._mux(self._sink.encode(frame))

    def _mux(self, packets: list[Packet[AudioStream]]) -> None:
        assert self._output is not None
        for packet in packets:
            self._output.mux_one(packet)


def _copies(codec: str, output: OutputContainer) -> bool:
    """Whether packets of a codec go into a format as they are."""
    if output.format.name == "mp4" and codec not in PLAYED_IN_MP4:
        return False
    return codec in output.supported_codecs


def _encoder(source: AudioStream, output: OutputContainer) -> AudioStream:
    """A stream in the usual codec of the output's format, at the rate of the source if it can."""
    name = output.default_audio_codec
    rate = source.codec_context.sample_rate
    possible = av.Codec(name, "w").audio_rates
    sink = output.add_stream(name, rate=rate if not possible or rate in possible else 48000)
    assert isinstance(sink, AudioStream)
    sink.layout = "mono" if source.codec_context.layout.nb_channels == 1 else "stereo"
    return sink
