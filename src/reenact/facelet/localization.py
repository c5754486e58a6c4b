"""Teaches every facelet token where its region is in the driving frame (eq. 12)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from reenact.facelet.regions import MIN_AREA, present_regions, resize_masks
from reenact.layers.precision import full_precision
from reenact.records import Parsing, Record

Sign = Literal["corrected", "printed"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RegionAttention(Record):
    """How much attention the token of a region gets inside and outside of it."""

    inside: Tensor
    """(B, S, R) in [0, 1]: mean over the pixels of the region (mu_in)."""
    outside: Tensor
    """(B, S, R) in [0, 1]: mean over all other pixels (mu_out)."""
    present: Tensor
    """(B, R) bool: which regions the frame shows; the others mean nothing."""


def region_attention(
    attention: Sequence[Tensor], parsing: Parsing, min_area: float = MIN_AREA, eps: float = 1e-5
) -> RegionAttention:
    """Compare attention maps (B, R, H_i, W_i) with the parsing of the *driving* frame.

    Regions that only the source lacks count as present: there compensation has to work.
    """
    masks = parsing.masks()
    inside, outside = [], []
    with full_precision(masks):
        for maps in attention:
            mask = resize_masks(masks, (maps.shape[-2], maps.shape[-1]))
            area = mask.sum((-2, -1))
            rest = mask.shape[-2] * mask.shape[-1] - area
            total = maps.float().sum((-2, -1))
            hit = (maps.float() * mask).sum((-2, -1))
            inside.append(hit / (area + eps))
            outside.append((total - hit) / (rest + eps))
    return RegionAttention(
        inside=torch.stack(inside, dim=1),
        outside=torch.stack(outside, dim=1),
        present=present_regions(masks, min_area),
    )


def localization_loss(regions: RegionAttention, sign: Sign = "corrected") -> Tensor:
    """Attention missing inside plus attention spent outside, over present regions (eq. 12).

    1 - mu_in + mu_out, in [0, 2]. The paper prints the other sign, which drives attention out of
    its region when minimised; `printed` is for the record.
    """
    if sign == "printed":
        _warn_of_printed_sign()
        error = regions.inside - regions.outside
    else:
        error = 1 - regions.inside + regions.outside
    present = regions.present.unsqueeze(1)
    count = present.sum(-1).clamp(min=1)
    return (torch.where(present, error, 0).sum(-1) / count).mean()


@cache
def _warn_of_printed_sign() -> None:
    """Once a process."""
    _log.warning("localization loss: the printed sign drives attention out of its region")
