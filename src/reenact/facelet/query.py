"""What a pixel asks the facelet bank with (method.md 9.2)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reenact.layers.grid import Size, gaussian_heatmaps, resize_map
from reenact.records import Keypoints, MotionField


class LiteralQuery(nn.Module):
    """The paper's: a projection of the warped features, the same for every hidden pixel."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, width, 1)

    def forward(self, warped: Tensor, occlusion: Tensor, layout: Tensor, pose: Tensor) -> Tensor:
        """Warped features (B, C, H, W) to queries (B, d, H, W); the rest has no say."""
        query: Tensor = self.project(warped)
        return query


class ContextQuery(nn.Module):
    """Asks with the features where there are some, and with the layout of the frame where not.

    Hidden pixels have no features; where they lie among masks and keypoints tells an eye from an
    ear. The division undoes the dimming of half-hidden features, which a norm over the whole
    picture cannot.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        num_keypoints: int,
        pose_width: int,
        *,
        kernel: int = 3,
        modulation_width: int = 96,
        min_occlusion: float = 0.05,
    ) -> None:
        super().__init__()
        self.min_occlusion = min_occlusion
        self.norm = PoseGroupNorm(channels, pose_width, modulation_width)
        # One convolution over all of it, in two parts: the sum saves a concatenation.
        self.content = nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=False)
        self.layout = nn.Conv2d(2 * num_keypoints + 2, width, kernel, padding=kernel // 2)

    def forward(self, warped: Tensor, occlusion: Tensor, layout: Tensor, pose: Tensor) -> Tensor:
        """Queries (B, d, H, W).

        Warped features (B, C, H, W), occlusion (B, 1, H, W), `frame_layout` (B, 2K+2, H, W) and
        standardised pose (B, P).
        """
        bright = warped / occlusion.clamp(min=self.min_occlusion).to(warped.dtype)
        query: Tensor = self.content(self.norm(bright, pose)) + self.layout(layout)
        return query


class PoseGroupNorm(nn.Module):
    """Group norm with scale and shift from the pose code; starts without either."""

    def __init__(self, channels: int, pose_width: int, hidden: int) -> None:
        super().__init__()
        self.groups = math.gcd(32, channels)
        self.shared = nn.Linear(pose_width, hidden)
        self.modulation = nn.Linear(hidden, 2 * channels)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, features: Tensor, pose: Tensor) -> Tensor:
        """Features (B, C, H, W) and pose (B, P) to (B, C, H, W)."""
        normed = F.group_norm(features, self.groups).to(features.dtype)
        modulation = self.modulation(F.relu(self.shared(pose))).to(features.dtype)
        gamma, beta = modulation[..., None, None].chunk(2, dim=1)
        return torch.addcmul(beta, normed, 1 + gamma)


def frame_layout(motion: MotionField, driving: Keypoints, scale: int, variance: float) -> Tensor:
    """Where a pixel lies in the frame to be made: (B, 2K+2, H_i, W_i), float32.

    How visible it is, which part it follows, and how near the driving keypoints are.
    """
    occlusion = motion.occlusions[scale]
    size: Size = (occlusion.shape[-2], occlusion.shape[-1])
    masks = resize_map(motion.masks, size)
    bumps = gaussian_heatmaps(driving.points, size, variance)
    return torch.cat([occlusion.float(), masks.float(), bumps], dim=1)
