"""Finds the parts of a face that move together, without labels (method.md 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reenact.layers.grid import AntiAliasDownsample
from reenact.layers.hourglass import Hourglass
from reenact.layers.precision import full_precision
from reenact.records import Keypoints

_KERNEL = 7


class AffineKeypointDetector(nn.Module):
    """Keypoints as centres of mass of learned heatmaps, each with the affine map found around it.

    Runs on the picture shrunk to a quarter, always in float32: a bfloat16 logit divided by the
    temperature moves a keypoint visibly. The affine head starts at the identity.
    """

    def __init__(
        self,
        num_keypoints: int = 10,
        base: int = 32,
        max_width: int = 1024,
        blocks: int = 5,
        affine_maps: int = 10,
        temperature: float = 0.1,
    ) -> None:
        super().__init__()
        assert affine_maps in (1, num_keypoints), "one affine map for all keypoints, or one each"
        self.affine_maps = affine_maps
        self.temperature = temperature
        self.downsample = AntiAliasDownsample(3, scale=0.25)
        self.hourglass = Hourglass(base, in_channels=3, max_width=max_width, blocks=blocks)
        width = self.hourglass.out_channels
        self.heatmap = nn.Conv2d(width, num_keypoints, _KERNEL)
        self.affine = nn.Conv2d(width, 4 * affine_maps, _KERNEL)
        nn.init.zeros_(self.affine.weight)
        self.affine.bias = nn.Parameter(torch.tensor([1.0, 0.0, 0.0, 1.0] * affine_maps))

    def forward(self, image: Tensor) -> Keypoints:
        """(B, 3, H, W) in [0, 1] to K keypoints."""
        with full_precision(image):
            features = self.hourglass(self.downsample(image.float()))
            heat = spatial_softmax(self.heatmap(features) / self.temperature)
            maps = self.affine(features).unflatten(1, (self.affine_maps, 4))
            affines = (heat.unsqueeze(2) * maps).sum((-2, -1)).unflatten(-1, (2, 2))
            return Keypoints(points=centre_of_mass(heat), affines=affines)


def spatial_softmax(logits: Tensor) -> Tensor:
    """Softmax of (B, K, H, W) over the pixels of each map."""
    return logits.flatten(2).softmax(dim=-1).view_as(logits)


def centre_of_mass(heat: Tensor) -> Tensor:
    """Mean position under heat (B, K, H, W) that sums to 1 over the pixels: (B, K, 2)."""
    height, width = heat.shape[-2:]
    x = (heat.sum(-2) * torch.linspace(-1, 1, width, device=heat.device)).sum(-1)
    y = (heat.sum(-1) * torch.linspace(-1, 1, height, device=heat.device)).sum(-1)
    return torch.stack([x, y], dim=-1)
