"""What a run learns from: pairs drawn on its device, and clips of other people to check it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
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
HELD_OUT_SHARE = 0.1
"""Share of the people that is held out where nobody is named and none of the shipped list there."""
MAX_HELD_OUT = 5
"""No more people than this, nor fewer than one."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Material:
    """Ready on the device of the run."""

    pairs: PairSource
    validation: ClipStore
    pose_mean: Tensor
    """(P,) of the pose codes of driving frames."""
    pose_deviation: Tensor
    """(P,)."""
    held_out: tuple[str, ...] = ()
    """The people of the validation clips."""


def gather_material(config: TrainConfig, device: torch.device) -> Material:
    """Load all clips and stills of a config.

    Raises:
        DataError: No clips, none of people held out, or no stills where some are asked for.
    """
    data, size = config.data, config.model.image_size
    readers = _shipped_readers(data, device)
    clips, held_out = find_footage(data, config.seed)
    people = frozenset(clip.identity for clip in held_out)
    shares = source_shares(data)
    photographed = training_stills(data, people) if shares["stills"] > 0 else ()
    sidecars = read_sidecars(clips)
    store = load_clips(clips, size, device, readers, sidecars, follow=data.follow_shoulders)
    validation = load_clips(held_out, size, device, readers)
    sources: dict[str, PairSource] = {"clips": ClipPairs(store, data.far_share)}
    backgrounds = None
    if shares["stills"] > 0:
        known = with_codes(sidecars, store)
        portraits = load_stills(photographed, size, device, readers)
        renderer = _still_renderer(portraits, device, clips, known)
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
    return Material(pairs, validation, mean, deviation, tuple(sorted(people)))


def source_shares(data: DataConfig) -> dict[str, float]:
    """What part of the pairs comes from where; heads leave the others their proportion."""
    photographed = 1 - data.head_share
    return {
        "clips": photographed * (1 - data.still_share),
        "stills": photographed * data.still_share,
        "heads": data.head_share,
    }


def reuses_pairs(data: DataConfig) -> bool:
    """Whether pairs are kept and used again, which a run that was stopped cannot repeat exactly."""
    shares = source_shares(data)
    stills, heads = shares["stills"] > 0, shares["heads"] > 0
    return (stills and data.still_fresh < 1) or (heads and data.head_fresh < 1)


def find_footage(
    data: DataConfig, seed: int = 0
) -> tuple[tuple[Footage, ...], tuple[Footage, ...]]:
    """Clips to train on, and clips of the people held out; the seed is of their choice."""
    if not data.roots:
        raise DataError("data.roots is empty, expected folders of clips. Give `--data FOLDER`.")
    found = [clip for root in data.roots for clip in _clips_of(root)]
    people = frozenset(clip.identity for clip in found)
    named = held_out_people(data)
    if data.held_out is None and not named & people:
        named = choose_people(people, seed)
        names = ", ".join(sorted(named))
        _LOG.info("held out to check the run, of %d people: %s", len(people), names)
    clips, held_out = split_by_identity(found, named)
    if not clips or not held_out:
        raise DataError(
            f"{', '.join(map(str, data.roots))}: {len(clips)} clips to train on and "
            f"{len(held_out)} of people held out, expected some of both. Add clips of other "
            "people, or name people of these folders in data.held_out."
        )
    return clips[: data.max_clips], held_out


def held_out_people(data: DataConfig) -> frozenset[str]:
    """Identities that are kept from training, by name; they need not be in the folders."""
    return validation_identities() if data.held_out is None else frozenset(data.held_out)


def choose_people(people: Iterable[str], seed: int) -> frozenset[str]:
    """Whom to hold out: a tenth, one to five; few of them change when people are added."""
    by_chance = sorted(people, key=lambda name: sha256(f"{seed} {name}".encode()).digest())
    count = max(1, min(MAX_HELD_OUT, int(HELD_OUT_SHARE * len(by_chance))))
    return frozenset(by_chance[:count])


def training_stills(data: DataConfig, held_out: frozenset[str]) -> tuple[Footage, ...]:
    """Stills of everybody who is not held out, neither by name nor as one of these people.

    Raises:
        DataError: There are none.
    """
    found = [still for root in data.roots for still in find_stills(root)]
    stills, _ = split_by_identity(found, held_out_people(data) | held_out)
    if not stills:
        raise DataError(
            f"{', '.join(map(str, data.roots))}: no stills, expected some for data.still_share "
            f"{data.still_share}. Name their folder with another --data, or leave them out with "
            "--set data.still_share=0."
        )
    return stills[: data.max_stills]


def _clips_of(root: Path) -> tuple[Footage, ...]:
    """Clips of a folder; none where it holds stills alone."""
    try:
        return find_clips(root)
    except DataError:
        if find_stills(root):
            return ()
        raise


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
    portraits: StillStore,
    device: torch.device,
    clips: Sequence[Footage],
    sidecars: Sequence[SideCar],
) -> StillRenderer:
    from reenact.data.expressions import build_expression_bank
    from reenact.data.portrait_mesh import load_head_mesh
    from reenact.data.rerender import StillRenderer

    bank = build_expression_bank(
        sidecars, [clip.identity for clip in clips], load_head_mesh(device)
    )
    return StillRenderer(portraits, bank)
