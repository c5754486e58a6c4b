"""Where the facelets look: attention of every region's token inside and outside of its region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch

from reenact.evaluation.clips import ScoredClip
from reenact.evaluation.methods import ReenactmentModel, render_with
from reenact.evaluation.thinning import NOT_THINNED, Thinning
from reenact.facelet.localization import RegionAttention, region_attention
from reenact.records import REGIONS, Parser, Parsing

STRIDE = 4
"""Frames from one look to the next."""


@dataclass(frozen=True)
class RegionScore:
    """Mean attention that the token of one region got in one frame."""

    clip: str
    identity: str
    frame: int
    size: int
    """Pixels on a side of the attention map."""
    region: str
    inside: float
    """Mean over the pixels of the region, in [0, 1]."""
    outside: float
    """Mean over all other pixels."""


@torch.no_grad()
def watch_attention(
    model: ReenactmentModel,
    clips: Iterable[ScoredClip],
    parser: Parser,
    device: torch.device,
    batch_size: int = 32,
    thinning: Thinning = NOT_THINNED,
) -> Iterator[RegionScore]:
    """Attention while frame 0 of every clip is driven by every fourth of frames 1 to 199.

    Regions that the driving frame does not show give no row; a model without facelets gives none.
    """
    for clip in clips:
        render = render_with(model, clip.pictures(slice(0, 1), device))
        for numbers in thinning.choose(len(clip), every=STRIDE).split(batch_size):
            compensation = render(clip.pictures(numbers, device)).compensation
            if compensation is None:
                return
            parsing = Parsing(clip.parsing(numbers, parser, device))
            regions = region_attention(compensation.attention, parsing)
            sizes = [maps.shape[-1] for maps in compensation.attention]
            yield from _rows(clip, numbers.tolist(), sizes, regions)


def _rows(
    clip: ScoredClip, numbers: list[int], sizes: list[int], regions: RegionAttention
) -> Iterator[RegionScore]:
    regions = regions.to("cpu")
    for sample, frame in enumerate(numbers):
        for scale, size in enumerate(sizes):
            for region in regions.present[sample].nonzero().flatten().tolist():
                yield RegionScore(
                    clip=clip.name,
                    identity=clip.identity,
                    frame=frame,
                    size=size,
                    region=REGIONS[region],
                    inside=float(regions.inside[sample, scale, region]),
                    outside=float(regions.outside[sample, scale, region]),
                )
