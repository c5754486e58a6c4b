"""Which frames of a clip are scored: all that a protocol asks for, or fewer to save time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LAST_FRAME = 199
"""Longer clips are scored up to here, so that none outweighs the others by much."""


@dataclass(frozen=True)
class Thinning:
    """A wish for fewer frames; none by default."""

    every: int | None = None
    """Frames from one that is scored to the next; None leaves it to the protocol."""
    frames: int | None = None
    """At most so many of each clip, spread over it; None for no limit."""

    def choose(self, length: int, first: int = 1, every: int = 1) -> Tensor:
        """Numbers (N,) of the frames to score of a clip, from `first` to at most 199.

        `every` is the protocol's own step.
        """
        numbers = torch.arange(first, min(length, LAST_FRAME + 1), self.every or every)
        if self.frames is None or self.frames >= len(numbers):
            return numbers
        spread = torch.arange(self.frames) * len(numbers) // self.frames
        return numbers[spread]

    def label(self, every: int = 1) -> str:
        """What a table says of it; empty where every frame of the protocol is scored."""
        wishes = []
        if self.every is not None and self.every != every:
            wishes.append(f"every {self.every} frames")
        if self.frames is not None:
            wishes.append(f"at most {self.frames} frames a clip")
        return f"thinned to {', '.join(wishes)}: not the protocol's frames" if wishes else ""


NOT_THINNED = Thinning()
"""Every frame that a protocol asks for."""
