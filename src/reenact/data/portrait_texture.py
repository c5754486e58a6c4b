"""Where on its photograph a moving head takes its colours from, and how the light changes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from reenact.data.portrait_fit import HeadFit, PosedHead
from reenact.data.portrait_mesh import HeadMesh, Opening
from reenact.perception.mesh import NUM_SURFACE, OUTLINE

MAX_GAZE = 0.2
"""How far an iris moves from where it was photographed, in widths of the eye."""
LEAST_GAP = 0.03
"""Between lips, cm: less counts as this."""
SHADING_RANGE = (0.7, 1.4)
"""Of the change of brightness."""


def texture_coordinates(heads: HeadFit, posed: PosedHead, mesh: HeadMesh) -> Tensor:
    """What each point wears: places (B, V, 2) on the photograph, xy in [-1, 1].

    Skin takes its texture along. Eyeballs keep theirs: lids slide over them.
    """
    eyes = [
        _eye_coordinates(heads, posed, eye, iris)
        for eye, iris in ((mesh.right_eye, 468), (mesh.left_eye, 473))
    ]
    lips = heads.points[:, mesh.mouth.points(), :2]
    surface = heads.points[:, :NUM_SURFACE, :2]
    return torch.cat([surface, heads.rings[..., :2], *eyes, lips], 1)


def _eye_coordinates(heads: HeadFit, posed: PosedHead, eye: Opening, iris: int) -> Tensor:
    """Upper, then lower edge of an eye's opening on the photograph: (B, 2 C, 2)."""
    top, bottom = heads.points[:, eye.upper, :2], heads.points[:, eye.lower, :2]
    down = bottom - top
    length = down.square().sum(-1).clamp_min(1e-8)
    across = top[:, -1] - top[:, 0]
    moved = posed.frozen - heads.points[..., :2]
    corners = moved[:, eye.upper][:, :: len(eye.upper) - 1]
    gaze = ((moved[:, iris] - corners.mean(1)) * across).sum(-1)
    gaze = (gaze / across.square().sum(-1)).clamp(-MAX_GAZE, MAX_GAZE)
    bump = torch.sin(torch.linspace(0, math.pi, len(eye.upper), device=down.device))
    look = (gaze.unsqueeze(-1) * bump).unsqueeze(-1) * across.unsqueeze(1)
    edges = []
    for edge in (eye.upper, eye.lower):
        share = ((posed.frozen[:, edge] - top) * down).sum(-1) / length
        edges.append(top + down * share.clamp(0, 1).unsqueeze(-1) - look)
    return torch.cat(edges, 1)


def mouth_texture(
    heads: HeadFit, posed: PosedHead, zoom: Tensor, lenders: HeadFit, mesh: HeadMesh
) -> Tensor:
    """What is seen between the lips, for points of the mouth's opening; 0 for others: (B, V, 6).

    Upper lip and lower lip on the lender's photograph (xy each), how far down from the upper lip
    (0 to 1), and how much wider the mouth is open than the lender's.
    """
    upper, lower = mesh.mouth.upper, mesh.mouth.lower
    width = (
        _width(posed.points[:, upper])
        / (heads.placement.scale * zoom)
        / (_width(lenders.points[:, upper]) / lenders.placement.scale)
    )
    lent_upper, lent_lower = (
        _middle_columns(lenders.points[:, edge], width) for edge in (upper, lower)
    )
    gap = (posed.points[:, lower] - posed.points[:, upper]).norm(dim=-1)
    gap = gap / (heads.placement.scale * zoom).unsqueeze(1)
    lent_gap = (lent_lower - lent_upper).norm(dim=-1) / lenders.placement.scale.unsqueeze(1)
    wider = gap / lent_gap.clamp_min(LEAST_GAP)
    place = torch.cat([lent_upper[..., :2], lent_lower[..., :2]], -1)
    columns = torch.cat([place, torch.zeros_like(gap).unsqueeze(-1), wider.unsqueeze(-1)], -1)
    texture = columns.repeat(1, 2, 1)
    texture[:, len(upper) :, 4].fill_(1)
    before = mesh.mouth_edge.start
    padded: Tensor = torch.nn.functional.pad(texture, (0, 0, before, 0))
    return padded


def _width(edge: Tensor) -> Tensor:
    """Distance between the corners of an edge (B, C, 3): (B,)."""
    width: Tensor = (edge[:, -1] - edge[:, 0]).square().sum(-1).sqrt()
    return width


def _middle_columns(edge: Tensor, share: Tensor) -> Tensor:
    """The middle share (B,) of an edge (B, C, 3), at most all of it, in as many columns.

    A pursed mouth shows the front teeth, not all of them squeezed.
    """
    count = edge.shape[1]
    column = torch.arange(count, device=edge.device) - (count - 1) / 2
    column = column * share.clamp(max=1).unsqueeze(1) + (count - 1) / 2
    before = column.floor().clamp(0, count - 2)
    index = before.long().unsqueeze(-1).expand(-1, -1, edge.shape[-1])
    weight = (column - before).unsqueeze(-1)
    return torch.lerp(edge.gather(1, index), edge.gather(1, index + 1), weight)


def shading(heads: HeadFit, posed: PosedHead, light: Tensor, mesh: HeadMesh) -> Tensor:
    """Change of brightness of each point as the head turns in a fixed light: (B, V, 1).

    Args:
        light: (B, 3) towards the light, longer is stronger; 0 is light from everywhere.
    """
    before, after = (
        1 + (normals * light.unsqueeze(1)).sum(-1, keepdim=True)
        for normals in (heads.normals, posed.normals)
    )
    change = (after / before.clamp_min(0.3)).clamp(*SHADING_RANGE)
    rings = torch.ones_like(heads.rings[..., :1])
    rings[:, : len(OUTLINE)] = (1 + change[:, mesh.outline]) / 2
    return torch.cat([change, rings, change[:, mesh.edge_points]], 1)
