"""A video as one PNG file a frame, which appear together when all are there."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

import cv2

from reenact.errors import MediaError
from reenact.records import Image
from reenact.video.comments import add_comment
from reenact.video.container import error_text

FIRST = 1
"""Number of the first picture."""
_NUMBER = re.compile(r"%0?\d*d")


def is_numbered(path: Path) -> bool:
    """Whether a path stands for one picture file a frame, like frames/%05d.png."""
    return path.suffix.lower() == ".png" and len(_NUMBER.findall(path.name)) == 1


def numbered(path: Path, number: int) -> Path:
    """The file of one number."""
    return path.with_name(_NUMBER.sub(lambda found: found[0] % number, path.name))


def numbered_files(path: Path) -> list[Path]:
    """The files of a sequence that are there, by number."""
    before, after = _NUMBER.split(path.name)
    pattern = re.compile(f"{re.escape(before)}(\\d+){re.escape(after)}")
    files = path.parent.iterdir() if path.parent.is_dir() else ()
    found = {int(match[1]): file for file in files if (match := pattern.fullmatch(file.name))}
    return [found[number] for number in sorted(found)]


def without_number(path: Path) -> Path:
    """A name for all of a sequence, beside its folder: frames for frames/%05d.png."""
    folder = path.parent if path.parent.name else path.parent.resolve()
    rest = _NUMBER.sub("", path.stem).strip("-_. ")
    return folder.with_name(f"{folder.name}-{rest}" if rest else folder.name)


class PartialSequence:
    """A hidden folder beside the one of a sequence to be; its files move there when all is written.

    The first file moves last: where it is, all others are.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        name = without_number(target)
        self.folder = name.with_name(f".{name.name}.{secrets.token_hex(4)}.partial")
        try:
            self.folder.mkdir(parents=True)
        except OSError as error:
            raise _failure(target, error) from error

    def write(self, frames: Iterable[Image], comment: str | None) -> list[Path]:
        """Write RGB or RGBA frames; returns their files."""
        files: list[Path] = []
        for number, frame in enumerate(frames, start=FIRST):
            order = cv2.COLOR_RGBA2BGRA if frame.shape[2] == 4 else cv2.COLOR_RGB2BGR
            data = cv2.imencode(".png", cv2.cvtColor(frame, order))[1].tobytes()
            files.append(self.folder / numbered(self.target, number).name)
            files[-1].write_bytes(add_comment(data, comment) if comment else data)
        return files

    def publish(self) -> None:
        """Move all files to their place; what was left there of a longer sequence goes."""
        folder = self.target.parent
        try:
            for old in numbered_files(self.target):
                old.unlink()
            folder.mkdir(parents=True, exist_ok=True)
            for file in reversed(numbered_files(self.folder / self.target.name)):
                file.replace(folder / file.name)
        except OSError as error:
            raise _failure(self.target, error) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what was written so far."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _failure(target: Path, error: OSError) -> MediaError:
    return MediaError(
        f"{target}: cannot be written ({error_text(error)}), expected a writable folder. "
        "Choose another output."
    )
