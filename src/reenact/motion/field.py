"""From two sets of keypoints to where every pixel of the frame looks in the source."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reenact.layers.grid import AntiAliasDownsample, resize_flow, resize_map
from reenact.motion.local_flows import MIN_DETERMINANT, local_flows
from reenact.motion.mask_estimator import (
    HourglassMaskEstimator,
    PoseAwareMaskEstimator,
    motion_cues,
)
from reenact.records import Keypoints, MotionField

MaskEstimator = PoseAwareMaskEstimator | HourglassMaskEstimator


def blend_flows(masks: Tensor, flows: Tensor) -> Tensor:
    """Sum of the local flows weighted by the masks (eq. 3): (B, H, W, 2).

    Not an einsum, which may run in TF32: its ten bits would move a pixel by a sixteenth.
    """
    return (masks.unsqueeze(-1) * flows).sum(1)


class AffineMotion(nn.Module):
    """Affine motion of K parts: one flow and one occlusion at a quarter, resized to every scale."""

    def __init__(
        self,
        estimator: MaskEstimator,
        variance: float = 0.01,
        scales: int = 5,
        *,
        min_determinant: float = MIN_DETERMINANT,
    ) -> None:
        super().__init__()
        self.estimator = estimator
        self.variance = variance
        self.scales = scales
        self.min_determinant = min_determinant
        self.downsample = AntiAliasDownsample(3, scale=0.25)

    def forward(
        self, source_image: Tensor, source: Keypoints, driving: Keypoints, pose: Tensor
    ) -> MotionField:
        """Source picture (B, 3, H, W), keypoints, and standardised driving pose (B, P)."""
        small = self.downsample(source_image)
        size = (small.shape[-2], small.shape[-1])
        flows = local_flows(source, driving, size, self.min_determinant)
        cues = motion_cues(small, source, driving, flows, self.variance)
        masks, visible = self.estimator(cues, pose)
        flow, occlusion = blend_flows(masks, flows), torch.sigmoid(visible)
        height, width = source_image.shape[-2:]
        sizes = [(height >> level, width >> level) for level in reversed(range(self.scales))]
        return MotionField(
            masks=masks,
            flows=tuple(resize_flow(flow, size) for size in sizes),
            occlusions=tuple(resize_map(occlusion, size) for size in sizes),
        )
