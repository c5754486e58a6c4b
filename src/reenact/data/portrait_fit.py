"""Photographed heads in three dimensions, and how they move.

Everything here is in units of the picture: xy in [-1, 1] (y down) and z in the same unit, larger is
farther away. Head axes are those of `portrait_mesh`, in centimetres.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from reenact.data.expressions import Placement, eye_apertures, place, rotate
from reenact.data.pairs import normalize_points
from reenact.data.portrait_mesh import NUM_RINGS, HeadMesh
from reenact.data.surface import vertex_normals
from reenact.perception.mesh import CHIN, FOREHEAD, NUM_SURFACE, OUTLINE
from reenact.records import Record

# Inside out, without the last ring, which is the border of the picture.
RING_REACH = (1.15, 1.4, 1.75, 2.4)
"""Distance from the axis of the face, in distances of the outline."""
RING_DEPTH = (0.14, 0.30, 0.38, 0.40)
"""Backwards from the outline, in heights of the face."""
RING_FOLLOWS = (1.0, 0.97, 0.85, 0.5, 0.0)
"""Share of the head's movement above the chin."""
NECK_FOLLOWS = (0.6, 0.2, 0.05, 0.0, 0.0)
"""Share of the head's movement below the chin; the rest is the body's."""
RING_SPEAKS = (0.6, 0.2, 0.0, 0.0, 0.0)
"""Share of the outline's expression."""
BORDER = 1.35
"""Half a side of the square through the last ring; beyond the picture, corners included."""
SHOULDER_ROWS, SHOULDER_COLUMNS = 8, 12
NUM_SHOULDER_POINTS = SHOULDER_ROWS * SHOULDER_COLUMNS
SHOULDER_WIDTH = 0.9
"""Half the width of their grid."""
ARRIVALS = 12
"""Steps in which a moved point is found."""
_FIRST_TURN, _LAST_TURN = 0.35, 0.9
"""Where the neck begins and ends around the face, in half heights below its centre."""


@dataclass(frozen=True, eq=False)
class HeadFit(Record):
    """N photographed heads."""

    points: Tensor
    """(N, 478, 3) face mesh with irises."""
    rings: Tensor
    """(N, NUM_RINGS x 36, 3)."""
    placement: Placement
    pivot: Tensor
    """(N, 3) what the head turns about."""
    neck: Tensor
    """(N, 3) where the neck meets the shoulders."""
    normals: Tensor
    """(N, 468, 3) outward unit normals of the surface, picture axes."""
    follows: Tensor
    """(N, NUM_RINGS x 36, 1) share of the head's movement; the rest is the body's."""
    speaks: Tensor
    """(N, NUM_RINGS x 36, 1) share of the outline's expression."""
    lip_gaps: Tensor
    """(N, G) between the lips in the photograph, cm."""
    apertures: Tensor
    """(N, 2) of the right and left eye in the photograph, cm."""

    def take(self, index: Tensor) -> HeadFit:
        """The heads numbered index (B,)."""
        return self.map(lambda tensor: tensor[index])

    def repeat(self, times: int) -> HeadFit:
        """Every head several times in turn."""
        return self.map(lambda tensor: tensor.repeat_interleave(times, 0))


@dataclass(frozen=True, eq=False)
class Moments(Record):
    """How B heads are held, and what their faces do, relative to their photographs."""

    rotation: Tensor
    """(B, 3, 3) of the head about its pivot, picture axes."""
    shift: Tensor
    """(B, 2) of the head."""
    zoom: Tensor
    """(B,) of the head."""
    body: Tensor
    """(B,) share of the neck's movement that the shoulders join in."""
    sway: Tensor
    """(B, 2) of the shoulders besides."""
    offsets: Tensor
    """(B, 478, 3) of the face mesh, head axes, cm."""
    jaw: Tensor
    """(B, J) change of the jaw part of the pose code."""
    camera: Tensor
    """(B, 3) zoom and shift of the whole picture: seen = zoom x drawn + shift."""

    def at_rest(self, chosen: Tensor) -> Moments:
        """The moments of the photographs themselves where chosen (B,) is true."""
        moving = (~chosen).float()
        along = moving.view(-1, 1, 1)
        return Moments(
            rotation=torch.lerp(torch.eye(3, device=along.device), self.rotation, along),
            shift=self.shift * moving.unsqueeze(1),
            zoom=torch.where(chosen, 1.0, self.zoom),
            body=self.body,
            sway=self.sway * moving.unsqueeze(1),
            offsets=self.offsets * along,
            jaw=self.jaw * moving.unsqueeze(1),
            camera=torch.lerp(camera_at_rest(self.camera), self.camera, moving.unsqueeze(1)),
        )


@dataclass(frozen=True, eq=False)
class PosedHead(Record):
    """Where the points of B heads are at their moments."""

    points: Tensor
    """(B, 478, 3)."""
    rings: Tensor
    """(B, NUM_RINGS x 36, 3)."""
    frozen: Tensor
    """(B, 478, 2) where the moved points lie on the photograph once the head is turned back."""
    normals: Tensor
    """(B, 468, 3) of the surface, without the expression."""
    body: Tensor
    """(B, 2) movement of the shoulders, before the camera's."""
    shoulders: Tensor
    """(B, NUM_SHOULDER_POINTS, 2) points of what moves with them, below the chin."""


def fit_heads(landmarks: Tensor, size: int, mesh: HeadMesh) -> HeadFit:
    """Place heads in their pictures: landmarks (N, 478, 3) in pixels of pictures of `size`."""
    points = torch.cat(
        [normalize_points(landmarks[..., :2], size), landmarks[..., 2:] * (2 / (size - 1))], -1
    )
    placement = place(points, mesh.average)
    head = placement.to_head(points)
    outline = head[:, list(OUTLINE)]
    height = (head[:, CHIN, 1] - head[:, FOREHEAD, 1]).view(-1, 1)
    centre = (outline.amin(1) + outline.amax(1)) / 2
    ears = head[:, [234, 454]].mean(1)
    down, back = torch.tensor([[0.0, 1, 0], [0, 0, 1]], device=points.device)
    pivot = ears + 0.15 * height * down + 0.1 * height * back
    neck = torch.cat([head[:, CHIN, :2], pivot[:, 2:]], 1) + 0.3 * height * down
    across = (outline[..., 1] - centre[:, None, 1]) / (0.5 * height)
    neckness = smoothstep(across, _FIRST_TURN, _LAST_TURN).unsqueeze(1)
    upper, lower, speaks = (
        torch.tensor(shares, device=points.device).view(1, -1, 1)
        for shares in (RING_FOLLOWS, NECK_FOLLOWS, RING_SPEAKS)
    )
    pivot_at = placement.to_picture(pivot.unsqueeze(1))[:, 0]
    return HeadFit(
        points=points,
        rings=_rings(outline, centre, height, placement),
        placement=placement,
        pivot=pivot_at,
        neck=placement.to_picture(neck.unsqueeze(1))[:, 0],
        normals=vertex_normals(points[:, :NUM_SURFACE], mesh.surface_triangles),
        follows=torch.lerp(upper, lower, neckness).view(len(points), -1, 1),
        speaks=speaks.expand(len(points), -1, len(OUTLINE)).reshape(len(points), -1, 1),
        lip_gaps=mesh.mouth.gaps(head),
        apertures=eye_apertures(head, mesh),
    )


def keep_cuts_covered(heads: HeadFit, moments: Moments, points: Tensor, cut: Tensor) -> Moments:
    """Keep a border that cuts a head from coming into the picture, by shifting the head.

    Args:
        heads: B heads, with 2 B moments.
        points: (B, 6, 2) as of `matte.border_cuts`.
        cut: (B, 6) bool, which of them cut.
    """
    heads, points, cut = (
        heads.repeat(2),
        points.repeat_interleave(2, 0),
        cut.repeat_interleave(2, 0),
    )
    depth = heads.pivot[:, None, 2:].expand(-1, points.shape[1], -1)
    moved = _turn(heads, moments, torch.cat([points, depth], -1))[..., :2] - points
    down, right, left = (moved * cut.unsqueeze(-1)).view(-1, 3, 2, 2).unbind(1)
    across = right[..., 0].amax(1).clamp(min=0) + left[..., 0].amin(1).clamp(max=0)
    lift = torch.stack([across, down[..., 1].amax(1).clamp(min=0)], 1)
    return replace(moments, shift=moments.shift - lift)


def camera_at_rest(like: Tensor) -> Tensor:
    """Zoom 1, no shift; (B, 3)."""
    rest = torch.zeros_like(like)
    rest[:, 0].fill_(1)
    return rest


def pose_heads(heads: HeadFit, moments: Moments, mesh: HeadMesh) -> PosedHead:
    """Move the heads: expression, turn, zoom and shift; rings and neck follow in part."""
    change = heads.placement.direction(moments.offsets)
    spoken = change[:, mesh.outline].repeat(1, NUM_RINGS, 1)
    turned = _turn(heads, moments, heads.rings + heads.speaks * spoken)
    neck = _turn(heads, moments, heads.neck.unsqueeze(1))[:, 0]
    body = moments.body.unsqueeze(1) * (neck - heads.neck)[:, :2] + moments.sway
    still = heads.rings.clone()
    still[..., :2] += body_shift(heads, body, heads.rings[..., :2])
    return PosedHead(
        points=_film(moments, _turn(heads, moments, heads.points + change)),
        rings=_film(moments, torch.lerp(still, turned, heads.follows)),
        frozen=(heads.points + change)[..., :2],
        normals=rotate(moments.rotation, heads.normals),
        body=body,
        shoulders=_film(moments, _shoulders(heads, body)),
    )


def body_shift(heads: HeadFit, body: Tensor, points: Tensor) -> Tensor:
    """How far the shoulders' movement (B, 2) moves what is at points (B, P, 2): (B, P, 2)."""
    chin = heads.points[:, None, CHIN, 1]
    neck = heads.neck[:, None, 1].maximum(chin + 0.05)
    share = ((points[..., 1] - chin) / (neck - chin)).clamp(0, 1)
    return smoothstep(share, 0.0, 1.0).unsqueeze(-1) * body.unsqueeze(1)


def _shoulders(heads: HeadFit, body: Tensor) -> Tensor:
    """A grid over the photographs, from the chin down, moved: (B, NUM_SHOULDER_POINTS, 2)."""
    device = heads.points.device
    down = (torch.arange(SHOULDER_ROWS, device=device) + 0.5) / SHOULDER_ROWS
    across = torch.linspace(-SHOULDER_WIDTH, SHOULDER_WIDTH, SHOULDER_COLUMNS, device=device)
    chin = heads.points[:, None, CHIN, 1]
    y = chin + (1 - chin).clamp(min=0) * down
    x = across.expand(len(y), SHOULDER_ROWS, -1)
    photo = torch.stack([x, y.unsqueeze(-1).expand_as(x)], -1).flatten(1, 2)
    # The shift is known where a point arrives, so it is found in a few steps.
    moved = photo
    for _ in range(ARRIVALS):
        moved = photo + body_shift(heads, body, moved)
    return moved


def smoothstep(x: Tensor, low: float, high: float) -> Tensor:
    """0 below low, 1 above high, smooth in between."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def _turn(heads: HeadFit, moments: Moments, points: Tensor) -> Tensor:
    pivot = heads.pivot.unsqueeze(1)
    moved = rotate(moments.rotation, points - pivot) * moments.zoom.view(-1, 1, 1) + pivot
    return moved + torch.nn.functional.pad(moments.shift, (0, 1)).unsqueeze(1)


def _film(moments: Moments, points: Tensor) -> Tensor:
    """Points (B, V, 2 or 3) as the moving camera sees them."""
    zoom, shift = moments.camera[:, None, :1], moments.camera[:, None, 1:]
    return torch.cat([points[..., :2] * zoom + shift, points[..., 2:]], -1)


def _rings(outline: Tensor, centre: Tensor, height: Tensor, placement: Placement) -> Tensor:
    """Rings around the outline (N, 36, 3) given in head axes; in units of the picture."""
    rings = []
    from_axis = outline - centre.unsqueeze(1)
    for reach, depth in zip(RING_REACH, RING_DEPTH, strict=True):
        ring = centre.unsqueeze(1) + from_axis * reach
        ring[..., 2] = outline[..., 2] + depth * height
        rings.append(placement.to_picture(ring))
    rings.append(_border(rings[-1], placement.to_picture(centre.unsqueeze(1))))
    return torch.cat(rings, 1)


def _border(ring: Tensor, centre: Tensor) -> Tensor:
    """Push a ring (N, 36, 3) out to the border square, away from the centre (N, 1, 3)."""
    away = torch.nn.functional.normalize(ring[..., :2] - centre[..., :2], dim=-1)
    wall = BORDER * away.sign()
    steps = ((wall - centre[..., :2]) / torch.where(away == 0, 1e-6, away)).amin(-1, keepdim=True)
    beyond = (ring[..., :2] - centre[..., :2]).norm(dim=-1, keepdim=True) * 1.1
    xy = centre[..., :2] + away * steps.maximum(beyond)
    return torch.cat([xy, ring[..., 2:] + 1.0], -1)
