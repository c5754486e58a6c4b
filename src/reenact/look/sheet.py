"""All pictures of one frame on one page, with captions and a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from torch import Tensor

from reenact.animator import Animator
from reenact.look import tiles
from reenact.look.palette import (
    FACE_FOUND,
    FAINT,
    HIDDEN,
    INK,
    MODEL_SEES,
    NO_FACELET,
    PAPER,
    REGION_COLOURS,
    Colour,
)
from reenact.look.stages import FaceView, Stage, at_rest, view_source
from reenact.portrait import Portrait
from reenact.records import REGIONS, Compensation, Image

GAP = 10
"""Pixels between tiles."""
CAPTION = 22
"""Height of a caption, pixels."""
COLUMNS = 5
WIDTH = COLUMNS * tiles.TILE + (COLUMNS + 1) * GAP
REGION_COLUMNS = 8
REGION_TILE = (WIDTH - (REGION_COLUMNS + 1) * GAP) // REGION_COLUMNS


@dataclass(frozen=True, eq=False)
class Captioned:
    """A picture and the line above it."""

    text: str
    picture: Image
    colour: Colour | None = None
    """Of the swatch before the text."""


class Sheet:
    """Draws pages about one portrait; what does not change is drawn once.

    Args:
        animator: What animates it.
        portrait: The photograph, made ready.
        title: First line of every page.
    """

    def __init__(self, animator: Animator, portrait: Portrait, title: str) -> None:
        self.title = title
        self._source = view_source(animator, portrait)
        self._rest = at_rest(animator, portrait)
        self._image = portrait.state.image[:1].cpu()
        bank = portrait.state.bank
        self._shown = bank.present[0].tolist() if bank else [True] * len(REGIONS)
        self._source_tiles = read_tiles("photograph", self._source)
        drawn = tiles.picture_tile(self._rest.animation.frame)
        self._drawn_at_rest = Captioned("at rest, as the model draws it", drawn)

    def draw(self, stage: Stage | None = None, note: str = "") -> Image:
        """The page of a driving frame, or of the portrait at rest: uint8 (H, W, 3), even."""
        now = stage or self._rest
        moved = tiles.moved_keypoint_tile(self._source, now.animation)
        paired = Captioned("keypoints: ring = photograph, dot = frame", moved)
        beside = self._drawn_at_rest if now.driving or now is self._rest else paired
        parts = [header(self.title, note), row([*self._source_tiles, beside])]
        if now.driving is not None:
            parts.append(row([*read_tiles("driving", now.driving), paired]))
        parts.append(row(self._made_tiles(now)))
        if now.animation.compensation is not None:
            shares = self._region_tiles(now.animation.frame, now.animation.compensation)
            parts += [row(shares[:REGION_COLUMNS]), row(shares[REGION_COLUMNS:])]
        parts.append(legend())
        page = np.concatenate(parts)
        return page[: len(page) // 2 * 2]

    def _made_tiles(self, stage: Stage) -> list[Captioned]:
        """From the motion to the frame."""
        animation = stage.animation
        longest = np.hypot(*np.moveaxis(tiles.steps(animation), -1, 0)).max()
        lost = tiles.hidden(animation).mean()
        made = [
            Captioned(f"flow, longest {256 * longest:.0f} of 256 px", tiles.flow_tile(animation)),
            Captioned("photograph along the flow", tiles.warped_tile(self._image, animation)),
            Captioned(f"occlusion: {lost:.0%} hidden", tiles.hidden_tile(animation)),
        ]
        if animation.compensation is not None:
            side = animation.compensation.attention[-1].shape[-1]
            facelets = tiles.facelet_tile(animation.frame, animation.compensation)
            made.append(Captioned(f"who asks which facelet, at {side} x {side}", facelets))
        return [
            *made,
            Captioned("frame, as the model draws it", tiles.picture_tile(animation.frame)),
        ]

    def _region_tiles(self, frame: Tensor, compensation: Compensation) -> list[Captioned]:
        """Attention to the facelet of every region, and to none."""
        shares = compensation.attention[-1][0].float().numpy()
        null = compensation.null[-1][0, 0].float().numpy()
        lines = [
            (region, share, REGION_COLOURS[region], "" if shown else ", absent")
            for region, share, shown in zip(REGIONS, shares, self._shown, strict=True)
        ]
        return [
            Captioned(
                f"{name} {share.mean():.0%}{remark}",
                tiles.attention_tile(frame, share, colour, REGION_TILE),
                colour,
            )
            for name, share, colour, remark in [*lines, ("none", null, NO_FACELET, "")]
        ]


def read_tiles(name: str, view: FaceView) -> list[Captioned]:
    """How a picture was read, in four tiles."""
    height, width = view.picture.shape[:2]
    if view.face is None:
        landmarks = "landmarks: no face found"
    else:
        yaw, pitch, roll = (round(float(angle)) for angle in view.face.pose)
        landmarks = f"landmarks, yaw {yaw:+d} pitch {pitch:+d} roll {roll:+d}"
    count = view.keypoints.points.shape[1]
    return [
        Captioned(f"{name}, {width} x {height}", tiles.whole_tile(view)),
        Captioned(landmarks, tiles.landmark_tile(view)),
        Captioned("parsing", tiles.parsing_tile(view)),
        Captioned(f"{count} keypoints with their axes", tiles.keypoint_tile(view)),
    ]


def row(items: Sequence[Captioned]) -> Image:
    """Pictures of one size next to each other, captions above: uint8 (H, WIDTH, 3)."""
    size = items[0].picture.shape[0]
    strip = blank(CAPTION + size + GAP)
    for number, item in enumerate(items):
        left = GAP + number * (size + GAP)
        strip[CAPTION : CAPTION + size, left : left + size] = item.picture
        indent = 0
        if item.colour is not None:
            swatch(strip, left, 6, item.colour)
            indent = 16
        write(strip, item.text, left + indent, CAPTION - 7)
    return strip


def header(title: str, note: str) -> Image:
    """The first line: what is looked at, and which frame."""
    strip = blank(34)
    width = text_width(note, 0.55)
    write(strip, fitted(title, WIDTH - 4 * GAP - width, 0.55), GAP, 23, scale=0.55)
    write(strip, note, WIDTH - GAP - width, 23, scale=0.55)
    return strip


def legend() -> Image:
    """What the colours mean."""
    marks: list[tuple[str, Colour]] = [
        ("face found", FACE_FOUND),
        ("what the model sees", MODEL_SEES),
        ("hidden in the photograph", HIDDEN),
        ("no facelet asked", NO_FACELET),
    ]
    lines = [list(REGION_COLOURS.items()), marks]
    strip = blank(24 * len(lines) + GAP)
    for number, line in enumerate(lines):
        left, base = GAP, 24 * number + 16
        for name, colour in line:
            swatch(strip, left, base - 10, colour)
            write(strip, name, left + 16, base)
            left += 16 + text_width(name) + 22
    notes = (
        "%: mean attention over all pixels; absent: not in the photograph",
        "flow: the hue is the direction, full colour an eighth of the square",
    )
    for number, text in enumerate(notes):
        write(strip, text, WIDTH - GAP - text_width(text), 24 * number + 16, colour=FAINT)
    return strip


def blank(height: int) -> Image:
    """Empty paper: uint8 (height, WIDTH, 3)."""
    return np.full((height, WIDTH, 3), PAPER, dtype=np.uint8)


def swatch(strip: Image, left: int, top: int, colour: Colour) -> None:
    """A small square of a colour."""
    strip[top : top + 11, left : left + 11] = INK
    strip[top + 1 : top + 10, left + 1 : left + 10] = colour


def write(
    strip: Image,
    text: str,
    left: int,
    base: int,
    scale: float = 0.43,
    colour: Colour = INK,
) -> None:
    """Put a line of text on the paper; the font has ASCII only."""
    text = text.encode("ascii", "replace").decode()
    cv2.putText(strip, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)


def fitted(text: str, width: int, scale: float) -> str:
    """The text, without as much of its middle as does not fit."""
    kept, short = len(text), text
    while text_width(short, scale) > width and kept > 2:
        kept -= 1
        short = f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"
    return short


def text_width(text: str, scale: float = 0.43) -> int:
    """Pixels that a line takes."""
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    return int(width)
