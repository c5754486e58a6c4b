"""How a video is written: its container by the suffix, its codec by name, pixels that suit both."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

from reenact.errors import MediaError
from reenact.video.container import error_text
from reenact.video.pixels import from_rgb, stored_size, unnamed_matrix
from reenact.video.quality import BEST, Quality, encoder_options
from reenact.video.sequence import is_numbered

CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
    ".gif": "gif",
}
"""FFmpeg's name of the container by suffix; for other suffixes FFmpeg is asked."""
PICTURES = "png"
"""Stands for a container where the output is a sequence of PNG files."""
USUAL_CODEC = {
    "mp4": "h264",
    "mov": "h264",
    "matroska": "h264",
    "webm": "vp9",
    "asf": "wmv2",
    "gif": "gif",
    PICTURES: "png",
}
"""Codec by container, where none is asked for; for other containers FFmpeg is asked."""
TRANSPARENT_CODEC = {
    "mov": "prores",
    "matroska": "ffv1",
    "webm": "vp9",
    "avi": "utvideo",
    PICTURES: "png",
}
"""The same where the video has alpha. The other containers hold none that players know."""
ENCODERS = {
    "h264": "libx264",
    "h265": "libx265",
    "hevc": "libx265",
    "vp8": "libvpx",
    "vp9": "libvpx-vp9",
    "av1": "libsvtav1",
    "prores": "prores_ks",
}
"""FFmpeg's encoder by the usual name of a codec; other names are FFmpeg's own."""
PIXELS = ("yuv420p", "yuv422p", "yuv422p10le", "yuv444p", "rgb24", "bgr0", "gbrp", "yuvj420p")
"""Pixel formats, what most players know first."""
TRANSPARENT_PIXELS = ("yuva420p", "yuva444p10le", "rgba", "argb", "bgra", "gbrap")
NO_ALPHA_KEPT = {"libx265", "libvpx"}
"""Encoders that take pixels with alpha and lose it here, or fail."""
CONTINUED = {"libx264", "libx265", "libvpx-vp9", "libsvtav1"}
"""Encoders whose pictures go into a fragmented MP4 as they are, behind those of another run."""
SMALLEST = {"libsvtav1": 64, "libx265": 16}
"""Pixels a side below which an encoder fails, or never ends."""
SILENT = {"flv", "mpeg4", "msmpeg4", "wmv1", "wmv2"}
"""Encoders whose streams do not name their matrix: players guess it by the size."""
_TRIAL = 64
"""Pixels a side of the pictures with which a format is tried."""
_TRIALS = 3
"""How many those are: x265 at times fails with one."""


@dataclass(frozen=True)
class Encoding:
    """How pictures become a stream."""

    encoder: str
    """FFmpeg's name."""
    pixels: str
    """FFmpeg's name of the pixel format."""
    quality: Quality = BEST

    @property
    def alpha(self) -> bool:
        """Whether pictures keep their transparency."""
        return any(component.is_alpha for component in av.VideoFormat(self.pixels).components)

    def matrix(self, height: int, width: int) -> Colorspace:
        """From RGB to YUV, for a picture of a size: BT.709 wherever the file can say so."""
        if self.encoder == "mjpeg":
            return Colorspace.ITU601  # as JFIF has it, whatever the size
        return unnamed_matrix(height, width) if self.encoder in SILENT else Colorspace.ITU709

    @property
    def smallest(self) -> int:
        """Pixels a side that a picture has at least."""
        return SMALLEST.get(self.encoder, 1)

    def options(self) -> dict[str, str]:
        """For the encoder."""
        if self.encoder == "prores_ks" and self.alpha:
            return {"profile": "4444", "alpha_bits": "16"}  # no other profile has alpha
        return encoder_options(self.encoder, self.quality)


LOSSLESS = Encoding("libx264rgb", "rgb24")
"""Keeps every bit, and is small where little moves."""
LOSSLESS_ALPHA = Encoding("png", "rgba")
"""Keeps every bit of pictures with alpha."""


@dataclass(frozen=True)
class Format:
    """What an output file is: a container, and how the pictures in it are encoded."""

    container: str
    """FFmpeg's name; or `PICTURES`."""
    encoding: Encoding

    @property
    def made_at_end(self) -> bool:
        """Whether the file can only be made once all pictures are known."""
        return self.container in ("gif", PICTURES)

    @property
    def part(self) -> Encoding:
        """How the pictures are kept, resumably, until the file can be made."""
        if self.encoding.encoder in CONTINUED and not self.encoding.alpha:
            return self.encoding
        return LOSSLESS_ALPHA if self.alpha else LOSSLESS

    @property
    def alpha(self) -> bool:
        """Whether pictures have four channels."""
        return self.encoding.alpha

    @property
    def silent(self) -> bool:
        """Whether there is no place for sound."""
        return self.made_at_end


def choose_format(
    path: Path, codec: str | None = None, quality: Quality = BEST, *, alpha: bool = False
) -> Format:
    """The format of an output by its suffix and what is asked for; tried before it is used.

    Args:
        path: The output; a name like frames/%05d.png stands for a sequence of pictures.
        codec: Usual name, or that of an encoder of FFmpeg; None for the usual one.
        quality: How good, and how much effort.
        alpha: Keep transparency.

    Raises:
        MediaError: FFmpeg, as it is built here, cannot write that, or not with the mark that
            every generated video carries.
    """
    container = _container(path)
    if alpha and container not in TRANSPARENT_CODEC and codec is None:
        raise MediaError(
            f"{path}: {container} holds no alpha that players know, expected one of .png (like "
            "frames/%05d.png), .webm, .mov or .mkv for a transparent video. Rename the output."
        )
    usual = TRANSPARENT_CODEC if alpha else USUAL_CODEC
    codec = codec or usual.get(container) or _default_codec(container)
    encoder = ENCODERS.get(codec.lower(), codec.lower())
    encoding = Encoding(encoder, _pixels(path, codec, encoder, alpha), quality)
    chosen = Format(container, encoding)
    if not chosen.made_at_end:
        _try_out(path, codec, chosen)
    elif codec != container:
        raise MediaError(
            f"{path}: {codec} does not go into {container}, expected no --codec. Leave it away, or "
            "rename the output."
        )
    return chosen


def _container(path: Path) -> str:
    suffix = path.suffix.lower()
    if is_numbered(path):
        return PICTURES
    if suffix in CONTAINERS:
        return CONTAINERS[suffix]
    forms = [av.ContainerFormat(name) for name in sorted(av.formats_available)]
    names = [f.name for f in forms if f.is_output and suffix[1:] in f.extensions]
    names = [name for name in names if not name.startswith("image2")]
    if names:
        return suffix[1:] if suffix[1:] in names else names[0]
    hint = " For pictures give a name like frames/%05d.png." if suffix in ("", ".png") else ""
    hint += " A folder to write into must be there already." if not suffix else ""
    raise MediaError(
        f"{path}: the suffix {path.suffix!r} names no format to write, expected one of "
        f"{', '.join(CONTAINERS)}, or another video format of FFmpeg. Rename the output.{hint}"
    )


def _default_codec(container: str) -> str:
    with av.open(io.BytesIO(), "w", format=container) as output:
        return str(output.default_video_codec)


def _pixels(path: Path, codec: str, encoder: str, alpha: bool) -> str:
    """The pixels that suit an encoder and most players.

    Raises:
        MediaError: There is no such encoder, or none with alpha.
    """
    try:
        found = av.Codec(encoder, "w")
    except av.codec.codec.UnknownCodecError:
        found = None
    if found is None or found.type != "video":
        raise MediaError(
            f"{path}: there is no encoder for {codec!r} here, expected one of "
            f"{', '.join(ENCODERS)}, or an encoder of FFmpeg. Choose another --codec."
        )
    offered = [form.name for form in found.video_formats or []]
    if encoder == "gif":
        return "rgb24"  # what goes in; its palette is made from all pictures
    wanted: tuple[str, ...] = TRANSPARENT_PIXELS if alpha else PIXELS
    if encoder.startswith("prores"):
        wanted = ("yuva444p10le",) if alpha else ("yuv422p10le",)
    elif encoder == "mjpeg":
        wanted = ("yuvj420p",)
    best = next((name for name in wanted if name in offered), None)
    if best is None and not alpha:
        best = offered[0] if offered else PIXELS[0]
    if best is None or (alpha and encoder in NO_ALPHA_KEPT):
        raise MediaError(
            f"{path}: {codec} keeps no alpha, expected one of vp9, prores, qtrle, ffv1 or png. "
            "Choose another --codec, or leave it away."
        )
    return best


def _try_out(path: Path, codec: str, chosen: Format) -> None:
    """Write some pictures and see whether they can be read back with their mark."""
    file = io.BytesIO()
    quiet_encoders()
    try:
        with av.open(file, "w", format=chosen.container) as output:
            output.metadata["comment"] = "mark"
            stream = add_pictures(output, chosen.encoding, (_TRIAL, _TRIAL), Fraction(25))
            for index in range(_TRIALS):
                frame = from_rgb(np.zeros((_TRIAL, _TRIAL, 4), np.uint8), chosen.encoding.pixels)
                frame.pts, frame.time_base = index, Fraction(1, 25)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        file.seek(0)
        with av.open(file, "r", format=None) as made:
            marks = [text for key, text in made.metadata.items() if key.lower() == "comment"]
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(
            f"{path}: {chosen.container} with {codec} cannot be written here "
            f"({error_text(error)}), expected a container and a codec that go together. "
            "Choose another suffix or --codec."
        ) from error
    if marks != ["mark"]:
        raise MediaError(
            f"{path}: {chosen.container} keeps no comment, expected a container in which a "
            "generated video can say that it is one. Choose .mp4, .mov, .mkv, .webm or .gif."
        )


def add_pictures(
    output: OutputContainer,
    encoding: Encoding,
    size: tuple[int, int],
    rate: Fraction,
    options: dict[str, str] | None = None,
) -> VideoStream:
    """Add a stream for pictures of a size (height, width) to an output."""
    quiet_encoders()
    stream = output.add_stream(
        encoding.encoder, rate=rate, options=encoding.options() | (options or {})
    )
    assert isinstance(stream, VideoStream)
    stream.height, stream.width = stored_size(size, encoding.pixels)
    stream.pix_fmt = encoding.pixels
    if encoding.encoder == "libx265" and output.format.name in ("mp4", "mov"):
        stream.codec_context.codec_tag = "hvc1"  # Apple's players know no other
    return stream


def quiet_encoders() -> None:
    """Keep SVT-AV1 from writing to stderr; it asks the environment."""
    os.environ.setdefault("SVT_LOG", "1")
