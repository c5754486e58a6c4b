"""An awkward input: how it is made, what it is given as, and what has to come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from reenact.errors import ReenactError

Role = Literal["source", "driving", "model", "words"]
Maker = Callable[[Path], "Path | list[str]"]


@dataclass(frozen=True)
class Made:
    """A video comes of it."""

    size: tuple[int, int] | None = None
    """Width and height of the video; None where they do not matter."""
    frames: int | None = None
    """Frames of the video; None: as many as the usual driving video has."""
    rate: Fraction | None = None
    colour: tuple[int, int, int] | None = None
    """Mean RGB of the picture, of a source, within a few levels."""


@dataclass(frozen=True)
class Refused:
    """It is an error that a user can act on, in one line."""

    error: type[ReenactError]
    words: str
    """Part of the message."""


@dataclass(frozen=True)
class Failed:
    """Every one of several is an error; the command goes through all of them."""

    words: str
    """Part of what is said on stderr."""


@dataclass(frozen=True)
class Nonsense:
    """It is a command that makes no sense: exit code 2."""


Outcome = Made | Refused | Failed | Nonsense


@dataclass(frozen=True)
class Case:
    """One awkward input."""

    role: Role
    make: Maker
    """Makes it in a folder: its path, or the words of a whole command."""
    outcome: Outcome
    options: tuple[str, ...] = ("--no-crop",)

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"{self.role}-{self.make.__name__}"


CASES: list[Case] = []
"""All of them, in the order of definition."""


def awkward(
    role: Role, outcome: Outcome, *options: str, crop: bool = False
) -> Callable[[Maker], Maker]:
    """Enter a maker into the corpus."""

    def enter(make: Maker) -> Maker:
        CASES.append(Case(role, make, outcome, (*options, "--crop" if crop else "--no-crop")))
        return make

    return enter
