"""What a generated frame is judged by; every loss is a plain value, weighted in `step.py` alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reenact.layers.grid import AntiAliasDownsample, sample
from reenact.layers.precision import full_precision
from reenact.perception.features import FeatureNetwork


class PerceptualLoss(nn.Module):
    """How differently a frozen network sees two pictures, at several sizes (L_p, method.md 12)."""

    def __init__(self, features: FeatureNetwork, pyramid: Sequence[float]) -> None:
        super().__init__()
        self.features = features
        self.magnitudes = features.MAGNITUDES
        self.pyramid = nn.ModuleList(AntiAliasDownsample(3, scale) for scale in pyramid)

    def forward(self, frame: Tensor, driving: Tensor) -> Tensor:
        """Sum over sizes and maps of the mean difference, each map over its usual magnitude."""
        total = frame.new_zeros(())
        for shrink in self.pyramid:
            seen = self.features(shrink(frame))
            with torch.no_grad():
                wanted = self.features(shrink(driving))
            for mine, theirs, magnitude in zip(seen, wanted, self.magnitudes, strict=True):
                # The maps may be bfloat16, and so their difference: its sign is exact, and the sum
                # is one of float32.
                difference = (mine - theirs).abs().mean(dtype=torch.float32)
                total = total + difference / magnitude
        return total


def pixel_loss(frame: Tensor, driving: Tensor) -> Tensor:
    """Mean absolute difference of two pictures (B, 3, H, W)."""
    return (frame.float() - driving.float()).abs().mean()


def flow_loss(
    flow: Tensor, source_points: Tensor, driving_points: Tensor, weights: Tensor
) -> Tensor:
    """How far from the known source points the flow leads the known driving points.

    Flow (B, H, W, 2), points (B, L, 2) in [-1, 1], weights (B, L); the mean distance over the
    points that count, along x plus along y, in units of the coordinates.
    """
    with full_precision(flow):
        led = sample(flow.movedim(-1, 1), driving_points.unsqueeze(1), padding="border")
        error = (led.squeeze(2).movedim(1, -1) - source_points).abs().sum(-1)
        return (error * weights).sum() / weights.sum().clamp_min(1.0)


def psnr(frame: Tensor, driving: Tensor) -> Tensor:
    """Peak signal to noise ratio of each picture in decibels: (B, 3, H, W) in [0, 1] to (B,)."""
    error = F.mse_loss(frame.float(), driving.float(), reduction="none").mean(dim=(1, 2, 3))
    return -10 * torch.log10(error.clamp_min(1e-10))
