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
from reenact.video.pixels import to_rgb

JPEG = "mjpeg"
"""What FFmpeg calls it."""
BACKDROP = 255
"""What shows through transparent pixels: white paper."""


def load_image(path: str | PathLike[str]) -> Image:
    """Read a picture as uint8 (H, W, 3) RGB.

    Grey, 16-bit, palette, CMYK and transparent pictures are converted, EXIF rotation is obeyed.
    What OpenCV does not read (HEIC, AVIF, GIF, a video's first frame) is tried with FFmpeg.

    Raises:
        MediaError: The file is missing, or no picture.
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
    image = _decode(np.frombuffer(data, dtype=np.uint8))
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
    depth = 255 if stored.dtype == np.uint8 else 65535
    alpha = stored[..., 3].astype(np.float32) * (255 / depth)
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


def _decode(data: np.ndarray) -> Image | None:
    """OpenCV's reading of an encoded picture; None where it cannot."""
    if data.size == 0:
        return None
    try:
        colour = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if colour is None:
            return None
        stored = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    image = np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    if stored is not None and stored.ndim == 3 and stored.shape[2] == 4:
        return _over_backdrop(image, stored[..., 3])
    return image


def _over_backdrop(image: Image, alpha: np.ndarray) -> Image:
    if alpha.shape != image.shape[:2]:  # turned by EXIF: its transparency is not worth a guess
        return image
    share = (alpha / np.iinfo(alpha.dtype).max)[..., None]
    return np.rint(image * share + BACKDROP * (1 - share)).astype(np.uint8)


def _first_frame(path: Path) -> Image:
    try:
        with open_media(path) as container:
            stream = picture_stream(container, path)
            if stream.codec_context.name == JPEG:
                stream.codec_context.options = {"err_detect": "explode"}  # rather than guess a half
            frame = next(decode_pictures(container, stream), None)
            if frame is not None:
                return to_rgb(frame, *displayed_size(frame, stream))
    except MediaError:
        pass
    raise MediaError(
        f"{path}: is no picture that can be read, expected JPEG, PNG, WebP, TIFF or the like. "
        "Open it elsewhere and save it as PNG."
    )
