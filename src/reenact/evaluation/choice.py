"""Which clips of a folder a model is judged on: people whom it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reenact.data.clips import Footage, find_clips, has_split, split_by_identity
from reenact.evaluation.clips import VALIDATION, find_scored_clips
from reenact.evaluation.history import History


@dataclass(frozen=True)
class Choice:
    """Clips to score, and what a reader of the table has to know of how they were chosen."""

    footage: tuple[Footage, ...]
    remark: str
    """Empty where the folder has the splits that were asked for."""


def choose_clips(
    root: Path, splits: Sequence[str], histories: Sequence[History], limit: int | None = None
) -> Choice:
    """Clips of some splits, up to a limit, or of a folder without splits.

    Of the latter, only people whom no model was trained on are taken, as far as the models tell
    and there are any; `train` asks for all.

    Raises:
        DataError: A split holds no clip.
    """
    people = frozenset(clip.identity for clip in _candidates(root, splits))
    told = [history for history in histories if history.knows(root, people)]
    held_out = frozenset.intersection(*(one.held_out for one in told)) if told else None
    found = find_scored_clips(root, splits, held_out)
    if all(split == VALIDATION or has_split(root, split) for split in splits):
        return Choice(found[:limit], "")
    unseen = found if held_out is None else split_by_identity(found, held_out)[1]
    scored = (unseen if unseen and "train" not in splits else found)[:limit]
    trained_on = sum(clip not in unseen for clip in scored)
    return Choice(scored, _remark(len(scored), len(found), trained_on, told))


def _remark(scored: int, found: int, trained_on: int, told: Sequence[History]) -> str:
    count = f"all {found}" if scored == found else f"{scored} of {found}"
    names, whom = [history.name for history in told], ""
    if trained_on:
        whom = f", {trained_on} of them of people whom {' or '.join(names)} saw in training"
    elif told:
        whom = f", of people whom {' and '.join(names)} did not see in training"
    return f"The folder has no splits: {count} clips{whom}."


def _candidates(root: Path, splits: Sequence[str]) -> tuple[Footage, ...]:
    """All clips among which splits choose."""
    names = dict.fromkeys("train" if split == VALIDATION else split for split in splits)
    return tuple(clip for name in names for clip in find_clips(root, name))
