"""Clips made on the spot, whose every frame says which one it is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.reformatter import ColorPrimaries, ColorTrc
from av.video.stream import VideoStream

from reenact.records import Image

LEVELS = 8
"""Grey levels between the bars of two neighbouring frames."""


def numbered_frame(index: int, height: int = 48, width: int = 64) -> Image:
    """A frame that carries its number as grey level (modulo 25) over a fixed gradient."""
    frame = np.zeros((height, width, 3), dtype=np.uint8)
    frame[...] = 20 + LEVELS * (index % 25)
    frame[:4] = np.linspace(30, 220, width).astype(np.uint8)[None, :, None]
    return frame


def number_of(frame: Image) -> int:
    """The number that a frame carries, modulo 25."""
    return round((float(frame[8:].mean()) - 20) / LEVELS)


def make_clip(
    path: Path,
    count: int = 12,
    rate: Fraction = Fraction(25),
    ticks: list[int] | None = None,
    time_base: Fraction | None = None,
    size: tuple[int, int] = (48, 64),
    rotation: int = 0,
    sound: float = 0.0,
    codec: str = "libx264",
    audio_codec: str = "aac",
    pix_fmt: str = "yuv420p",
    colours: tuple[ColorPrimaries, ColorTrc] | None = None,
) -> Path:
    """Write a clip with PyAV alone; `ticks` of `time_base` make its rate vary."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = size
        stream.pix_fmt = pix_fmt
        base = time_base or 1 / rate
        stream.time_base = stream.codec_context.time_base = base
        if colours:
            stream.codec_context.color_primaries, stream.codec_context.color_trc = colours
        if rotation:
            stream.set_display_rotation(rotation)
        audio = _tone_stream(container, audio_codec) if sound else None
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(numbered_frame(index, *size), format="rgb24")
            frame.pts = ticks[index] if ticks else index
            frame.time_base = base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            _write_tone(container, audio, sound)
    return path


def _tone_stream(container: av.container.OutputContainer, codec: str) -> AudioStream:
    stream = container.add_stream(codec, rate=16000)
    assert isinstance(stream, AudioStream)
    stream.layout = "mono"
    return stream


def _write_tone(
    container: av.container.OutputContainer, stream: AudioStream, seconds: float
) -> None:
    wave = np.sin(np.arange(round(16000 * seconds)) * (440 * 2 * np.pi / 16000))
    samples = (wave * 8000).astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 16000, 0, Fraction(1, 16000)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def sound_packets(path: Path) -> list[bytes]:
    """The encoded sound of a file, packet by packet."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def sound_samples(path: Path) -> np.ndarray:
    """The decoded sound of a file: (channels, samples)."""
    with av.open(str(path)) as container:
        return np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)


def make_sound(path: Path, seconds: float = 0.5) -> Path:
    """Write a file with a tone and no pictures."""
    with av.open(str(path), "w") as container:
        _write_tone(container, _tone_stream(container, "aac"), seconds)
    return path
