"""What a run learns from: pairs drawn on its device, and clips of other people to check it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from reenact.data.clips import (
    Footage,
    find_clips,
    find_stills,
    split_by_identity,
    validation_identities,
)
from reenact.data.pairs import MixedPairs, PairSource
from reenact.data.pool import PairPool
from reenact.data.readings import Readers
from reenact.data.sampling import ClipPairs, StillPairs
from reenact.data.sidecar import SideCar
from reenact.data.store import ClipStore, load_clips, load_stills, read_sidecars, with_codes
from reenact.errors import DataError
from reenact.training.config import DataConfig, TrainConfig

POSE_SAMPLE = 512
"""Pairs whose poses give the mean and deviation that the model takes out."""


@dataclass(frozen=True, eq=False)
class Material:
    """Ready on the device of the run."""

    pairs: PairSource
    validation: ClipStore
    pose_mean: Tensor
    """(P,) of the pose codes of driving frames."""
    pose_deviation: Tensor
    """(P,)."""


def gather_material(config: TrainConfig, device: torch.device) -> Material:
    """Load all clips and stills of a config.

    Raises:
        DataError: No clips, or none of people held out.
    """
    data, size = config.data, config.model.image_size
    readers = _shipped_readers(data, device)
    clips, held_out = find_footage(data)
    sidecars = read_sidecars(clips)
    store = load_clips(clips, size, device, readers, sidecars)
    validation = load_clips(held_out, size, device, readers)
    sources: list[PairSource] = [ClipPairs(store, data.far_share)]
    shares = [1 - data.still_share]
    if data.still_share > 0:
        known = with_codes(sidecars, store)
        stills: PairSource = _still_pairs(data, size, device, readers, clips, known)
        if data.still_fresh < 1:
            stills = PairPool(stills, data.still_fresh, data.still_pool)
        sources.append(stills)
        shares.append(data.still_share)
    used = [(source, share) for source, share in zip(sources, shares, strict=True) if share > 0]
    pairs = MixedPairs(tuple(s for s, _ in used), tuple(share for _, share in used))
    mean, deviation = pose_statistics(pairs, device, config.seed)
    return Material(pairs, validation, mean, deviation)


def find_footage(data: DataConfig) -> tuple[tuple[Footage, ...], tuple[Footage, ...]]:
    """Clips to train on, and clips of the people held out."""
    if not data.roots:
        raise DataError("data.roots is empty, expected folders of clips. Give `--data FOLDER`.")
    found = [clip for root in data.roots for clip in find_clips(root)]
    clips, held_out = split_by_identity(found, held_out_people(data))
    if not clips or not held_out:
        raise DataError(
            f"{len(clips)} clips to train on and {len(held_out)} of people held out, expected "
            "some of both. Name people of these folders in data.held_out."
        )
    return clips[: data.max_clips], held_out


def held_out_people(data: DataConfig) -> frozenset[str]:
    """Identities that are kept from training."""
    return validation_identities() if data.held_out is None else frozenset(data.held_out)


def pose_statistics(pairs: PairSource, device: torch.device, seed: int) -> tuple[Tensor, Tensor]:
    """Mean and deviation (P,) of the poses of driving frames, as they are drawn."""
    generator = torch.Generator(device).manual_seed(seed)
    poses = torch.cat([pairs.draw(64, generator).driving_pose for _ in range(POSE_SAMPLE // 64)])
    return poses.mean(dim=0), poses.std(dim=0)


def _shipped_readers(data: DataConfig, device: torch.device) -> Callable[[], Readers]:
    """Opens the face reader when the first side-car asks for it."""

    @cache
    def readers() -> Readers:
        from reenact.perception.reader import load_reader

        reader = load_reader(data.reader, device)
        return Readers(parser=reader, pose_encoder=reader)

    return readers


def _still_pairs(
    data: DataConfig,
    size: int,
    device: torch.device,
    readers: Callable[[], Readers],
    clips: Sequence[Footage],
    sidecars: Sequence[SideCar],
) -> StillPairs:
    from reenact.data.expressions import build_expression_bank
    from reenact.data.portrait_mesh import load_head_mesh
    from reenact.data.rerender import StillRenderer

    found = [still for root in data.roots for still in find_stills(root)]
    stills, _ = split_by_identity(found, held_out_people(data))
    if not stills:
        raise DataError(
            f"{', '.join(map(str, data.roots))}: no stills, expected some for data.still_share "
            f"{data.still_share}. Add a folder with stills, or set data.still_share=0."
        )
    portraits = load_stills(stills[: data.max_stills], size, device, readers)
    bank = build_expression_bank(
        sidecars, [clip.identity for clip in clips], load_head_mesh(device)
    )
    return StillPairs(portraits, StillRenderer(portraits, bank))
