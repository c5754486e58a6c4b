"""A generated square back into the photograph it came from, without a visible seam."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from reenact.records import FloatArray, Image

FEATHER = 0.15
"""Width of the border where photograph and generated picture mix, in sides of the square."""
MARGIN = 0.2
"""Share of that border that stays photograph: a generated picture frays at its own border."""
LATE_FEATHER = 0.07
"""Width of the same border where the generated picture fades late; as much of it stays."""


class PasteBack:
    """Puts squares into one photograph; outside the square not a bit of it changes.

    The generated picture fades out over a border inside the square. Where the square ends at or
    beyond the photograph's own border there is nothing to join, and it does not fade.

    Args:
        photo: The whole picture; never written to.
        square: x0, y0, side in pixels of the photograph; may reach outside.
        feather: Width of the mixed border in sides of the square.
    """

    def __init__(self, photo: Image, square: FloatArray, feather: float = FEATHER) -> None:
        self._photo = photo
        self._x0, self._y0, self._side = (float(value) for value in square)
        height, width = photo.shape[:2]
        self._columns = _covered(self._x0, self._side, width)
        self._rows = _covered(self._y0, self._side, height)
        self.place = (_slice(self._rows), _slice(self._columns))
        """Rows and columns of the photograph whose centres lie in the square."""
        self.mask = self._mask(feather, MARGIN * feather)
        """Share of the generated picture, (h, w, 1) over the part of the square in the photo."""

    def fade_late(self, where: NDArray[np.float32]) -> None:
        """Let the picture fade nearer to the border, by a share (h, w) of the way there."""
        late = self._mask(LATE_FEATHER, MARGIN * FEATHER)
        self.mask = self.mask + where[..., None] * (late - self.mask)

    def paste(self, frame: Image) -> Image:
        """A copy of the photograph with a generated square, uint8 (n, n, 3), in its place."""
        photo = self._photo.copy()
        if not self.mask.size:
            return photo
        part = photo[self.place]
        mixed = part + self.mask * (self._resample(frame).astype(np.float32) - part)
        np.rint(mixed, out=mixed)
        part[...] = np.clip(mixed, 0, 255)
        return photo

    def _mask(self, feather: float, margin: float) -> NDArray[np.float32]:
        height, width = self._photo.shape[:2]
        across = _fade(self._columns, self._x0, self._side, width, feather, margin)
        down = _fade(self._rows, self._y0, self._side, height, feather, margin)
        return (down[:, None] * across[None, :])[..., None]

    def _resample(self, frame: Image) -> Image:
        """The generated square on the pixels of the photograph that it covers."""
        size = max(1, round(self._side))
        if size < frame.shape[0]:
            frame = np.asarray(cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA))
        scale = frame.shape[0] / self._side
        # From a covered pixel to the frame; centres lie at whole numbers for OpenCV.
        left = (self._columns.start + 0.5 - self._x0) * scale - 0.5
        top = (self._rows.start + 0.5 - self._y0) * scale - 0.5
        sampled = cv2.warpAffine(
            frame,
            np.array([[scale, 0, left], [0, scale, top]]),
            (len(self._columns), len(self._rows)),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(sampled, dtype=np.uint8)


def _covered(start: float, side: float, length: int) -> range:
    """Pixels of a photograph's axis whose centres lie in the square."""
    first = max(0, int(np.ceil(start - 0.5)))
    last = min(length, int(np.ceil(start + side - 0.5)))
    return range(first, max(first, last))


def _slice(pixels: range) -> slice:
    return slice(pixels.start, pixels.stop)


def _fade(
    pixels: range, start: float, side: float, length: int, feather: float, margin: float
) -> NDArray[np.float32]:
    """0 at an end of the square to 1 inside; 1 throughout at ends outside the photograph.

    The outermost margin is 0. From there slope and curvature are 0 at both ends: next to the
    photograph what moves hardly shows yet. Feather and margin are in sides of the square.
    """
    centres = np.arange(pixels.start, pixels.stop) + 0.5
    far = np.full_like(centres, side)
    before = centres - start if start > 0 else far
    after = start + side - centres if start + side < length else far
    width = max((feather - margin) * side, 1e-6)
    ramp = np.clip((np.minimum(before, after) - margin * side) / width, 0, 1)
    return np.asarray(ramp**3 * (10 + ramp * (6 * ramp - 15)), dtype=np.float32)
