"""Between the stored pixels of a video and RGB: colour matrix, range, rotation, aspect."""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from reenact.errors import MediaError
from reenact.records import Image
from reenact.video.container import error_text

UNSPECIFIED = 2
"""The code of ITU-T H.273 for a colour matrix that the file does not name."""
SCALING = Interpolation.BICUBIC


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


def to_yuv420(image: Image) -> av.VideoFrame:
    """RGB as a BT.709 limited-range frame of even size."""
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even(image)), format="rgb24")
    return frame.reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=SCALING,
    )


def even(image: Image) -> Image:
    """Repeat the last line of an odd side, since yuv420p stores one colour for 2 x 2 pixels."""
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return image
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _assumed_matrix(frame: av.VideoFrame) -> Colorspace | None:
    """What players assume where a file says nothing: BT.709 for high definition, else BT.601."""
    if frame.colorspace != UNSPECIFIED:
        return None
    return Colorspace.ITU709 if frame.height > 576 or frame.width > 1024 else Colorspace.ITU601
