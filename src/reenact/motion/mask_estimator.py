"""Decides which part's motion each pixel follows, and what the source does not show (eq. 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reenact.layers.adain import AdaINRes
from reenact.layers.blocks import DownRes, UpRes
from reenact.layers.grid import gaussian_heatmaps, sample
from reenact.layers.hourglass import Hourglass
from reenact.layers.precision import full_precision
from reenact.records import Keypoints

_KERNEL = 7


def motion_cues(
    image: Tensor, source: Keypoints, driving: Keypoints, flows: Tensor, variance: float = 0.01
) -> Tensor:
    """What the mask estimators look at (method.md 4.2): (B, 4 (K+1), H, W).

    For the background and for every keypoint: where it appeared minus where it left, and the source
    picture (B, 3, H, W) moved by its local flow (B, K+1, H, W, 2).
    """
    batch, parts, height, width = flows.shape[:4]
    arrived = gaussian_heatmaps(driving.points, (height, width), variance)
    left = gaussian_heatmaps(source.points, (height, width), variance)
    heat = torch.cat([torch.zeros_like(arrived[:, :1]), arrived - left], dim=1)
    # All K+1 flows as one tall one: the picture is looked up in place, not copied K+1 times.
    moved = sample(image, flows.reshape(batch, parts * height, width, 2))
    moved = moved.reshape(batch, 3, parts, height, width).transpose(1, 2)
    return torch.cat([heat.unsqueeze(2), moved], dim=2).flatten(1, 2)


class PoseAwareMaskEstimator(nn.Module):
    """Masks and occlusion from the cues and the driving head pose (method.md 4.4)."""

    def __init__(
        self,
        num_keypoints: int,
        pose_width: int,
        widths: tuple[int, int, int] = (128, 256, 512),
        last: int = 64,
    ) -> None:
        super().__init__()
        cues = 4 * (num_keypoints + 1)
        wide, wider, widest = widths
        self.down1 = DownRes(cues, wide, activate_first=False)
        self.down2 = DownRes(wide, wider)
        self.down3 = DownRes(wider, widest)
        self.pose = AdaINRes(widest, pose_width)
        self.up1 = UpRes(widest, wider)
        self.up2 = UpRes(2 * wider, wide)
        self.up3 = UpRes(2 * wide, last)
        self.head = MaskHead(last + cues, num_keypoints)

    def forward(self, cues: Tensor, pose: Tensor) -> tuple[Tensor, Tensor]:
        """Cues (B, 4 (K+1), H, W) and standardised pose (B, P) to masks and an occlusion logit.

        Masks (B, K+1, H, W) sum to 1 over axis 1; the logit is (B, 1, H, W), high where visible.
        """
        with full_precision(cues):
            cues, pose = cues.float(), pose.float()
            half = self.down1(cues)
            quarter = self.down2(half)
            eighth = self.pose(self.down3(quarter), pose)
            hidden = torch.cat([self.up1(eighth), quarter], dim=1)
            hidden = torch.cat([self.up2(hidden), half], dim=1)
            hidden = torch.cat([self.up3(hidden), cues], dim=1)
            masks: tuple[Tensor, Tensor] = self.head(hidden)
            return masks


class HourglassMaskEstimator(nn.Module):
    """Masks and occlusion from the cues alone; the baseline (method.md 4.3)."""

    def __init__(
        self, num_keypoints: int, base: int = 64, max_width: int = 1024, blocks: int = 5
    ) -> None:
        super().__init__()
        cues = 4 * (num_keypoints + 1)
        self.hourglass = Hourglass(base, in_channels=cues, max_width=max_width, blocks=blocks)
        self.head = MaskHead(self.hourglass.out_channels, num_keypoints)

    def forward(self, cues: Tensor, pose: Tensor) -> tuple[Tensor, Tensor]:
        """As `PoseAwareMaskEstimator`, except that the pose has no say."""
        with full_precision(cues):
            masks: tuple[Tensor, Tensor] = self.head(self.hourglass(cues.float()))
            return masks


class MaskHead(nn.Module):
    """One convolution for the masks and the occlusion logit."""

    def __init__(self, in_channels: int, num_keypoints: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, num_keypoints + 2, _KERNEL, padding=_KERNEL // 2)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) to masks (B, K+1, H, W) and a logit (B, 1, H, W)."""
        scores = self.conv(features)
        return scores[:, :-1].softmax(dim=1), scores[:, -1:]
