"""Pairs that are dear to make, used more than once."""

from __future__ import annotations

import torch
from torch import Tensor

from reenact.data.pairs import PairBatch, PairSource, concatenate, to_unit_range
from reenact.data.store import scaled


class PairPool:
    """Makes a share of every batch anew and takes the others from the last ones it made.

    Every pair is seen about 1 / fresh times, each time with another augmentation. Pictures are
    kept as uint8. What is in the pool depends on all earlier draws, so a run that goes on after an
    interruption sees other pairs than one that was not interrupted.
    """

    def __init__(self, source: PairSource, fresh: float, capacity: int) -> None:
        """Keep the last `capacity` pairs; fresh in (0, 1] is the share of new ones in a batch."""
        assert 0 < fresh <= 1
        self.source = source
        self.fresh = fresh
        self.capacity = capacity
        self._kept: tuple[Tensor, ...] = ()
        self._made = 0

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """New pairs first, then kept ones; as many new ones as are wanted while it is filling."""
        filling = self._made < self.capacity
        wanted = count if filling else max(1, round(count * self.fresh))
        made = self.source.draw(wanted, generator)
        self._keep(made)
        return (
            made if wanted == count else concatenate([made, self._take(count - wanted, generator)])
        )

    def _keep(self, batch: PairBatch) -> None:
        stored = [_stored(tensor) for tensor in batch.tensors()]
        if not self._kept:
            self._kept = tuple(t.new_zeros(self.capacity, *t.shape[1:]) for t in stored)
        start = self._made % self.capacity
        room = min(len(batch), self.capacity - start)
        for kept, tensor in zip(self._kept, stored, strict=True):
            kept[start : start + room] = tensor[:room]
            kept[: len(batch) - room] = tensor[room:]
        self._made += len(batch)

    def _take(self, count: int, generator: torch.Generator) -> PairBatch:
        device = self._kept[0].device
        chance = torch.rand(count, generator=generator, device=device)
        index = scaled(chance, torch.full_like(chance, self.capacity).long())
        source, driving, *rest = (kept[index] for kept in self._kept)
        return PairBatch(to_unit_range(source), to_unit_range(driving), *rest)


def _stored(tensor: Tensor) -> Tensor:
    """Pictures as uint8, everything else as it is."""
    is_picture = tensor.ndim == 4
    return (tensor * 255).round_().clamp_(0, 255).to(torch.uint8) if is_picture else tensor
