"""Between the stored pixels of a video and RGB: colour matrix, range, rotation, aspect."""

from __future__ import annotations

import logging
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
)

from reenact.errors import MediaError
from reenact.records import Image
from reenact.video.container import error_text

UNSPECIFIED = 2
"""The code of ITU-T H.273 for a colour matrix that the file does not name."""
EVEN = {"yuv422p10le", "yuva444p10le"}
"""Pixel formats of ProRes, which spoils the last line of an odd side."""
SCALING = Interpolation.BICUBIC
TRANSFERS: dict[int, str] = {ColorTrc.SMPTE2084: "HDR, PQ", ColorTrc.ARIB_STD_B67: "HDR, HLG"}
"""Codes of H.273 for light beyond the white of a usual screen."""
PRIMARIES: dict[int, str] = {ColorPrimaries.BT2020: "BT.2020", ColorPrimaries.SMPTE432: "P3"}
"""Codes of H.273 for colours that a usual screen does not have."""

log = logging.getLogger(__name__)


def to_rgb(frame: av.VideoFrame, width: int, height: int) -> Image:
    """A decoded frame as uint8 (height, width, 3) RGB, upright and in square pixels.

    Raises:
        MediaError: FFmpeg cannot convert its pixels.
    """
    turns = frame.rotation // 90
    if turns % 2:
        width, height = height, width
    try:
        picture = frame.reformat(
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=_assumed_matrix(frame),
            interpolation=SCALING,
        ).to_ndarray()
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(
            f"picture of {frame.width} x {frame.height} {frame.format.name} pixels: cannot be "
            f"converted ({error_text(error)}), expected a usual pixel format. Convert the file."
        ) from error
    return np.ascontiguousarray(np.rot90(picture, turns))


def warn_of_colours(frame: av.VideoFrame, path: Path) -> None:
    """Say of a picture with more colours or light than a usual one that `to_rgb` maps neither."""
    names = [TRANSFERS.get(frame.color_trc), PRIMARIES.get(frame.color_primaries)]
    if found := ", ".join(name for name in names if name):
        log.warning(
            "%s: its colours (%s) are not mapped to those of usual screens and look pale. "
            "Convert it to BT.709 first, where that matters",
            path,
            found,
        )


def from_rgb(image: Image, pixels: str, matrix: Colorspace = Colorspace.ITU709) -> av.VideoFrame:
    """RGB or RGBA (alpha not multiplied in) as a frame of a pixel format, its size made to fit.

    A missing alpha is 255, an alpha too many goes. One thread converts: where several meet in a
    small picture of more than eight bits, FFmpeg leaves pixels unset.
    """
    layout = "rgba" if image.shape[2] == 4 else "rgb24"
    fitting = _pad(image, stored_size((image.shape[0], image.shape[1]), pixels))
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(fitting), format=layout)
    if layout == pixels:
        return frame
    return frame.reformat(
        format=pixels,
        dst_colorspace=None if is_rgb(pixels) else matrix,
        dst_color_range=stored_range(pixels),
        interpolation=SCALING,
        threads=1,
    )


def is_rgb(pixels: str) -> bool:
    """Whether a pixel format stores red, green and blue, and needs no matrix."""
    return av.VideoFormat(pixels).is_rgb or pixels.startswith("gbr")


def stored_range(pixels: str) -> ColorRange:
    """Full range for RGB and JPEG, limited range for all other YUV."""
    full = is_rgb(pixels) or pixels.startswith("yuvj")
    return ColorRange.JPEG if full else ColorRange.MPEG


def unnamed_matrix(height: int, width: int) -> Colorspace:
    """What players assume where a file says nothing: BT.709 for high definition, else BT.601."""
    return Colorspace.ITU709 if height > 576 or width > 1024 else Colorspace.ITU601


def stored_size(size: tuple[int, int], pixels: str) -> tuple[int, int]:
    """The size (height, width) that a pixel format needs: even where two pixels share a colour."""
    subsampled = [c for c in av.VideoFormat(pixels, 64, 64).components if c.is_chroma]
    tall, wide = (
        pixels in EVEN or any(getattr(component, side) < 64 for component in subsampled)
        for side in ("height", "width")
    )
    return size[0] + size[0] % 2 * tall, size[1] + size[1] % 2 * wide


def _pad(image: Image, size: tuple[int, int]) -> Image:
    """Repeat the last line of a side that is one short."""
    height, width = image.shape[:2]
    if (height, width) == size:
        return image
    return np.pad(image, ((0, size[0] - height), (0, size[1] - width), (0, 0)), mode="edge")


def _assumed_matrix(frame: av.VideoFrame) -> Colorspace | None:
    if frame.colorspace != UNSPECIFIED:
        return None
    return unnamed_matrix(frame.height, frame.width)
