"""What outputs are called, and whether a name may be written to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

from reenact.errors import MediaError
from reenact.places import exists, is_folder

NUMBERED = "%05d.png"
"""Name of one picture of a sequence."""


class OutputFormat(StrEnum):
    """What outputs are whose names are not given in full."""

    MP4 = "mp4"
    MOV = "mov"
    MKV = "mkv"
    WEBM = "webm"
    AVI = "avi"
    GIF = "gif"
    PNG = "png"


def name_targets(
    sources: Sequence[Path],
    driving: Path,
    output: Path | None,
    form: OutputFormat = OutputFormat.MP4,
    *,
    several: bool,
) -> list[Path]:
    """An output for each source; equal names are told apart by a number.

    Pictures go into a folder for each source, or for one source into the folder that is given.

    Args:
        sources: Files.
        driving: What animates them.
        output: A folder, or where there are not several sources a file; None for this folder.
        form: What outputs are whose names are not given in full.
        several: More than one source was asked for, even if only one was found.

    Raises:
        MediaError: The output is called like a file, and there are several sources.
    """
    pictures = form is OutputFormat.PNG
    if several and output is not None and not is_folder(output) and _is_file_name(output):
        raise MediaError(
            f"{output}: found the name of a file for several sources, expected one of a folder. "
            f"Give --output FOLDER --format {output.suffix[1:].lower()}."
        )
    if not several and output is not None and not is_folder(output):
        if pictures and output.suffix.lower() != ".png":
            return [output / NUMBERED]
        return [output]
    motion = motion_name(driving)
    targets: list[Path] = []
    for source in sources:
        name, number = f"{source.stem}-{motion}", 1
        while (target := _named(output or Path(), name, form)) in targets:
            number += 1
            name = f"{source.stem}-{number}-{motion}"
        targets.append(target)
    return targets


def motion_name(driving: Path) -> str:
    """What outputs say of a driving file, folder, or pattern of pictures in a folder."""
    from reenact.video.images import is_pattern

    path = driving.absolute()
    return path.parent.name if is_pattern(driving) else path.stem


def check_target(
    target: Path, inputs: Iterable[Path], overwrite: bool, *, resume: bool = False
) -> None:
    """Refuse, before any work, to write over an input or over a file with something in it.

    Raises:
        MediaError: The output is an input, or it or a part of it exists and may not be replaced.
    """
    from reenact.video.partial import PartialFile, partial_path
    from reenact.video.sequence import is_numbered, numbered_files

    part, inputs = partial_path(target), list(inputs)
    if is_numbered(target) and any(_is_among(target, other) for other in inputs):
        raise MediaError(
            f"{target}: found the folder of an input of this run, expected another one. Choose "
            "another output."
        )
    existing = numbered_files(target) if is_numbered(target) else [target]
    for path in (*existing, part):
        if not exists(path):
            PartialFile(path).discard()  # fails where no file can be written
        elif any(_is_input(path, other) for other in inputs):
            raise MediaError(
                f"{path}: found an input of this run, expected another file. Choose another output."
            )
        elif path.is_dir():
            raise MediaError(
                f"{path}: found a folder, expected a file name. Add one, or --format png for a "
                "folder of pictures."
            )
    if overwrite:
        return
    written = next((path for path in existing if path.exists() and path.stat().st_size), None)
    if written is not None:
        raise MediaError(
            f"{written}: exists already, expected a new name. Choose one, or give --overwrite."
        )
    if part.exists() and part.stat().st_size and not resume:
        raise MediaError(
            f"{part}: holds what an earlier run finished, expected none. Give --resume to go on "
            "from it, or --overwrite to begin again."
        )


def _named(folder: Path, name: str, form: OutputFormat) -> Path:
    return folder / name / NUMBERED if form is OutputFormat.PNG else folder / f"{name}.{form}"


def _is_file_name(path: Path) -> bool:
    return path.suffix[1:].lower() in set(OutputFormat)


def _is_among(target: Path, other: Path) -> bool:
    """Whether pictures would lie in an input folder, or among those of an input pattern."""
    from reenact.video.images import is_pattern

    folder = other if is_folder(other) else other.parent
    holds = folder is other or is_pattern(other)
    return holds and target.parent.resolve() == folder.resolve()


def _is_input(path: Path, other: Path) -> bool:
    """Whether a file is an input, or lies in a folder of pictures that is one."""
    if not exists(other):  # a pattern: what it stands for
        return other.parent.is_dir() and path.resolve() in {
            found.resolve() for found in other.parent.glob(other.name)
        }
    return path.samefile(other) or (other.is_dir() and path.resolve().parent == other.resolve())
