"""What counts as a picture, and what as the frames of a video."""

from __future__ import annotations

from os import PathLike

import numpy as np

from reenact.errors import MediaError


def check_frames(frames: object) -> None:
    """Refuse a path where frames are expected: its letters would be taken for them.

    Raises:
        MediaError: It is one.
    """
    if isinstance(frames, str | PathLike):
        raise MediaError(
            f"driving: found the path {str(frames)!r}, expected frames or a motion template. Open "
            "it with reenact.video.VideoReader, or reenact.template.load_template."
        )


def check_picture(image: object, role: str) -> None:
    """Refuse what is no picture.

    Args:
        image: Anything.
        role: What it is, for errors.

    Raises:
        MediaError: It is not uint8 (H, W, 3), or empty.
    """
    if not isinstance(image, np.ndarray):
        named = isinstance(image, str | PathLike)
        found = f"the path {str(image)!r}" if named else f"a {type(image).__name__}"
    elif image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        found = f"{image.dtype} {image.shape}"
    else:
        return
    raise MediaError(
        f"{role}: found {found}, expected an array of uint8 (height, width, 3) RGB. "
        "Load it with reenact.video.load_image."
    )
