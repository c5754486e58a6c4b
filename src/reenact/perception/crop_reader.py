"""The second stage of the face reader: everything that is read from one crop square.

One backbone, two ways out. The cheap one reads mesh, pose, expression and presence and runs on
every driving frame; the parsing decoder runs where regions are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reenact.layers.precision import full_precision
from reenact.perception.backbone import Backbone, ConvNorm, Lateral, Residual
from reenact.perception.mesh import NUM_POINTS
from reenact.records import NUM_REGIONS, Record

NUM_EXPRESSIONS = 52


@dataclass(frozen=True, eq=False)
class CropReading(Record):
    """What the crop reader says of a batch of crop squares, parsing aside."""

    points: Tensor
    """(B, 478, 2) mesh, xy in [-1, 1] of the crop (-1 and 1 are the centres of border pixels)."""
    depth: Tensor
    """(B, 478) mesh z in the same unit, smaller is nearer."""
    pose: Tensor
    """(B, 3) rotation vector of the head in radians, of the size the mesh has it."""
    jaw: Tensor
    """(B, 3) jaw open, sideways (right minus left), forward."""
    expression: Tensor
    """(B, 52) logits of the expression scores."""
    presence: Tensor
    """(B,) logit of a face being there."""

    @property
    def pose_code(self) -> Tensor:
        """`reader6`: (B, 6) float32."""
        return torch.cat([self.pose, self.jaw], dim=-1).float()


class CropReader(nn.Module):
    """Mesh, pose, jaw, expression, presence and parsing of a 256 x 256 crop square.

    Mesh points are expectations over heat maps at stride 8, plus a linear term of the pooled
    features for what lies outside; pose and expression are read from the mesh and the features
    together, so that they are as steady as the mesh.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        depths: tuple[int, ...],
        expand: int,
        neck: int,
        hidden: int,
        decoder: tuple[int, int, int],
    ) -> None:
        super().__init__()
        self.backbone = Backbone(widths, depths, expand)
        pooled = widths[-1]
        self.neck_sixteenth = Lateral(widths[4], widths[3], neck)
        self.neck_eighth = Lateral(neck, widths[2], neck)
        self.heat = nn.Conv2d(neck, NUM_POINTS, 1)
        self.offset = nn.Linear(pooled, NUM_POINTS * 2)
        self.depth = nn.Linear(pooled, NUM_POINTS)
        self.head = nn.Sequential(
            nn.Linear(NUM_POINTS * 3 + pooled, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, 3 + 3 + NUM_EXPRESSIONS),
        )
        self.presence = nn.Linear(pooled, 1)
        self.parsing = ParsingDecoder(widths, decoder)
        for layer in (self.offset, self.depth):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, image: Tensor) -> tuple[CropReading, Tensor]:
        """(B, 3, 256, 256) in [0, 1] to the reading and parsing logits (B, 15, 256, 256)."""
        features = self.backbone(image)
        return self.read_features(features), self.parsing(features)

    def read(self, image: Tensor) -> CropReading:
        """The cheap way: no parsing."""
        return self.read_features(self.backbone(image))

    def parse(self, image: Tensor) -> Tensor:
        """Parsing logits alone: (B, 15, 256, 256), channel 0 = the rest."""
        logits: Tensor = self.parsing(self.backbone(image))
        return logits

    def read_features(self, features: list[Tensor]) -> CropReading:
        """The five maps of the backbone to the reading."""
        _, _, eighth, sixteenth, last = features
        fine = self.neck_eighth(self.neck_sixteenth(last, sixteenth), eighth)
        heat = self.heat(fine)
        pooled = last.mean(dim=(-2, -1))
        with full_precision(heat):
            pooled = pooled.float()
            expected = expected_points(heat.float())
            points = expected + self.offset(pooled).unflatten(-1, (NUM_POINTS, 2))
            depth = self.depth(pooled)
            shape = _shape_features(points, depth)
            head = self.head(torch.cat([shape, pooled], dim=-1))
            return CropReading(
                points=points,
                depth=depth,
                pose=head[:, :3],
                jaw=head[:, 3:6],
                expression=head[:, 6:],
                presence=self.presence(pooled).squeeze(-1),
            )


class ParsingDecoder(nn.Module):
    """Features of the backbone up to region logits at the full size."""

    def __init__(self, widths: tuple[int, ...], decoder: tuple[int, int, int]) -> None:
        super().__init__()
        coarse, middle, fine = decoder
        self.sixteenth = Lateral(widths[4], widths[3], coarse)
        self.eighth = Lateral(coarse, widths[2], coarse)
        self.quarter = Lateral(coarse, widths[1], middle)
        self.finest = nn.Sequential(ConvNorm(middle + widths[0], fine), Residual(fine))
        self.out = nn.Conv2d(fine, NUM_REGIONS + 1, 1)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Five maps, finest first, to logits (B, 15, 2 H, 2 W) of the finest map's size H, W."""
        half, quarter, eighth, sixteenth, last = features
        x = self.quarter(self.eighth(self.sixteenth(last, sixteenth), eighth), quarter)
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        logits = self.out(self.finest(torch.cat([x, half], dim=1)))
        return F.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False)


def expected_points(heat: Tensor) -> Tensor:
    """Mean position of each map's soft maximum: (B, N, H, W) logits to xy in [-1, 1] (B, N, 2)."""
    height, width = heat.shape[-2:]
    weight = heat.flatten(-2).softmax(dim=-1).unflatten(-1, (height, width))
    # Cell centres lie half a cell inside the border, the border pixels' centres 1/512 inside.
    size = 256.0
    xs = (torch.arange(width, device=heat.device) + 0.5) * (size / width) - 0.5
    ys = (torch.arange(height, device=heat.device) + 0.5) * (size / height) - 0.5
    x = (weight.sum(dim=-2) * (xs * (2 / (size - 1)) - 1)).sum(dim=-1)
    y = (weight.sum(dim=-1) * (ys * (2 / (size - 1)) - 1)).sum(dim=-1)
    return torch.stack([x, y], dim=-1)


def _shape_features(points: Tensor, depth: Tensor) -> Tensor:
    """The mesh with its place and size taken out: (B, 478 x 3)."""
    centred = points - points.mean(dim=1, keepdim=True)
    spread = centred.square().mean(dim=(1, 2)).clamp_min(1e-4).rsqrt()
    shape = torch.cat([centred, depth.unsqueeze(-1)], dim=-1) * spread[:, None, None]
    return shape.flatten(1)
