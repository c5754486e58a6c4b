"""From names and folders to a suite that is ready to measure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import torch

from reenact import checkpoint
from reenact.errors import ConfigError
from reenact.evaluation.choice import choose_clips
from reenact.evaluation.history import History, read_history
from reenact.evaluation.networks import load_networks
from reenact.evaluation.protocols import USUAL, Protocol
from reenact.evaluation.sources import find_portraits
from reenact.evaluation.suite import Suite
from reenact.evaluation.thinning import NOT_THINNED, Thinning
from reenact.perception.reader import load_reader

BATCH_SIZE = {"cpu": 2, "cuda": 32}
"""Frames rendered together, by device; on a CPU more of them leave its cache and take longer."""


def open_suite(
    models: Sequence[str],
    data: Path,
    splits: Sequence[str],
    device: torch.device,
    *,
    protocols: Collection[Protocol] = USUAL,
    stills: Path | None = None,
    pairs: int | None = None,
    draws: int = 1,
    thinning: Thinning = NOT_THINNED,
    reader: Path | None = None,
    batch_size: int | None = None,
    limit: int | None = None,
    sqz_dist: bool = True,
    identity: bool = True,
    seed: int = 0,
) -> Suite:
    """Load models by name or path, the reader, and find the clips.

    Raises:
        ReenactError: Something is not there, or the models cannot be given the same frames.
    """
    choice = choose_clips(data, splits, read_histories(models), limit)
    size = common_size(models)
    face_reader = load_reader(reader, device)
    return Suite(
        models={
            short: checkpoint.load(name, device, parser=face_reader, pose_encoder=face_reader)
            for short, name in short_names(models).items()
        },
        reader=face_reader,
        networks=load_networks(protocols, device, sqz_dist=sqz_dist, identity=identity),
        data=data,
        footage=choice.footage,
        remark=choice.remark,
        sources=choice.footage if stills is None else find_portraits(stills)[:limit],
        limit=limit,
        pairs=pairs,
        draws=draws,
        thinning=thinning,
        size=size,
        device=device,
        batch_size=batch_size or BATCH_SIZE.get(device.type, BATCH_SIZE["cpu"]),
        seed=seed,
    )


def short_names(names: Sequence[str]) -> dict[str, str]:
    """What tables call models: the stems of their names, or all of the names if stems recur."""
    stems = [Path(name).stem for name in names]
    return dict(zip(stems if len({*stems}) == len(stems) else names, names, strict=True))


def read_histories(names: Sequence[str]) -> list[History]:
    """What the files of these models say of their training."""
    return [
        read_history(short, checkpoint.read_info(checkpoint.find_weights(name)).record)
        for short, name in short_names(names).items()
    ]


def common_size(names: Sequence[str]) -> int:
    """Pixels on a side of the pictures of all these models.

    Raises:
        ConfigError: They differ, so that the models cannot be given the same frames.
    """
    files = {name: checkpoint.find_weights(name) for name in names}
    sizes = {name: checkpoint.read_info(file).config.image_size for name, file in files.items()}
    if len({*sizes.values()}) > 1:
        found = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise ConfigError(
            f"models: their pictures have sides of different lengths ({found}), expected one for "
            "all. Evaluate the models one by one."
        )
    return sizes[names[0]]
