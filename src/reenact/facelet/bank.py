"""Remembers what each region of the source face looks like (eq. 5-9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from reenact.config import ModelConfig
from reenact.facelet.pooling import region_average_pool
from reenact.facelet.regions import MIN_AREA, MaskResize, present_regions, resize_masks
from reenact.facelet.transformer import Residual, TransformerLayer
from reenact.records import MIRROR_REGION, NUM_REGIONS, FaceletBank, Parsing

Absent = Literal["mirror", "learned", "zero"]


class FaceletEncoder(nn.Module):
    """Makes the facelet bank: one token per region at each of the coarser scales."""

    def __init__(
        self,
        feature_widths: Sequence[int],
        width: int = 512,
        heads: int = 8,
        feed_forward: int = 2048,
        *,
        residual: Residual = "printed",
        mask_resize: MaskResize = "area",
        min_area: float = MIN_AREA,
        absent: Absent = "mirror",
    ) -> None:
        super().__init__()
        self.tokens = nn.ModuleList(RegionTokens(wide, width, absent) for wide in feature_widths)
        self.mixers = nn.ModuleList(
            TransformerLayer(width, heads, feed_forward, residual) for _ in feature_widths
        )
        self.mask_resize = mask_resize
        self.min_area = min_area

    def forward(self, features: Sequence[Tensor], parsing: Parsing) -> FaceletBank:
        """Source features (B, C_i, H_i, W_i), coarsest first, and parsing to the bank.

        Features beyond the scales of the bank are left alone.
        """
        masks = parsing.masks()
        present = present_regions(masks, self.min_area)
        # A softmax over nothing is NaN: a face without any region attends to all its tokens.
        attended = present | ~present.any(dim=1, keepdim=True)
        scales = []
        for tokens, mixer, feature in zip(self.tokens, self.mixers, features, strict=False):
            size = (feature.shape[-2], feature.shape[-1])
            average = region_average_pool(feature, resize_masks(masks, size, self.mask_resize))
            scales.append(mixer(tokens(average, present), attended))
        return FaceletBank(tokens=torch.stack(scales, dim=1).float(), present=present)


class RegionTokens(nn.Module):
    """Region averages of one scale to tokens, with a stand-in for the regions nobody sees.

    An unseen region takes the content of its mirror region; where that is unseen too, or there is
    none, a learned one. Either way the token says which region it is (method.md 8.4).
    """

    mirror: Tensor

    def __init__(self, in_width: int, width: int, absent: Absent = "mirror") -> None:
        super().__init__()
        self.absent = absent
        self.first = nn.Linear(in_width, width)
        self.second = nn.Linear(width, width)
        self.region = nn.Parameter(torch.randn(NUM_REGIONS, width).mul_(0.02))
        self.mirrored = nn.Parameter(torch.randn(width).mul_(0.02))
        self.missing = nn.Parameter(torch.randn(width).mul_(0.02))
        self.register_buffer("mirror", torch.tensor(MIRROR_REGION), persistent=False)

    def forward(self, average: Tensor, present: Tensor) -> Tensor:
        """Averages (B, R, C) and presence (B, R) bool to tokens (B, R, D)."""
        content = self.second(torch.relu(self.first(average)))
        present = present.unsqueeze(-1)
        if self.absent == "zero":
            return torch.where(present, content + self.region, 0)
        stand_in = self.missing.to(content.dtype)
        if self.absent == "mirror":
            reflected = content.index_select(1, self.mirror) + self.mirrored.to(content.dtype)
            stand_in = torch.where(present[:, self.mirror], reflected, stand_in)
        return torch.where(present, content, stand_in) + self.region


def build_bank(config: ModelConfig) -> FaceletEncoder:
    """The bank of a model, for the scales that its compensation fills."""
    bank = config.bank
    return FaceletEncoder(
        config.filled_widths,
        width=bank.width,
        heads=bank.heads,
        feed_forward=bank.feed_forward,
        residual=bank.residual,
        mask_resize=bank.mask_resize,
        min_area=bank.min_area,
        absent=bank.absent,
    )
