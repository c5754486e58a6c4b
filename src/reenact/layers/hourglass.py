"""The U-shaped network behind keypoints and the baseline's masks (method.md 3.1, 4.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reenact.layers.blocks import Down, Up


class Hourglass(nn.Module):
    """Halves the size `blocks` times and comes back, with a skip at every size.

    The last skip is the input itself, so the output has `base + in_channels` channels.
    """

    def __init__(self, base: int, in_channels: int, max_width: int, blocks: int) -> None:
        super().__init__()
        widths = [min(max_width, base * 2**level) for level in range(1, blocks + 1)]
        inward = [in_channels, *widths]
        self.down_blocks = nn.ModuleList(
            Down(inward[level], inward[level + 1]) for level in range(blocks)
        )
        outward = [base, *widths]
        self.up_blocks = nn.ModuleList(
            Up(outward[level] * (1 if level == blocks else 2), outward[level - 1])
            for level in range(blocks, 0, -1)
        )
        self.out_channels = base + in_channels

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, base + C, H, W)."""
        skips = [features]
        for down in self.down_blocks:
            skips.append(down(skips[-1]))
        hidden = skips.pop()
        for up in self.up_blocks:
            hidden = torch.cat([up(hidden), skips.pop()], dim=1)
        return hidden
