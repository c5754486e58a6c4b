"""Still pictures in and out: any file a person has becomes uint8 RGB, upright."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from reenact.errors import MediaError
from reenact.places import require_file
from reenact.records import Image
from reenact.video.comments import add_comment
from reenact.video.container import decode_pictures, error_text, open_media, picture_stream
from reenact.video.info import displayed_size
from reenact.video.partial import PartialFile
from reenact.video.picture_size import check_size
from reenact.video.pixels import to_rgb, warn_of_colours

JPEG = "mjpeg"
"""What FFmpeg calls it."""
BACKDROP = 255
"""What shows through transparent pixels: white paper."""
WHITES = (1.0, 255.0, 65535.0)
"""What white may be in pictures of floating point numbers."""


def load_image(path: str | PathLike[str]) -> Image:
    """Read a picture as uint8 (H, W, 3) RGB.

    Grey, 16-bit, palette, CMYK and transparent pictures are converted, EXIF rotation is obeyed.
    Floating point numbers are taken as they are, 0 for black and 1 for white; where most are beyond
    that, 255 or 65535 for white. What lies outside is clipped, NaN is black. What OpenCV does not
    read (HEIC, AVIF, GIF, a video's first frame) is tried with FFmpeg.

    Raises:
        MediaError: The file is missing, or no picture, or one of signed or 32-bit integers.
    """
    path = Path(path)
    require_file(path, "a picture")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MediaError(
            f"{path}: cannot be read ({error_text(error)}), expected a picture. "
            "Check its permissions."
        ) from error
    check_size(path, data)
    image = _decode(np.frombuffer(data, dtype=np.uint8), path)
    return image if image is not None else _first_frame(path)


def load_frame(path: str | PathLike[str], number: int) -> Image:
    """Read one frame of a video, counted from 1, as uint8 (H, W, 3) RGB.

    Raises:
        MediaError: The file is no video, or has fewer frames.
    """
    path = Path(path)
    with open_media(path) as container:
        stream = picture_stream(container, path)
        count = 0
        for count, frame in enumerate(decode_pictures(container, stream), start=1):
            if count == number:
                return to_rgb(frame, *displayed_size(frame, stream))
    raise MediaError(
        f"{path}: found {count} frames, expected {number} or more. Choose another --source-frame."
    )


def load_opacity(path: str | PathLike[str]) -> NDArray[np.uint8] | None:
    """How opaque each pixel of a picture is, (H, W), 255 = opaque; None where all of them are."""
    data = np.fromfile(path, dtype=np.uint8)
    try:
        stored = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    except cv2.error:
        return None
    if stored is None or stored.ndim != 3 or stored.shape[2] != 4:
        return None
    alpha = np.clip(np.nan_to_num(stored[..., 3] / _opaque(stored.dtype)) * 255, 0, 255)
    return None if alpha.min() >= 255 else np.rint(alpha).astype(np.uint8)


def save_image(path: str | PathLike[str], image: Image, comment: str | None = None) -> None:
    """Write uint8 (H, W, 3) RGB in the format of the suffix; whole or not at all.

    Args:
        path: Target.
        image: The picture.
        comment: What the file says of itself, like `generated_by`; PNG and JPEG can.

    Raises:
        MediaError: The suffix names no picture format, or the file cannot be written.
    """
    path = Path(path)
    try:
        _, data = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    except cv2.error as error:
        raise MediaError(
            f"{path}: the suffix {path.suffix!r} names no picture format, expected .png or .jpg. "
            "Rename the output."
        ) from error
    file = PartialFile(path)
    try:
        encoded = data.tobytes()
        file.path.write_bytes(add_comment(encoded, comment) if comment else encoded)
    except OSError as error:
        file.discard()
        raise MediaError(
            f"{path}: writing failed ({error_text(error)}), expected room and a writable folder. "
            "Free space or choose another output."
        ) from error
    file.publish()


def _decode(data: np.ndarray, path: Path) -> Image | None:
    """OpenCV's reading of an encoded picture; None where it cannot."""
    if data.size == 0:
        return None
    try:
        stored = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if stored is not None and stored.dtype not in (np.uint8, np.uint16):
            return _from_numbers(stored, path)
        colour = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    if colour is None:
        return None
    image = np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    if stored is not None and stored.ndim == 3 and stored.shape[2] == 4:
        return _over_backdrop(image, stored[..., 3])
    return image


def _from_numbers(stored: np.ndarray, path: Path) -> Image:
    """A picture of floating point numbers, grey, BGR or BGRA.

    Raises:
        MediaError: The numbers are integers, whose white nobody knows.
    """
    if stored.dtype.kind != "f":
        raise MediaError(
            f"{path}: found a picture of {stored.dtype} numbers, expected unsigned ones of 8 or 16 "
            "bits, or floating point. Open it elsewhere and save it as PNG."
        )
    numbers = np.nan_to_num(stored, nan=0.0)
    colour = numbers[..., None] if numbers.ndim == 2 else numbers[..., :3]
    white = next((white for white in WHITES if np.median(colour) <= white), WHITES[-1])
    image = np.rint(np.clip(colour / white, 0, 1) * 255).astype(np.uint8)
    image = (
        np.repeat(image, 3, axis=2)
        if image.shape[2] == 1
        else np.ascontiguousarray(image[..., ::-1])
    )
    return _over_backdrop(image, numbers[..., 3]) if numbers.shape[2:] == (4,) else image


def _opaque(kind: np.dtype) -> float:
    """The number of a pixel that hides all behind it."""
    return 1.0 if kind.kind == "f" else float(np.iinfo(kind).max)


def _over_backdrop(image: Image, alpha: np.ndarray) -> Image:
    if alpha.shape != image.shape[:2]:  # turned by EXIF: its transparency is not worth a guess
        return image
    share = np.clip(np.nan_to_num(alpha / _opaque(alpha.dtype)), 0, 1)[..., None]
    return np.rint(image * share + BACKDROP * (1 - share)).astype(np.uint8)


def _first_frame(path: Path) -> Image:
    try:
        with open_media(path) as container:
            stream = picture_stream(container, path)
            if stream.codec_context.name == JPEG:
                stream.codec_context.options = {"err_detect": "explode"}  # rather than guess a half
            frame = next(decode_pictures(container, stream), None)
            if frame is not None:
                warn_of_colours(frame, path)
                return to_rgb(frame, *displayed_size(frame, stream))
    except MediaError:
        pass
    raise MediaError(
        f"{path}: is no picture that can be read, expected JPEG, PNG, WebP, TIFF or the like. "
        "Open it elsewhere and save it as PNG."
    )
