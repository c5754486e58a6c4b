"""Blocks steered by the head pose: adaptive instance norm (method.md 2)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from reenact.layers.blocks import upsample, upsampled_conv
from reenact.layers.layout import keep_gradient_layout, layout_of


class AdaIN(nn.Module):
    """Instance norm whose scale and shift come from the pose code: (1 + gamma(p)) IN(x) + beta(p).

    Starts as plain instance norm, whatever the pose: the last layers are zero.
    """

    def __init__(self, channels: int, pose_width: int, hidden: int = 128) -> None:
        super().__init__()
        self.shared = nn.Linear(pose_width, hidden)
        self.gamma = nn.Linear(hidden, channels)
        self.beta = nn.Linear(hidden, channels)
        for head in (self.gamma, self.beta):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)

    def forward(self, features: Tensor, pose: Tensor) -> Tensor:
        """Features (B, C, H, W) and standardised pose (B, P) to (B, C, H, W)."""
        code = F.relu(self.shared(pose))
        scale, shift = 1 + self.gamma(code).float(), self.beta(code).float()
        # Instance norm is the batch norm of one picture with B C channels, and that one scales and
        # shifts in the same pass, in float32 whatever the features are in.
        maps = keep_gradient_layout(features).reshape(1, -1, *features.shape[-2:])
        normed = F.batch_norm(maps, None, None, scale.flatten(), shift.flatten(), training=True)
        return normed.view(features.shape).contiguous(memory_format=layout_of(features))


class AdaINRes(nn.Module):
    """Residual block at one size and width, steered by the pose."""

    def __init__(self, channels: int, pose_width: int) -> None:
        super().__init__()
        self.norm1 = AdaIN(channels, pose_width)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = AdaIN(channels, pose_width)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor, pose: Tensor) -> Tensor:
        """(B, C, H, W) and (B, P) to (B, C, H, W)."""
        hidden = self.conv1(F.relu(self.norm1(features, pose)))
        residual: Tensor = self.conv2(F.relu(self.norm2(hidden, pose)))
        return features + residual


class AdaINUpRes(nn.Module):
    """Residual block that doubles the size, steered by the pose."""

    def __init__(self, in_channels: int, out_channels: int, pose_width: int) -> None:
        super().__init__()
        self.norm1 = AdaIN(in_channels, pose_width)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = AdaIN(out_channels, pose_width)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.skip = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, features: Tensor, pose: Tensor) -> Tensor:
        """(B, C, H, W) and (B, P) to (B, C', 2H, 2W)."""
        hidden = upsampled_conv(self.conv1, F.relu(self.norm1(features, pose)))
        residual: Tensor = self.conv2(F.relu(self.norm2(hidden, pose)))
        shortcut = upsample(self.skip(features))
        return residual + shortcut
