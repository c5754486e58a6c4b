"""Colours that mean the same in every picture."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

from reenact.records import REGIONS, Image

Colour = tuple[int, int, int]
"""Red, green, blue in 0..255."""

PAPER: Colour = (250, 250, 248)
INK: Colour = (28, 28, 32)
FAINT: Colour = (130, 130, 136)
MODEL_SEES: Colour = (255, 196, 0)
"""The crop square."""
FACE_FOUND: Colour = (0, 200, 120)
"""The face box, and landmarks."""
HIDDEN: Colour = (225, 20, 40)
"""What the photograph does not show, for the model."""
NO_FACELET: Colour = (90, 90, 98)
"""The null token's share: pixels that take nothing from the facelets."""

REGION_COLOURS: dict[str, Colour] = {
    "skin": (242, 188, 140),
    "left brow": (122, 70, 40),
    "right brow": (190, 128, 80),
    "left eye": (20, 90, 215),
    "right eye": (90, 185, 255),
    "glasses": (0, 205, 190),
    "left ear": (120, 60, 190),
    "right ear": (200, 140, 250),
    "nose": (250, 215, 20),
    "mouth interior": (150, 0, 50),
    "upper lip": (255, 80, 80),
    "lower lip": (255, 60, 170),
    "neck": (60, 165, 70),
    "hair": (235, 125, 10),
}
"""Partners left and right share a hue: the left is dark, the right is light."""


def region_palette() -> Image:
    """Colours of the regions in their order: uint8 (R, 3)."""
    return np.array([REGION_COLOURS[region] for region in REGIONS], dtype=np.uint8)


def keypoint_colour(index: int, count: int) -> Colour:
    """One of `count` hues around the wheel."""
    red, green, blue = colorsys.hsv_to_rgb(index / max(count, 1), 0.85, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def direction_colours(step: NDArray[np.float32], longest: float) -> Image:
    """Steps (H, W, 2) xy as colours: hue for the direction, white for none, full at `longest`."""
    length = np.hypot(step[..., 0], step[..., 1])
    strength = np.clip(length / max(longest, 1e-6), 0, 1)[..., None]
    angle = np.arctan2(step[..., 1], step[..., 0])[..., None]
    thirds = np.array([0, 2 * np.pi / 3, 4 * np.pi / 3])
    hue = 0.5 + 0.5 * np.cos(angle - thirds)
    return np.asarray(np.rint(255 * (1 - strength * (1 - hue))), dtype=np.uint8)
