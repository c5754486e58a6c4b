"""Pairs drawn from the stores: a person first, then an item, then two moments."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from reenact.data.pairs import PairBatch, to_unit_range
from reenact.data.store import ClipStore, StillStore, scaled


class Rerenderer(Protocol):
    """Turns stills into pairs of moments (`reenact.data.rerender`)."""

    def render(self, index: Tensor, generator: torch.Generator) -> PairBatch:
        """Two random moments of each of the stills numbered index (B,)."""
        ...


class ClipPairs:
    """Two moments of one clip, the earlier one as the source (method.md 13)."""

    def __init__(self, store: ClipStore) -> None:
        self.store = store

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """Pairs with both frames drawn evenly from a clip, with replacement."""
        store = self.store
        clip = store.identities.draw(count, generator)
        chance = torch.rand(count, 2, generator=generator, device=store.device)
        moments = scaled(chance, store.lengths[clip].unsqueeze(1)).sort(dim=1).values
        source, driving = (store.starts[clip].unsqueeze(1) + moments).unbind(1)
        return clip_pairs(store, source, driving)


class StillPairs:
    """Two re-rendered moments of one still."""

    def __init__(self, store: StillStore, rerenderer: Rerenderer) -> None:
        self.store = store
        self.rerenderer = rerenderer

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """Pairs of stills, every person equally often; never the same picture twice."""
        still = self.store.identities.draw(count, generator)
        return self.rerenderer.render(still, generator)


def clip_pairs(store: ClipStore, source: Tensor, driving: Tensor) -> PairBatch:
    """The pairs of frames numbered source (B,) and driving (B,) in the store."""
    return PairBatch(
        source=to_unit_range(store.frames[source]),
        driving=to_unit_range(store.frames[driving]),
        source_parsing=store.parsing[source],
        driving_parsing=store.parsing[driving],
        source_pose=store.pose[source],
        driving_pose=store.pose[driving],
        source_points=store.points[source],
        driving_points=store.points[driving],
        point_weights=(store.visible[source] & store.visible[driving]).float(),
    )
