"""Single pictures that are looked at as a clip."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from reenact.errors import MediaError
from reenact.places import exists, is_file, is_folder
from reenact.records import Image
from reenact.video.container import error_text
from reenact.video.image import load_image
from reenact.video.info import DEFAULT_RATE
from reenact.video.webp import is_animated

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif"}
"""Suffixes of files that hold one picture."""


@dataclass(frozen=True)
class EvenTiming:
    """Frames at one rate."""

    rate: Fraction = DEFAULT_RATE

    @property
    def tick(self) -> Fraction:
        """Seconds per frame."""
        return 1 / self.rate

    def time(self, index: int) -> Fraction:
        """Seconds at which a frame is shown."""
        return index / self.rate


class ImageSequence:
    """Picture files as the frames of a clip, in the order given; all of one size.

    Args:
        files: The pictures.
        rate: Frames per second.
        name: What errors call them all: the folder, pattern or file that was asked for.

    Raises:
        MediaError: There is no picture, or while reading: one is damaged or of another size.
    """

    sound = None

    def __init__(
        self, files: Sequence[Path], rate: Fraction = DEFAULT_RATE, name: str = "driving"
    ) -> None:
        self._files = list(files)
        self.name = name
        self.info = EvenTiming(rate)
        if not self._files:
            raise MediaError(
                f"{name}: found no pictures, expected at least one. Check the folder or pattern."
            )

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[Image]:
        shape = None
        for path in self._files:
            picture = load_image(path)
            shape = shape or picture.shape
            if picture.shape != shape:
                raise MediaError(
                    f"{path}: found {picture.shape[1]} x {picture.shape[0]} pixels, expected "
                    f"{shape[1]} x {shape[0]} as in {self._files[0].name}. Give pictures of one "
                    "size."
                )
            yield picture

    def times(self) -> Iterator[Fraction]:
        """Seconds at which the frames are shown."""
        return (self.info.time(index) for index in range(len(self)))


def picture_files(place: Path) -> list[Path] | None:
    """The pictures of a folder, a pattern, or of one file; None where it is no place of pictures.

    Numbers in names count as numbers: 2.png comes before 10.png.

    Raises:
        MediaError: A folder or a pattern without pictures.
    """
    if is_file(place):
        return [place] if place.suffix.lower() in PICTURES and not is_animated(place) else None
    if is_folder(place):
        found = _files_of(place)
    elif is_pattern(place):
        found = expand(place)
    else:
        return None
    files = [path for path in found if path.is_file() and path.suffix.lower() in PICTURES]
    if not files:
        raise MediaError(
            f"{place}: found no picture, expected files like {', '.join(sorted(PICTURES)[:3])}. "
            "Check the folder or pattern."
        )
    return sorted(files, key=_natural)


def _files_of(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise MediaError(
            f"{folder}: cannot be looked into ({error_text(error)}), expected a folder of "
            "pictures. Check its permissions."
        ) from error


def is_pattern(place: Path) -> bool:
    """Whether a path stands for several files."""
    return not exists(place) and bool(re.search(r"[*?\[]", str(place)))


def expand(pattern: Path) -> list[Path]:
    """The files that a pattern stands for, by name."""
    root = Path(pattern.anchor or ".")
    found = root.glob(str(pattern.relative_to(pattern.anchor)))
    return sorted((path for path in found if path.is_file()), key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]
