"""Same-identity reconstruction: the first frame of a clip, driven by the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from reenact.evaluation.clips import ScoredClip
from reenact.evaluation.methods import Method
from reenact.evaluation.metrics import score
from reenact.perception.features import SqueezeNetFeatures

LAST_FRAME = 199
"""Longer clips are scored up to here, so that none outweighs the others by much."""


@dataclass(frozen=True)
class FrameScore:
    """How close one generated frame is to the true one."""

    method: str
    clip: str
    identity: str
    frame: int
    psnr: float
    ssim: float
    l1: float
    sqz_dist: float


@torch.no_grad()
def reconstruct(
    methods: Mapping[str, Method],
    clips: Iterable[ScoredClip],
    features: SqueezeNetFeatures | None,
    device: torch.device,
    batch_size: int = 32,
) -> Iterator[FrameScore]:
    """Score every method on frames 1 to 199 of every clip, absolute motion.

    Frame 0 is the source and not scored: it would flatter every method.
    """
    for clip in clips:
        source = clip.pictures(slice(0, 1), device)
        draws = {name: method(source) for name, method in methods.items()}
        scored = torch.arange(1, min(len(clip), LAST_FRAME + 1))
        for numbers in scored.split(batch_size):
            truth = clip.pictures(numbers, device)
            for name, draw in draws.items():
                scores = score(draw(truth), truth, features)
                for number, values in zip(numbers.tolist(), scores.rows(), strict=True):
                    yield FrameScore(name, clip.name, clip.identity, number, *values)


def blank_failures(rows: Iterable[FrameScore]) -> list[FrameScore]:
    """Scores without those of frames on which any method failed: NaN there for all methods.

    So all are compared on the same frames, and the number of these failures stays known.
    """
    everything = list(rows)
    failed = {(row.clip, row.frame) for row in everything if not math.isfinite(row.psnr)}
    nan = math.nan
    return [
        replace(row, psnr=nan, ssim=nan, l1=nan, sqz_dist=nan)
        if (row.clip, row.frame) in failed
        else row
        for row in everything
    ]
