"""Pairs that are dear to make, used more than once."""

from __future__ import annotations

import torch
from torch import Tensor

from reenact.data.pairs import PairBatch, PairSource, concatenate, to_unit_range
from reenact.data.store import scaled


class PairPool:
    """Makes a share of the pairs anew and takes the others from the last ones it made.

    Every pair is seen about 1 / fresh times, each time with another augmentation. Pictures are
    kept as uint8. What is in the pool depends on all earlier draws, so a run that goes on after an
    interruption sees other pairs than one that was not interrupted.
    """

    def __init__(self, source: PairSource, fresh: float, capacity: int, block: int = 1) -> None:
        """Keep the last `capacity` pairs; fresh in (0, 1] is the mean share of new ones in a batch.

        Once the pool is full new ones are made when `block` of them are due.
        """
        assert 0 < fresh <= 1
        assert 1 <= block <= capacity
        self.source = source
        self.fresh = fresh
        self.capacity = capacity
        self.block = block
        self._due = 0.0
        self._kept: tuple[Tensor, ...] = ()
        self._made = 0

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """New pairs first, then kept ones; as many new ones as are wanted while it is filling."""
        wanted = self._wanted(count)
        if wanted == 0:
            return self._take(count, generator)
        made = self.source.draw(wanted, generator)
        self._keep(made)
        if wanted < count:
            return concatenate([made, self._take(count - wanted, generator)])
        return made if wanted == count else PairBatch(*(t[:count] for t in made.tensors()))

    def _wanted(self, count: int) -> int:
        """How many pairs to make now for a batch of count."""
        if self._made < self.capacity:
            return count
        self._due += count * self.fresh
        wanted = int(self._due) if self._due >= self.block else 0
        self._due -= wanted
        return wanted

    def _keep(self, batch: PairBatch) -> None:
        """Put the last pairs made in the places of the oldest."""
        stored = [_stored(tensor) for tensor in batch.tensors()]
        if not self._kept:
            self._kept = tuple(t.new_zeros(self.capacity, *t.shape[1:]) for t in stored)
        numbers = torch.arange(self._made, self._made + len(batch), device=stored[0].device)
        places = numbers[-self.capacity :] % self.capacity
        for kept, tensor in zip(self._kept, stored, strict=True):
            kept[places] = tensor[-self.capacity :]
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
