"""What a run learns from: pairs drawn on its device, and clips of other people to check it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

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
from reenact.data.store import (
    ClipStore,
    StillStore,
    load_clips,
    load_stills,
    read_sidecars,
    with_codes,
)
from reenact.errors import DataError
from reenact.training.config import DataConfig, TrainConfig

if TYPE_CHECKING:
    from reenact.data.rerender import StillRenderer

HEAD_BLOCK = 16
"""Synthetic people drawn at a time, so that a GPU has enough to do at once."""
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
    shares = source_shares(data)
    sources: dict[str, PairSource] = {"clips": ClipPairs(store, data.far_share)}
    backgrounds = None
    if shares["stills"] > 0:
        known = with_codes(sidecars, store)
        portraits, renderer = _still_renderer(data, size, device, readers, clips, known)
        backgrounds = renderer.portraits.backgrounds
        stills = StillPairs(portraits, renderer)
        sources["stills"] = _pooled(stills, data.still_fresh, data.still_pool)
    if shares["heads"] > 0:
        heads = _head_pairs(size, device, backgrounds)
        block = min(HEAD_BLOCK, data.head_pool)
        sources["heads"] = _pooled(heads, data.head_fresh, data.head_pool, block)
    used = [name for name in sources if shares[name] > 0]
    pairs = MixedPairs(tuple(sources[n] for n in used), tuple(shares[n] for n in used))
    mean, deviation = pose_statistics(pairs, device, config.seed)
    return Material(pairs, validation, mean, deviation)


def source_shares(data: DataConfig) -> dict[str, float]:
    """What part of the pairs comes from where; heads leave the others their proportion."""
    photographed = 1 - data.head_share
    return {
        "clips": photographed * (1 - data.still_share),
        "stills": photographed * data.still_share,
        "heads": data.head_share,
    }


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


def _pooled(source: PairSource, fresh: float, capacity: int, block: int = 1) -> PairSource:
    return source if fresh == 1 else PairPool(source, fresh, capacity, block)


def _head_pairs(size: int, device: torch.device, backgrounds: Tensor | None) -> PairSource:
    from reenact.data.head_pairs import HeadPairs
    from reenact.data.heads import HeadRenderer
    from reenact.data.teachers import weights_folder

    return HeadPairs(HeadRenderer(weights_folder(), device, backgrounds), size)


def _still_renderer(
    data: DataConfig,
    size: int,
    device: torch.device,
    readers: Callable[[], Readers],
    clips: Sequence[Footage],
    sidecars: Sequence[SideCar],
) -> tuple[StillStore, StillRenderer]:
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
    return portraits, StillRenderer(portraits, bank)
