"""What a person asks of a motion, as the animator takes it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from reenact.motion.parts import Part


class Region(StrEnum):
    """Parts of a motion that people ask for."""

    POSE = "pose"
    EXPRESSION = "expression"
    LIPS = "lips"
    EYES = "eyes"


def choose_part(only: Region | None, keep_pose: bool) -> Part | None:
    """The part of the motion that is taken over; None for all.

    Raises:
        typer.BadParameter: It makes no sense.
    """
    if keep_pose and only is Region.POSE:
        raise typer.BadParameter("--keep-pose and --only pose exclude each other.")
    if only is None:
        return "expression" if keep_pose else None
    return only.value


def choose_smoothing(
    smooth: bool, cutoff: float | None, beta: float | None
) -> tuple[float, float] | None:
    """Lowest cutoff in Hz and beta of the one-euro filter; None: no smoothing."""
    if not smooth and cutoff is None and beta is None:
        return None
    from reenact.motion.smoothing import OneEuro  # torch takes a while

    usual = OneEuro()
    return (
        usual.min_cutoff if cutoff is None else cutoff,
        usual.beta if beta is None else beta,
    )


def check_faces(all_faces: bool, face: int, *, crop: bool, paste_back: bool) -> None:
    """Refuse what makes no sense of several faces.

    Raises:
        typer.BadParameter: It makes none.
    """
    if all_faces and (face != 1 or not crop or not paste_back):
        raise typer.BadParameter(
            "--all-faces goes with neither --face, --no-crop nor --no-paste-back."
        )
    if face != 1 and not crop:
        raise typer.BadParameter("--face looks for faces, which --no-crop does not.")
