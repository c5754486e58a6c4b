"""The state of a run in a file: stop, run the same command again, and get the same numbers."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reenact.config import Settings, from_settings, to_settings
from reenact.errors import ConfigError, TrainingError
from reenact.training.config import TrainConfig

FORMAT = 1
FREE_TO_CHANGE = ("accelerator", "devices", "nodes", "log_every", "tensorboard", "execution")
"""Settings that may differ when a run goes on; all others make it another run."""

UNREADABLE = (OSError, RuntimeError, TypeError, LookupError, EOFError, pickle.UnpicklingError)
"""What opening a damaged file raises."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RunState:
    """All that a run is, besides its config and its data.

    Chance is not in it: every step draws from a generator seeded by run, step and process. Nor are
    pairs that are used again (`reenact.data.pool`): a run with these goes on with others.
    """

    step: int
    seconds: float
    """Of training, over all sittings."""
    best: float
    """Best validation PSNR so far, decibels."""
    config: Settings
    model: dict[str, Tensor]
    average: dict[str, Tensor] | None
    optimizer: dict[str, Any]


def save_state(path: Path, state: RunState) -> None:
    """Write the file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        torch.save({"format": FORMAT, **vars(state)}, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_state(path: Path, config: Settings, device: torch.device) -> RunState | None:
    """Read a run's state for going on with it; None where there is none yet.

    Raises:
        TrainingError: The file is damaged, or of a run with other settings.
    """
    if not path.is_file():
        return None
    try:
        stored = torch.load(path, map_location=device, weights_only=True)
        found = stored.pop("format")
        if found != FORMAT:
            raise TrainingError(f"{path}: format {found}, expected {FORMAT}. Use a new --out.")
        state = RunState(**stored)
    except UNREADABLE as error:
        raise TrainingError(
            f"{path}: cannot be read ({error}), expected the state of a run. "
            "Remove it to start over, or use a new --out."
        ) from error
    changed = sorted(_differences(_fixed(_of_today(state.config)), _fixed(config)))
    if changed:
        raise TrainingError(
            f"{path}: this run was started with another {', '.join(changed)}. "
            "Use a new --out, or the settings it was started with."
        )
    return state


def _of_today(config: Settings) -> Settings:
    """The settings in today's names, with the defaults of keys that an older release lacked."""
    try:
        return to_settings(from_settings(TrainConfig, config))
    except ConfigError:
        return config


def _fixed(config: Settings) -> Settings:
    return {key: value for key, value in config.items() if key not in FREE_TO_CHANGE}


def _differences(one: Settings, other: Settings, place: str = "") -> list[str]:
    """Dotted names of the settings that differ."""
    names: list[str] = []
    for key in one.keys() | other.keys():
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            names += _differences(mine, theirs, f"{place}{key}.")
        elif mine != theirs:
            names.append(f"{place}{key}")
    return names
