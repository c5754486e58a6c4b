"""What a generated frame is judged by; every loss is a plain value, weighted in `step.py` alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reenact.layers.grid import AntiAliasDownsample, sample
from reenact.layers.precision import full_precision
from reenact.perception.features import FeatureNetwork
from reenact.records import REGIONS, Parsing

EXPRESSIVE_LABELS = tuple(
    REGIONS.index(name) + 1
    for name in ("left eye", "right eye", "mouth interior", "upper lip", "lower lip")
)
MARGIN = 0.015
"""How far around eyes and mouth the face still shows what they do, in widths of the picture."""


class PerceptualLoss(nn.Module):
    """How differently a frozen network sees two pictures, at several sizes (L_p, method.md 12)."""

    def __init__(
        self, features: FeatureNetwork, pyramid: Sequence[float], layers: Sequence[float] = ()
    ) -> None:
        """What the maps count, finest first, is in `layers`; all the same where it is empty."""
        super().__init__()
        self.features = features
        self.magnitudes = features.MAGNITUDES
        self.layers = tuple(layers) or (1.0,) * len(self.magnitudes)
        self.pyramid = nn.ModuleList(AntiAliasDownsample(3, scale) for scale in pyramid)

    def forward(self, frame: Tensor, driving: Tensor, weights: Tensor | None = None) -> Tensor:
        """Sum over sizes and maps of the mean difference, each map over its usual magnitude.

        Args:
            frame, driving: (B, 3, H, W) in [0, 1].
            weights: (B, 1, H, W) of the places in the means; 1 everywhere where it is not given.
        """
        total = frame.new_zeros(())
        for shrink in self.pyramid:
            seen = self.features(shrink(frame))
            with torch.no_grad():
                wanted = self.features(shrink(driving))
            maps = zip(seen, wanted, self.magnitudes, self.layers, strict=True)
            for mine, theirs, magnitude, layer in maps:
                # The maps may be bfloat16, and so their difference: its sign is exact, and the sum
                # is one of float32.
                difference = (mine - theirs).abs()
                if weights is not None:
                    places = F.adaptive_avg_pool2d(weights, difference.shape[-2:])
                    difference = difference * places.to(difference.dtype)
                total = total + layer * difference.mean(dtype=torch.float32) / magnitude
        return total


def pixel_loss(frame: Tensor, driving: Tensor, weights: Tensor | float = 1.0) -> Tensor:
    """Mean absolute difference of two pictures (B, 3, H, W), weighted by a map (B, 1, H, W)."""
    return ((frame.float() - driving.float()).abs() * weights).mean()


def expressive_area(parsing: Parsing) -> Tensor:
    """Eyes and mouth with what moves around them: (B, 1, H, W), 1 there and 0 elsewhere."""
    labels = parsing.labels.unsqueeze(1)
    parts = torch.zeros_like(labels, dtype=torch.float32)
    for label in EXPRESSIVE_LABELS:
        parts = parts + (labels == label)
    reach = 2 * round(MARGIN * labels.shape[-1]) + 1
    across = F.max_pool2d(parts, (1, reach), stride=1, padding=(0, reach // 2))
    return F.max_pool2d(across, (reach, 1), stride=1, padding=(reach // 2, 0))


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
