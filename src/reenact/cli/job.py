"""What tells one animation from another, so that only the same one is gone on with."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from reenact import __version__

if TYPE_CHECKING:
    from reenact.cli.rendering import Settings

ENDS = 1 << 20
"""Bytes at each end of an input that tell it from others."""


def job_key(inputs: Sequence[Path], model: str, settings: Settings) -> str:
    """A word for all that the frames of an animation and their encoding depend on."""
    import av

    parts = [__version__, av.__version__, model, json.dumps(asdict(settings), sort_keys=True)]
    shipped = Path(__file__).parents[1] / "weights"
    paths = [*inputs, Path(model), shipped / f"{model}.safetensors", shipped / "reader.safetensors"]
    paths += [file for path in inputs for file in _files(path)]
    return hashlib.sha256("\n".join(parts + [_mark(path) for path in paths]).encode()).hexdigest()


def is_done(target: Path, job: str) -> bool:
    """Whether the output of a job is there, whole."""
    from reenact.video.mark import job_of
    from reenact.video.sequence import FIRST, is_numbered, numbered

    first = numbered(target, FIRST) if is_numbered(target) else target
    return first.is_file() and job_of(first) == job


def _files(place: Path) -> list[Path]:
    """What is in a folder or matches a pattern."""
    from reenact.places import is_folder
    from reenact.video.images import expand, is_pattern

    if is_folder(place):
        try:
            return sorted(place.iterdir())
        except OSError:
            return []  # whoever reads it says so
    return expand(place) if is_pattern(place) else []


def _mark(path: Path) -> str:
    """Size and ends of a file, which tell it from others; empty where none can be read."""
    from reenact.places import is_file

    if not is_file(path):
        return ""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            ends = file.read(ENDS)
            file.seek(max(file.tell(), size - ENDS), os.SEEK_SET)
            ends += file.read(ENDS)
    except OSError:
        return ""  # whoever reads it says so
    return f"{size} {hashlib.sha256(ends).hexdigest()}"
