"""Several animated faces back into the photograph that they all came from."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from reenact.records import FloatArray, Image
from reenact.video import PasteBack

AROUND = 0.04
"""How far around a loose head its picture fades late, in sides of the square."""
SHARPNESS = 16
"""How sharply the pixels between two faces are divided among them."""


class PasteGroup:
    """Puts the squares of several faces into one photograph.

    Squares of neighbours overlap, and each shows the other face at rest. A pixel therefore belongs
    to the face whose middle is nearest, in sizes of the faces: the larger face, which is nearer to
    the camera, reaches further. Where only one square reaches, it is as if it were alone.

    Args:
        photo: (H, W, C), the whole picture; never written to.
        squares: x0, y0, side of each in pixels of the photograph; may reach outside.
        heads: (H, W) uint8 of each, 255 where its head is: hair that ends just short of the border
            would stay behind when the head leaves, and goes with it. None: as if there were none.
    """

    def __init__(
        self,
        photo: Image,
        squares: Sequence[FloatArray],
        heads: Sequence[NDArray[np.uint8]] | None = None,
    ) -> None:
        self._photo = photo
        self._backs = [PasteBack(photo, square) for square in squares]
        if heads is not None:
            for head, back, square in zip(heads, self._backs, squares, strict=True):
                back.fade_late(loose_head(head[back.place], back.mask[..., 0], float(square[2])))
        claims = [
            back.mask[..., 0] * _nearness(square, back.place)
            for back, square in zip(self._backs, squares, strict=True)
        ]
        total = np.zeros(photo.shape[:2], dtype=np.float32)
        for claim, back in zip(claims, self._backs, strict=True):
            total[back.place] += claim
        self._shares = [
            (claim / np.maximum(total[back.place], 1e-30))[..., None]
            for claim, back in zip(claims, self._backs, strict=True)
        ]

    def paste(self, pictures: Sequence[Image]) -> Image:
        """A copy of the photograph with the generated squares in it, in their order."""
        if len(pictures) == 1:
            return self._backs[0].paste(pictures[0])
        pasted = self._photo.astype(np.float32)
        for back, share, picture in zip(self._backs, self._shares, pictures, strict=True):
            alone = back.paste(picture)[back.place].astype(np.float32)
            pasted[back.place] += share * (alone - self._photo[back.place])
        return np.clip(np.rint(pasted), 0, 255).astype(np.uint8)


def loose_head(
    head: NDArray[np.uint8], mask: NDArray[np.float32], side: float
) -> NDArray[np.float32]:
    """Where a head reaches into the border of its square but not to the end of it, and around.

    Args:
        head: (h, w), 255 where the head is.
        mask: (h, w) share of the generated picture, 0 at the end of the square.
        side: Of the square, in pixels.

    Returns:
        (h, w) from 0 to 1, soft.
    """
    inside = ((head > 127) & (mask < 1)).astype(np.uint8)
    _, labels = cv2.connectedComponents(inside)
    tied = np.append(np.unique(labels[mask == 0]), 0)
    loose = (~np.isin(labels, tied)).astype(np.float32)
    reach = 2 * round(AROUND * side) + 1
    wide = cv2.dilate(loose, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), max(AROUND * side / 3, 0.1)), np.float32)


def _nearness(square: FloatArray, place: tuple[slice, slice]) -> NDArray[np.float32]:
    """How near the pixels of a place are to the middle of a square, in its sizes: (h, w)."""
    x0, y0, side = (float(value) for value in square)
    rows = (np.arange(place[0].start, place[0].stop) + 0.5 - y0) / side - 0.5
    columns = (np.arange(place[1].start, place[1].stop) + 0.5 - x0) / side - 0.5
    distance = np.hypot(rows[:, None], columns[None, :])
    return np.asarray((distance + 0.05) ** -SHARPNESS, dtype=np.float32)
