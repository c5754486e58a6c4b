"""Photographed portraits taken apart: heads in three dimensions, mattes, backgrounds, mouths."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reenact.data.matte import background, border_cuts, head_matte
from reenact.data.pairs import to_unit_range
from reenact.data.portrait_fit import HeadFit, fit_heads
from reenact.data.portrait_mesh import HeadMesh
from reenact.data.raster import rasterize
from reenact.data.store import StillStore, scaled
from reenact.perception.mesh import CHIN, NUM_SURFACE
from reenact.records import Record

CHUNK = 64
"""Portraits taken apart at a time."""
OWN_TEETH = 0.35
"""Gap between the lips in cm from which a photograph shows the inside of its own mouth."""
DONOR_GAPS = (0.55, 2.5)
"""Gaps in cm of the mouths that lend their inside to closed ones."""
DONOR_TURN = 0.35
"""Largest sine of the turn of a head that lends its mouth."""
MOUTH_GAIN = (0.3, 1.8)
"""Range of the factor on the colours of a lent mouth."""


@dataclass(frozen=True, eq=False)
class Portraits(Record):
    """N photographs taken apart."""

    heads: HeadFit
    layers: Tensor
    """(N, 7, S, S) uint8: picture, share of head, background."""
    labels: Tensor
    """(N, L, L) uint8."""
    pose: Tensor
    """(N, P)."""
    skin: Tensor
    """(N, 3) mean colour of the face in [0, 1]."""
    inside: Tensor
    """(N, 3) mean colour between the lips; 0 where they are closed."""
    cut_points: Tensor
    """(N, 6, 2) where the border of the picture may cut the head, and"""
    cut: Tensor
    """(N, 6) bool, whether it does; see `matte.border_cuts`."""
    donors: Tensor
    """(D,) int64 portraits whose open mouths may be lent."""
    usual_inside: Tensor
    """(3,) the median of inside over the brightness of the skin, among the donors."""

    @property
    def backgrounds(self) -> Tensor:
        """(N, 3, S, S) uint8 the photographs without their heads."""
        return self.layers[:, 4:]

    def lenders(self, index: Tensor, chance: Tensor) -> Tensor:
        """Whose mouths are seen inside, (B,): the own where it is open, else any donor's."""
        gaps = self.heads.lip_gaps[index]
        if len(self.donors) == 0:
            return index
        donor = self.donors[scaled(chance, torch.full_like(index, len(self.donors)))]
        return torch.where(gaps[:, gaps.shape[1] // 2] > OWN_TEETH, index, donor)

    def mouth_gain(self, index: Tensor, lender: Tensor) -> Tensor:
        """Factor (B, 3) that gives lent mouths the usual colour beside the borrower's skin."""
        fitting = self.skin[index].mean(1, keepdim=True) * self.usual_inside
        gain = (fitting / self.inside[lender].clamp_min(0.02)).clamp(*MOUTH_GAIN)
        return torch.where((index == lender).unsqueeze(1), 1.0, gain)


def take_apart(stills: StillStore, mesh: HeadMesh) -> Portraits:
    """Fit the heads, cut them out and fill what they hid, a few portraits at a time."""
    heads = fit_heads(stills.landmarks, stills.images.shape[-1], mesh)
    stacks = (stills.images, stills.parsing, stills.landmarks)
    chunks = zip(*(torch.split(stack, CHUNK) for stack in stacks), strict=True)
    parts = [_take_apart(images, labels, landmarks, mesh) for images, labels, landmarks in chunks]
    layers, skin, inside = (torch.cat(part) for part in zip(*parts, strict=True))
    cut_points, cut = border_cuts(layers[:, 3:4] / 255, stills.landmarks[:, CHIN, 1])
    gap = heads.lip_gaps[:, heads.lip_gaps.shape[1] // 2]
    turn = heads.placement.rotation[:, 0, 2].abs()
    lends = (gap > DONOR_GAPS[0]) & (gap < DONOR_GAPS[1]) & (turn < DONOR_TURN)
    donors = lends.nonzero()[:, 0]
    usual = inside[donors] / skin[donors].mean(1, keepdim=True).clamp_min(0.05)
    return Portraits(
        heads=heads,
        layers=layers,
        labels=stills.parsing,
        pose=stills.pose,
        skin=skin,
        inside=inside,
        cut_points=cut_points,
        cut=cut,
        donors=donors,
        usual_inside=usual.median(0).values if len(donors) > 0 else torch.ones_like(skin[0]),
    )


def _take_apart(
    images: Tensor, labels: Tensor, landmarks: Tensor, mesh: HeadMesh
) -> tuple[Tensor, Tensor, Tensor]:
    """Layers (B, 7, S, S) uint8, and the mean colours (B, 3) of the face and between the lips."""
    size = images.shape[-1]
    picture = to_unit_range(images)
    points = landmarks - landmarks.new_tensor([0.5, 0.5, 0.0])
    face = rasterize(points[:, :NUM_SURFACE], mesh.surface_triangles, size, size).covered
    strip = mesh.triangles[mesh.first_mouth_triangle :] - mesh.mouth_edge.start
    mouth = rasterize(points[:, mesh.mouth.points()], strip, size, size).covered
    matte = head_matte(picture, labels, face)
    behind = background(picture, matte, labels, landmarks[:, CHIN, 1])
    layers = torch.cat([picture, matte, behind], 1)
    layers = (layers * 255).round().clamp(0, 255).to(torch.uint8)
    return layers, _mean_colour(picture, face), _mean_colour(picture, mouth)


def _mean_colour(pictures: Tensor, where: Tensor) -> Tensor:
    """Mean of pictures (B, 3, S, S) where (B, S, S) is true: (B, 3); 0 where it never is."""
    total = (pictures * where.unsqueeze(1)).sum((2, 3))
    return total / where.sum((1, 2)).clamp_min(1).unsqueeze(1)
