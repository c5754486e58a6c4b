"""The size of an output as a person gives it, and pictures brought to it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import cv2
import numpy as np

from reenact.records import Image

LARGEST = 16384
"""Pixels a side that encoders still take."""
_FORM = re.compile(r"(\d+)(?:x(\d+))?|(\d*\.?\d+)%|(\d*\.\d+)")


@dataclass(frozen=True)
class OutputSize:
    """A height, a box to fit into, or a share of what is there; the aspect stays."""

    height: int | None = None
    """Pixels."""
    width: int | None = None
    """Pixels; with a height, both are a limit."""
    share: float | None = None
    """Of the size that is there."""

    @classmethod
    def parse(cls, text: str) -> OutputSize:
        """Read 720 (height), 1024x768 (a box), 50% or 0.5 (a share).

        Raises:
            ValueError: It is none of these.
        """
        found = _FORM.fullmatch(text.strip().lower())
        if found is None:
            raise ValueError(f"{text!r} is no size; give 720, 1024x768, 50% or 0.5")
        if found[2]:
            size = cls(height=int(found[2]), width=int(found[1]))
        elif found[1]:
            size = cls(height=int(found[1]))
        else:
            size = cls(share=float(found[3]) / 100 if found[3] else float(found[4]))
        sides = [side for side in (size.height, size.width) if side is not None]
        if not all(0 < side <= LARGEST for side in sides):
            raise ValueError(f"{text!r} is no size; a side has 1 to {LARGEST} pixels")
        if size.share is not None and not 0 < size.share <= 16:
            raise ValueError(f"{text!r} is no size; a share is above 0 and up to 16 (1600%)")
        return size

    def of(self, height: int, width: int) -> tuple[int, int]:
        """What a picture of some height and width becomes: even, of the same aspect."""
        scale = self.share
        if scale is None:
            assert self.height is not None
            scale = self.height / height
            if self.width is not None:
                scale = min(scale, self.width / width)
        return _even(height * scale), _even(width * scale)


def scaled(image: Image, size: tuple[int, int]) -> Image:
    """A picture in another size (height, width): averaged when it shrinks, else interpolated."""
    height, width = size
    if image.shape[:2] == size:
        return image
    shrinks = height < image.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), dtype=np.uint8)


def _even(length: float) -> int:
    return min(LARGEST, max(2, 2 * round(length / 2)))
