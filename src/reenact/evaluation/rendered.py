"""Turned heads drawn from photographs: what their far side hides is known exactly.

The driving frame is the photograph itself, the source the same head turned away from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from reenact.data.clips import (
    Footage,
    find_clips,
    find_stills,
    has_split,
    split_by_identity,
    validation_identities,
)
from reenact.data.expressions import ExpressionBank, build_expression_bank
from reenact.data.moments import MotionRange
from reenact.data.pairs import PairBatch
from reenact.data.portrait_mesh import load_head_mesh
from reenact.data.readings import Readers
from reenact.data.rerender import StillRenderer
from reenact.data.sampling import Rerenderer
from reenact.data.store import load_clips, load_stills, read_sidecars, with_codes
from reenact.errors import DataError
from reenact.evaluation.occlusion import MIN_TURN, MIN_YAW, OcclusionPairs
from reenact.layers.rotation import euler_from_vector
from reenact.records import Parsing

TURNING = MotionRange(
    angles=(40.0, 6.0, 4.0),
    max_angles=(50.0, 14.0, 12.0),
    body=(0.25, 0.25),
    sway=0.0,
    untouched=1.0,
    light=0.0,
)
"""Far turns; one frame of each pair is the photograph."""


def open_stills(
    root: Path,
    clips: Sequence[Footage],
    size: int,
    device: torch.device,
    readers: Readers,
    limit: int | None = None,
) -> tuple[StillRenderer, tuple[str, ...]]:
    """A renderer of the stills of a folder, and their names; faces move as in the clips.

    Raises:
        DataError: There are no stills.
    """
    stills = find_stills(root)[:limit]
    if not stills:
        raise DataError(f"{root}: no stills there, expected portraits. Choose another protocol.")
    store = load_stills(stills, size, device, lambda: readers)
    bank = _filmed_expressions(clips, size, device, readers)
    return StillRenderer(store, bank, TURNING), store.names


def movers(root: Path, footage: Sequence[Footage]) -> Sequence[Footage]:
    """Clips of the validation people of a folder; the footage where it shows none of them."""
    if has_split(root, "test") and not has_split(root, "train"):
        return footage
    people = validation_identities()
    return split_by_identity(find_clips(root), people)[1] or footage


def turned_pairs(
    renderer: Rerenderer,
    names: Sequence[str],
    generator: torch.Generator,
    batch_size: int = 32,
    draws: int = 1,
) -> Iterator[OcclusionPairs]:
    """Each still so many times, as far as chance turned its source far enough away."""
    for index in torch.arange(len(names), device=generator.device).repeat(draws).split(batch_size):
        batch = renderer.render(index, generator)
        source, driving = _yaw(batch.source_pose), _yaw(batch.driving_pose)
        batch = batch.where(source.abs() > driving.abs(), batch.swapped())
        source, driving = _yaw(batch.source_pose), _yaw(batch.driving_pose)
        far = (source.abs() >= MIN_YAW) & ((source - driving).abs() >= MIN_TURN)
        if far.any():
            yield _kept(batch, far, [names[number] for number in index[far].tolist()])


def _kept(batch: PairBatch, chosen: Tensor, names: list[str]) -> OcclusionPairs:
    batch = batch.map(lambda tensor: tensor[chosen])
    return OcclusionPairs(
        source=batch.source,
        driving=batch.driving,
        source_parsing=Parsing(batch.source_parsing),
        driving_parsing=Parsing(batch.driving_parsing),
        clips=tuple(names),
        identities=tuple(names),
        frames=((1, 0),) * len(names),
    )


def _filmed_expressions(
    clips: Sequence[Footage], size: int, device: torch.device, readers: Readers
) -> ExpressionBank:
    sidecars = read_sidecars(clips)
    store = load_clips(clips, size, device, lambda: readers, sidecars)
    people = [clip.identity for clip in clips]
    return build_expression_bank(with_codes(sidecars, store), people, load_head_mesh(device))


def _yaw(pose: Tensor) -> Tensor:
    """Pose codes (B, P) to mesh degrees of yaw (B,)."""
    return euler_from_vector(pose[:, :3])[:, 0]
