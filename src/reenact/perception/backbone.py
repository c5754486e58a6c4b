"""Small convolutional blocks of the face reader and the backbone made of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and (unless linear) a SiLU; keeps the size at stride 1."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, *, linear: bool = False
    ) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            *([] if linear else [nn.SiLU(inplace=True)]),
        )


class Residual(nn.Module):
    """Two full 3 x 3 convolutions through half the channels, beside a skip; for large maps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = ConvNorm(width, width // 2)
        self.second = ConvNorm(width // 2, width, linear=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return F.silu(x + self.second(self.first(x)))


class Inverted(nn.Module):
    """Widen, mix each channel in space (5 x 5), narrow; with a skip where the shape is kept."""

    def __init__(self, inputs: int, outputs: int, expand: int, stride: int = 1) -> None:
        super().__init__()
        wide = inputs * expand
        self.widen = ConvNorm(inputs, wide, 1)
        self.mix = nn.Sequential(
            nn.Conv2d(wide, wide, 5, stride, 2, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.SiLU(inplace=True),
        )
        self.narrow = ConvNorm(wide, outputs, 1, linear=True)
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H / stride, W / stride)."""
        y: Tensor = self.narrow(self.mix(self.widen(x)))
        return x + y if self.skip else y


class Backbone(nn.Module):
    """Picture to features at strides 2, 4, 8, 16 and 32, finest first."""

    def __init__(self, widths: Sequence[int], depths: Sequence[int], expand: int) -> None:
        super().__init__()
        stem, quarter, eighth, sixteenth, last = widths
        self.stem = ConvNorm(3, stem, stride=2)
        self.quarter = nn.Sequential(
            ConvNorm(stem, quarter, stride=2), *(Residual(quarter) for _ in range(depths[0]))
        )
        self.eighth = nn.Sequential(
            ConvNorm(quarter, eighth, stride=2),
            *(Residual(eighth) for _ in range(depths[1])),
        )
        self.sixteenth = _stage(eighth, sixteenth, depths[2], expand)
        self.last = _stage(sixteenth, last, depths[3], expand)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in [0, 1], H and W multiples of 32; five maps, finest first."""
        features = [self.stem(image * 4.0 - 2.0)]
        for stage in (self.quarter, self.eighth, self.sixteenth, self.last):
            features.append(stage(features[-1]))
        return features


def _stage(inputs: int, outputs: int, depth: int, expand: int) -> nn.Sequential:
    blocks = [Inverted(inputs, outputs, expand, stride=2)]
    blocks += [Inverted(outputs, outputs, expand) for _ in range(depth)]
    return nn.Sequential(*blocks)


class Lateral(nn.Module):
    """Add a finer map to an upsampled coarser one, then mix: the step of a feature pyramid."""

    def __init__(self, coarse: int, fine: int, width: int) -> None:
        super().__init__()
        self.down = ConvNorm(coarse, width, 1) if coarse != width else nn.Identity()
        self.side = ConvNorm(fine, width, 1, linear=True)
        self.mix = Inverted(width, width, 2)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """(B, C, H/2, W/2) and (B, C', H, W) to (B, width, H, W)."""
        up = F.interpolate(self.down(coarse), scale_factor=2, mode="bilinear", align_corners=False)
        mixed: Tensor = self.mix(up + self.side(fine))
        return mixed
