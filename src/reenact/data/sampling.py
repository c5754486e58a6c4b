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


CANDIDATES = 4
"""Moments of a clip among which the other one of a far pair is chosen."""


class ClipPairs:
    """Two moments of one clip, the earlier one as the source (method.md 13).

    People mostly hold their heads still: of a share of the pairs, the second moment is the one of a
    few in which the head is turned most from the first.
    """

    def __init__(self, store: ClipStore, far_share: float = 0.0) -> None:
        self.store = store
        self.far_share = far_share

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """Pairs of frames of a clip drawn evenly, with replacement, but for the far ones."""
        store = self.store
        clip = store.identities.draw(count, generator)
        chance = torch.rand(count, 1 + CANDIDATES, generator=generator, device=store.device)
        moments = scaled(chance, store.lengths[clip].unsqueeze(1))
        frames = store.starts[clip].unsqueeze(1) + moments
        first, others = frames[:, :1], frames[:, 1:]
        farthest = (store.pose[others] - store.pose[first])[..., :3].norm(dim=-1).argmax(1)
        far = torch.rand(count, generator=generator, device=store.device) < self.far_share
        second = others.gather(1, torch.where(far, farthest, 0).unsqueeze(1))
        source, driving = torch.cat([first, second], dim=1).sort(dim=1).values.unbind(1)
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
