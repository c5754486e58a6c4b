"""Measure how much the border of the pasted square flickers, and the step across it.

    python tools/border_flicker.py PHOTO... --driving CLIP... [--frames 60] [--keep FOLDER]

Every photograph is animated by every clip, encoded as `reenact animate` does and decoded again.
Flicker is measured in a ring on both sides of the square's border, and against it in two places:
outside that ring in the same video, where the photograph is untouched, and in the same ring of a
video that shows nothing but the photograph. All values are grey levels of 255.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from reenact import animator as animators
from reenact.animator import Animator
from reenact.portrait import Portrait
from reenact.records import FloatArray, Image
from reenact.video import ResumableWriter, VideoReader, load_image

RING = 0.02
"""Width of the ring on either side of the border, in sides of the square."""
BAND = 0.12
"""Width of the band inside the border that is measured as well, in sides of the square."""


@dataclass(frozen=True)
class Flicker:
    """What one animation shows at the border of its square, in grey levels of 255."""

    ring: float
    """Flicker on both sides of the border."""
    outside: float
    """Flicker of the same video farther out, in the photograph; NaN where the square fills it."""
    still: float
    """Flicker in the ring of a video of the photograph alone."""
    band: float
    """Flicker just inside the border, where what moves may show too."""
    step: float
    """How far the step across the border is from the photograph's own, mean of the worst side."""


def main() -> None:
    """Print a table of one line for each animation, and their mean."""
    options = _options()
    model = animators.load(options.model)
    print("| photo | clip | ring | photo outside | still video | band inside | step |")
    print("|---|---|---:|---:|---:|---:|---:|")
    rows = []
    for photo in options.photos:
        portrait = model.encode_source(load_image(photo))
        for clip in options.driving:
            name = f"{photo.stem}-{clip.stem}"
            with tempfile.TemporaryDirectory() as scratch:
                folder = options.keep or Path(scratch)
                row = measure(model, portrait, clip, options.frames, folder / f"{name}.mp4")
            rows.append(row)
            print(_line(photo.stem, clip.stem, astuple(row)), flush=True)
    print(_line("mean", f"{len(rows)}", _means(rows)))


def measure(model: Animator, portrait: Portrait, clip: Path, count: int, target: Path) -> Flicker:
    """Animate a portrait by the first frames of a clip, into a file, and measure its border."""
    with VideoReader(clip) as reader:
        driving = list(islice(reader, count))
        made = coded(model.animate(portrait, driving), target, reader.info.rate)
    alone = target.with_suffix(".still.mp4")
    still = coded([portrait.photo] * len(driving), alone, reader.info.rate)
    distance = border_distance(portrait.photo.shape[:2], portrait.square)
    width = RING * float(portrait.square[2])
    ring, outside = np.abs(distance) < width, distance < -width
    band = (distance > 0) & (distance < BAND * float(portrait.square[2]))
    return Flicker(
        *flicker(made, ring, outside),
        *flicker(still, ring),
        *flicker(made, band),
        seam_step(made, next(iter(still)), portrait.square),
    )


def coded(frames: Iterable[Image], target: Path, rate: Fraction) -> VideoReader:
    """Frames as they come back from what `reenact animate` writes."""
    with ResumableWriter(target, rate=rate, job="flicker") as sink:
        for frame in frames:
            sink.write(frame)
    return VideoReader(target)


def flicker(frames: Iterable[Image], *places: NDArray[np.bool_]) -> list[float]:
    """Mean distance of pixels from the mean of the frames before and after, in some places.

    What moves or fades evenly counts nothing; what jumps there and back counts fully. NaN of a
    place without pixels.
    """
    sums, count = np.zeros(len(places)), 0
    for before, here, after in _triples(_grey(frame) for frame in frames):
        jump = np.abs(here - (before + after) / 2)
        sums += [
            jump[: place.shape[0], : place.shape[1]][place].mean() if place.any() else np.nan
            for place in places
        ]
        count += 1
    return list(sums / max(count, 1))


def border_distance(size: tuple[int, int], square: FloatArray) -> FloatArray:
    """Pixels from every pixel to the border of a square that lies in the picture, > 0 inside.

    Sides at or beyond the picture's own border do not count.
    """
    height, width = size
    x0, y0, side = (float(value) for value in square)
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    far = float(height + width)
    left = x - x0 if x0 > 0 else np.full_like(x, far)
    right = x0 + side - x if x0 + side < width else np.full_like(x, far)
    top = y - y0 if y0 > 0 else np.full_like(y, far)
    bottom = y0 + side - y if y0 + side < height else np.full_like(y, far)
    return np.minimum(np.minimum(left, right)[None], np.minimum(top, bottom)[:, None])


def seam_step(frames: Iterable[Image], photo: Image, square: FloatArray) -> float:
    """Mean over time of the largest mean step across a side of the square, beyond the photo's."""
    worst = []
    for frame in frames:
        change = _grey(frame) - _grey(photo)
        worst.append(max(_side_steps(change, square), default=0.0))
    return float(np.mean(worst))


def _side_steps(change: FloatArray, square: FloatArray) -> Iterator[float]:
    """Mean size of the step across each side of a square that lies in the picture."""
    height, width = change.shape
    x0, y0, x1, y1 = (round(float(v)) for v in (*square[:2], *(square[:2] + square[2])))
    columns, rows = slice(max(0, x0), x1), slice(max(0, y0), y1)
    for x in (x0, x1):
        if 2 <= x <= width - 2:
            step = change[rows, x : x + 2].mean(axis=1) - change[rows, x - 2 : x].mean(axis=1)
            yield float(np.abs(cv2.blur(step[:, None], (1, 9))).mean())
    for y in (y0, y1):
        if 2 <= y <= height - 2:
            step = change[y : y + 2, columns].mean(axis=0) - change[y - 2 : y, columns].mean(axis=0)
            yield float(np.abs(cv2.blur(step[None], (9, 1))).mean())


def _triples(frames: Iterator[FloatArray]) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
    before, here = next(frames), next(frames)
    for after in frames:
        yield before, here, after
        before, here = here, after


def _means(rows: Sequence[Flicker]) -> FloatArray:
    """Of each column, over the rows that have a value there."""
    values = np.ma.masked_invalid([astuple(row) for row in rows])
    return np.asarray(values.mean(axis=0).filled(np.nan))


def _grey(frame: Image) -> FloatArray:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.float32)


def _line(photo: str, clip: str, values: Sequence[float] | FloatArray) -> str:
    return f"| {photo} | {clip} | " + " | ".join(f"{value:.3f}" for value in values) + " |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--driving", type=Path, nargs="+", required=True)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--model", default="reenact-s")
    parser.add_argument("--keep", type=Path, help="folder for the videos")
    return parser.parse_args()


if __name__ == "__main__":
    main()
