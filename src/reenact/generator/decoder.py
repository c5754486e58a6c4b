"""Draws the frame from filled features, steered by the head pose or not (method.md 10)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reenact.layers.adain import AdaINUpRes
from reenact.layers.blocks import Same, UpRes

_KERNEL = 7


class PoseAwareDecoder(nn.Module):
    """Doubles the size four times, taking in the filled features of each scale on the way.

    `full_resolution_skip` adds the warped stem features at the end, `image_blend` keeps the warped
    picture itself where the source shows what is needed. Without both it is the literal paper.
    Where `pose_width` is None its blocks are plain: the ablation that the pose does not steer.
    """

    def __init__(
        self,
        widths: Sequence[int] = (512, 512, 256, 128, 64),
        pose_width: int | None = 6,
        *,
        full_resolution_skip: bool = True,
        image_blend: bool = True,
    ) -> None:
        super().__init__()
        coarsest, *finer = widths
        # The coarsest features start the decoder; joining them with themselves would add nothing.
        inward = [coarsest, *(2 * width for width in finer[:-1])]
        self.up_blocks = nn.ModuleList(
            UpRes(wide, width) if pose_width is None else AdaINUpRes(wide, width, pose_width)
            for wide, width in zip(inward, finer, strict=True)
        )
        self.fuse = Same(2 * finer[-1], finer[-1]) if full_resolution_skip else None
        self.out = nn.Conv2d(finer[-1], 3, _KERNEL, padding=_KERNEL // 2)
        self.image_blend = image_blend
        self.pose_aware = pose_width is not None

    def forward(
        self,
        filled: tuple[Tensor, ...],
        warped_full: Tensor,
        pose: Tensor,
        occlusion_full: Tensor,
        warped_image: Tensor,
    ) -> Tensor:
        """Draw one frame (B, 3, H, W) in [0, 1], float32.

        `filled` holds (B, C_i, H_i, W_i) without the finest scale, coarsest first (F_rw);
        `warped_full` (B, C_5, H, W), `occlusion_full` (B, 1, H, W) and `warped_image` (B, 3, H, W)
        are of full size; `pose` (B, P) is standardised and of the driving face.
        """
        steering = (pose,) if self.pose_aware else ()
        features = self.up_blocks[0](filled[0], *steering)
        for block, skip in zip(self.up_blocks[1:], filled[1:], strict=True):
            features = block(torch.cat([features, skip], dim=1), *steering)
        if self.fuse is not None:
            features = self.fuse(torch.cat([features, warped_full], dim=1))
        drawn = torch.sigmoid(self.out(features).float())
        if self.image_blend:
            return torch.lerp(drawn, warped_image.float(), occlusion_full.float())
        return drawn
