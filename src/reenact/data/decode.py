"""Whole clips and stills into memory, with PyAV or, on machines without it, OpenCV.

Training machines often have one of the two. `reenact.video` needs both and streams; here a file is
read once, as fast as the processor goes, and what the two give differs by rounding alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from reenact.errors import DataError
from reenact.records import Image

PICTURES = (".png", ".jpg", ".jpeg")
"""Suffixes of still pictures and of the frames of a clip stored as a folder."""


def decode_clip(
    path: Path, size: int, decoder: str | None = None, *, expected: int | None = None
) -> Tensor:
    """All frames of a video file or of a folder of pictures: uint8 (T, 3, size, size), RGB.

    Args:
        path: Video file, or folder whose pictures in sorted order are the frames.
        size: Pixels on a side; frames of another size are resampled to it.
        decoder: "av" or "opencv"; None takes the first that is installed.
        expected: Frames that the side-car describes.

    Raises:
        DataError: Nothing could be decoded, or more or fewer frames than expected.
    """
    return torch.cat(list(stream_clip(path, size, decoder, expected=expected)))


def stream_clip(
    path: Path,
    size: int,
    decoder: str | None = None,
    *,
    batch: int = 64,
    expected: int | None = None,
) -> Iterator[Tensor]:
    """The frames of `decode_clip`, up to `batch` at a time."""
    count = 0
    try:
        for frames in stacked(_frames(path, decoder or installed_decoder()), batch):
            count += len(frames)
            yield resized(frames, size)
    except (OSError, ValueError) as error:  # PyAV's errors are both
        raise DataError(
            f"{path}: cannot be decoded ({error}), expected a clip. Remove or replace it."
        ) from error
    if not count:
        raise DataError(f"{path}: no frame could be decoded, expected a clip. Remove or redo it.")
    if expected is not None and count != expected:
        raise DataError(
            f"{path}: {count} frames decoded, expected {expected} as in its side-car. Run "
            "`reenact prepare` on the footage again, without that side-car if it came with it."
        )


def decode_still(path: Path, decoder: str | None = None) -> Tensor:
    """One picture: uint8 (3, H, W), RGB.

    Raises:
        DataError: It could not be decoded.
    """
    read = {"av": _av_picture, "opencv": _opencv_picture}[decoder or installed_decoder()]
    try:
        return torch.from_numpy(read(path)).permute(2, 0, 1)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be decoded ({error}), expected a picture. Remove or replace it."
        ) from error


def installed_decoder() -> str:
    """Name of the decoder that this machine has, PyAV before OpenCV."""
    return "av" if find_spec("av") is not None else "opencv"


def stacked(pictures: Iterable[Image], count: int) -> Iterator[Tensor]:
    """Pictures uint8 (H, W, 3) in batches of up to `count`: uint8 (N, 3, H, W)."""
    stream = iter(pictures)
    while batch := list(islice(stream, count)):
        yield torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).contiguous()


def resized(images: Tensor, size: int) -> Tensor:
    """Pictures uint8 (T, 3, H, W) at another size: bicubic, smoothed when shrinking."""
    if images.shape[-2:] == (size, size):
        return images
    shape = (size, size)
    smooth = F.interpolate(images.float(), shape, mode="bicubic", antialias=True)
    return smooth.round_().clamp_(0, 255).to(torch.uint8)


@dataclass(frozen=True)
class PictureFolder:
    """A clip stored as pictures, in the order of their names; every loop decodes them again."""

    path: Path
    decoder: str | None = None
    """As of `decode_clip`."""

    def __iter__(self) -> Iterator[Image]:
        """The pictures uint8 (H, W, 3), RGB, each of its own size."""
        files = sorted(file for file in self.path.iterdir() if file.suffix.lower() in PICTURES)
        for file in files:
            yield decode_still(file, self.decoder).permute(1, 2, 0).contiguous().numpy()


def _frames(path: Path, decoder: str) -> Iterator[Image]:
    if path.is_dir():
        return iter(PictureFolder(path, decoder))
    return {"av": _av_frames, "opencv": _opencv_frames}[decoder](path)


def _av_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    import av

    with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1  # clips are decoded side by side
        for frame in container.decode(stream):
            yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


def _av_picture(path: Path) -> NDArray[np.uint8]:
    return next(_av_frames(path))


def _opencv_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        while True:
            found, frame = capture.read()
            if not found:
                return
            yield np.ascontiguousarray(frame[..., ::-1])
    finally:
        capture.release()


def _opencv_picture(path: Path) -> NDArray[np.uint8]:
    import cv2

    stored = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if stored is None:
        raise ValueError("OpenCV knows no such format")
    return np.ascontiguousarray(stored[..., ::-1])


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """A picture uint8 (H, W, 3) RGB as the bytes of a PNG file."""
    if installed_decoder() == "opencv":
        import cv2

        return bytes(cv2.imencode(".png", image[..., ::-1])[1])
    import av

    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "rgb24"
    encoder.time_base = Fraction(1)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
