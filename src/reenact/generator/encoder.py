"""Takes the source picture apart into features at five scales (method.md 7)."""

from __future__ import annotations

from torch import Tensor, nn

from reenact.layers.blocks import DownRes, Same


class SourceEncoder(nn.Module):
    """A stem at full size and `downs` residual blocks that halve it; runs once per source."""

    widths: tuple[int, ...]
    """Channels of the features, coarsest first (c_i)."""

    def __init__(self, base: int = 64, max_width: int = 512, downs: int = 4) -> None:
        super().__init__()
        widths = [min(max_width, base * 2**level) for level in range(downs + 1)]
        self.stem = Same(3, widths[0], kernel=7)
        self.blocks = nn.ModuleList(
            DownRes(widths[level], widths[level + 1]) for level in range(downs)
        )
        self.widths = tuple(reversed(widths))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) in [0, 1] to features (B, C_i, H_i, W_i), coarsest first (F_s)."""
        features = [self.stem(image)]
        for block in self.blocks:
            features.append(block(features[-1]))
        return tuple(reversed(features))
