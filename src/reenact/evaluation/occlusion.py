"""Do facelets pay: the error where the driving frame shows what the source hides.

Pairs are two frames of a clip with the source turned away and the head turned on far enough. Only
regions that the driving frame shows and the source does not are compared (evaluation.md C7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reenact.evaluation.clips import ScoredClip
from reenact.evaluation.methods import Method
from reenact.evaluation.metrics import l1, masked_l1
from reenact.facelet.regions import present_regions
from reenact.records import FloatArray, IntArray, Parser, Parsing, Record

PAIRS_PER_CLIP = 100
MIN_GAP = 10
"""Frames that source and driving frame are apart."""
MIN_YAW = 25.0
"""Degrees, as the mesh reads them, that the source is turned away."""
MIN_TURN = 25.0
"""Degrees of yaw between source and driving frame."""


@dataclass(frozen=True)
class PairScore:
    """How close one generated frame comes to the true one where the source is no help."""

    method: str
    clip: str
    identity: str
    source_frame: int
    driving_frame: int
    hidden_regions: int
    """Regions that the driving frame shows and the source does not."""
    hidden_pixels: float
    """Pixels of these in the driving frame."""
    hidden_l1: float
    """Mean absolute difference inside them."""
    l1: float
    """Over the whole frame."""


@dataclass(frozen=True, eq=False)
class OcclusionPairs(Record):
    """Some pairs of frames, or of a photograph and what was drawn from it."""

    source: Tensor
    """(B, 3, H, W) in [0, 1]."""
    driving: Tensor
    """(B, 3, H, W) in [0, 1]."""
    source_parsing: Parsing
    driving_parsing: Parsing
    clips: tuple[str, ...]
    """Of B pairs, as the next two."""
    identities: tuple[str, ...]
    frames: tuple[tuple[int, int], ...]
    """Numbers of source and driving frame."""

    def hidden(self) -> Tensor:
        """Which regions the driving frames show and the sources do not: (B, R) bool."""
        shown = present_regions(self.driving_parsing.masks())
        return shown & ~present_regions(self.source_parsing.masks())


def select_pairs(
    yaw: FloatArray, chance: np.random.Generator, limit: int = PAIRS_PER_CLIP
) -> IntArray:
    """Numbers (N, 2) of source and driving frames of a clip with these yaws (T,), in degrees."""
    frames = np.arange(len(yaw))
    apart = np.abs(frames[:, None] - frames[None, :]) >= MIN_GAP
    turned = np.abs(yaw)[:, None] >= MIN_YAW
    turning = np.abs(yaw[:, None] - yaw[None, :]) >= MIN_TURN  # False where a yaw is NaN
    pairs = np.argwhere(apart & turned & turning)
    if len(pairs) > limit:
        pairs = pairs[np.sort(chance.choice(len(pairs), size=limit, replace=False))]
    return pairs


def clip_pairs(
    clips: Iterable[ScoredClip],
    parser: Parser,
    device: torch.device,
    chance: np.random.Generator,
    batch_size: int = 32,
) -> Iterator[OcclusionPairs]:
    """Pairs of turned heads from clips; clips without a yaw or without a turn give none."""
    for clip in clips:
        if clip.yaw is None:
            continue
        for numbers in torch.from_numpy(select_pairs(clip.yaw, chance)).split(batch_size):
            source, driving = numbers.unbind(dim=1)
            if not len(numbers):
                continue
            yield OcclusionPairs(
                source=clip.pictures(source, device),
                driving=clip.pictures(driving, device),
                source_parsing=Parsing(clip.parsing(source, parser, device)),
                driving_parsing=Parsing(clip.parsing(driving, parser, device)),
                clips=(clip.name,) * len(numbers),
                identities=(clip.identity,) * len(numbers),
                frames=tuple((int(one), int(other)) for one, other in numbers),
            )


@torch.no_grad()
def score_hidden(
    methods: Mapping[str, Method], batches: Iterable[OcclusionPairs]
) -> Iterator[PairScore]:
    """Score every method on every pair; NaN where nothing that the frame shows was hidden."""
    for pairs in batches:
        hidden = pairs.hidden()
        masks = pairs.driving_parsing.masks() * hidden[..., None, None]
        inside = masks.sum(dim=1)
        for name, method in methods.items():
            frames = method(pairs.source)(pairs.driving).float().clamp(0, 1)
            columns = (
                hidden.sum(dim=1).tolist(),
                inside.sum(dim=(1, 2)).tolist(),
                masked_l1(frames, pairs.driving, inside).tolist(),
                l1(frames, pairs.driving).tolist(),
            )
            rows = zip(pairs.clips, pairs.identities, pairs.frames, *columns, strict=True)
            for clip, identity, numbers, *values in rows:
                yield PairScore(name, clip, identity, *numbers, *values)
