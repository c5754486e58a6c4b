"""The first stage of the face reader: where in a picture are faces?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reenact.perception.backbone import Backbone, ConvNorm, Lateral
from reenact.records import Record

STRIDE = 8


@dataclass(frozen=True, eq=False)
class Detections(Record):
    """The best candidates of each picture, best first."""

    boxes: Tensor
    """(B, N, 4) x0, y0, x1, y1 in pixels of the detector's picture."""
    scores: Tensor
    """(B, N) in [0, 1]."""


class FaceDetector(nn.Module):
    """Heat map of face centres and, at each cell, the distances to the four sides of the box."""

    def __init__(
        self, widths: tuple[int, ...], depths: tuple[int, ...], expand: int, neck: int
    ) -> None:
        super().__init__()
        self.backbone = Backbone(widths, depths, expand)
        self.neck_sixteenth = Lateral(widths[4], widths[3], neck)
        self.neck_eighth = Lateral(neck, widths[2], neck)
        self.mix = ConvNorm(neck, neck)
        self.out = nn.Conv2d(neck, 5, 1)
        nn.init.zeros_(self.out.weight)
        # A face is rare (one cell in a thousand) and about 60 pixels wide at the start.
        self.out.bias = nn.Parameter(torch.tensor([-4.6, 3.4, 3.4, 3.4, 3.4]))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) in [0, 1] to centre logits (B, h, w) and boxes (B, h, w, 4) in pixels."""
        _, _, eighth, sixteenth, last = self.backbone(image)
        fine = self.neck_eighth(self.neck_sixteenth(last, sixteenth), eighth)
        out = self.out(self.mix(fine)).float().permute(0, 2, 3, 1)
        return out[..., 0], boxes_from_distances(out[..., 1:])


def cell_centres(height: int, width: int, device: torch.device) -> Tensor:
    """Centres xy of the cells in pixels of the picture: (h, w, 2)."""
    ys = (torch.arange(height, device=device) + 0.5) * STRIDE
    xs = (torch.arange(width, device=device) + 0.5) * STRIDE
    return torch.stack(torch.meshgrid(xs, ys, indexing="xy"), dim=-1)


def boxes_from_distances(logarithms: Tensor) -> Tensor:
    """Logarithms of the distances left, top, right, bottom (B, h, w, 4) to boxes in pixels."""
    distances = logarithms.clamp(-2.0, 7.0).exp()
    centres = cell_centres(logarithms.shape[1], logarithms.shape[2], logarithms.device)
    return torch.cat([centres - distances[..., :2], centres + distances[..., 2:]], dim=-1)


def peaks(logits: Tensor, boxes: Tensor, count: int) -> Detections:
    """Local maxima of the centre map with their boxes: the `count` best of each picture."""
    scores = logits.sigmoid()
    highest = F.max_pool2d(scores.unsqueeze(1), 3, stride=1, padding=1).squeeze(1)
    peaked = torch.where(scores >= highest, scores, torch.zeros_like(scores)).flatten(1)
    best, cells = peaked.topk(min(count, peaked.shape[1]), dim=1)
    chosen = boxes.flatten(1, 2).gather(1, cells.unsqueeze(-1).expand(-1, -1, 4))
    return Detections(boxes=chosen, scores=best)
