"""Draw moving heads over their backgrounds: colours, labels, and which points are seen."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.data.face_surface import MIN_EYE_OPENING
from reenact.data.pairs import in_picture
from reenact.data.portrait_fit import (
    HeadFit,
    Moments,
    PosedHead,
    body_shift,
    pose_heads,
    smoothstep,
)
from reenact.data.portrait_mesh import HeadMesh, Opening
from reenact.data.portrait_texture import mouth_texture, shading, texture_coordinates
from reenact.data.raster import Capacity, Fragments, interpolate, rasterize
from reenact.layers.grid import identity_grid, sample
from reenact.perception.mesh import NUM_SURFACE
from reenact.records import REGIONS, Record

ROWS_EACH, PIXELS_EACH = 75.0, 1.5
"""Room of the rasteriser for each head: rows in sides of the picture, and pixels in its areas.

Heads use 52 and 1.01 on average, 57 and 1.2 at most, and share the room.
"""
DEPTH_SLACK = 0.03
"""Half widths of the picture that a point may lie behind the surface and still be on it."""
MIN_FACING = 0.1
"""Least cosine between a point's normal and the line of sight for it to be seen."""
MAX_HEAD = 0.05
"""Most of a pixel that may be head where shoulders are seen."""
SKIN, MOUTH = REGIONS.index("skin") + 1, REGIONS.index("mouth interior") + 1
RIGHT_EYE, LEFT_EYE = REGIONS.index("right eye") + 1, REGIONS.index("left eye") + 1
TEETH_END = (0.8, 1.1)
"""How far down the lender's mouth the own throat begins, and how far down nothing else is left."""

TEAR = 0.04
"""Half widths of the picture between what neighbouring pixels show: more is an outline."""


@dataclass(frozen=True, eq=False)
class Subjects(Record):
    """What B heads are drawn from."""

    heads: HeadFit
    layers: Tensor
    """(B, 7, S, S) in [0, 1]: picture, share of head, background."""
    labels: Tensor
    """(B, L, L) uint8."""
    light: Tensor
    """(B, 3) as in `portrait_texture.shading`."""
    throat: Tensor
    """(B, 3) colour of the mouth behind the teeth."""
    tongue: Tensor
    """(B, 3) colour of the tongue."""
    lenders: HeadFit
    """B heads whose mouths are seen inside; may be the subjects themselves."""
    lent: Tensor
    """(B, 3, S, S) in [0, 1] their pictures."""
    lent_gain: Tensor
    """(B, 3) factor on the lent colours."""


@dataclass(frozen=True, eq=False)
class Drawing(Record):
    """2 B pictures: both moments of head 0, then of head 1, and so on."""

    frames: Tensor
    """(2 B, 3, S, S) in [0, 1]."""
    labels: Tensor
    """(2 B, S, S) uint8."""
    points: Tensor
    """(2 B, 478 + NUM_SHOULDER_POINTS, 2) of the mesh, then of the shoulders, xy in [-1, 1]."""
    visible: Tensor
    """(2 B, 478 + NUM_SHOULDER_POINTS) bool."""


@dataclass(frozen=True, eq=False)
class _Canvas(Record):
    """What the mesh shows in each pixel; (2 B, S, S, ...)."""

    head: HeadFit
    posed: PosedHead
    fragments: Fragments
    worn: Tensor
    """(..., 2) where on the photograph the pixel comes from, xy in [-1, 1]."""
    brightness: Tensor
    """(..., 1) change of brightness."""
    mouth: Tensor
    """(..., 6) as `portrait_texture.mouth_texture`."""
    in_mouth: Tensor
    """(...) bool: between the lips."""


def draw_heads(subjects: Subjects, moments: Moments, mesh: HeadMesh) -> Drawing:
    """Draw B subjects at 2 B moments, in the size of their pictures."""
    canvas = _draw_mesh(subjects, moments, mesh)
    head, share = _head_colours(subjects, canvas)
    behind = _background(subjects, moments, canvas)
    inside, opening = _mouth_colours(subjects, canvas)
    frames = torch.lerp(head + (1 - share) * behind, inside, opening)
    frames = _soften_outlines(frames, canvas.worn)
    return Drawing(
        frames=frames.clamp(0, 1),
        labels=_labels(subjects.labels, canvas, share, mesh),
        points=torch.cat([canvas.posed.points[..., :2], canvas.posed.shoulders], 1),
        visible=torch.cat([_visible(canvas, mesh), _bare_shoulders(canvas, share)], 1),
    )


def _draw_mesh(subjects: Subjects, moments: Moments, mesh: HeadMesh) -> _Canvas:
    size = subjects.layers.shape[-1]
    heads, light = subjects.heads.repeat(2), subjects.light.repeat_interleave(2, 0)
    posed = pose_heads(heads, moments, mesh)
    surface, edges = posed.points[:, :NUM_SURFACE], posed.points[:, mesh.edge_points]
    pixels = _pixels(torch.cat([surface, posed.rings, edges], 1), size)
    count = len(pixels)
    room = Capacity(int(ROWS_EACH * size * count), int(PIXELS_EACH * size**2 * count))
    fragments = rasterize(pixels, mesh.triangles, size, size, capacity=room)
    lenders = subjects.lenders.repeat(2)
    attributes = (
        texture_coordinates(heads, posed, mesh),
        shading(heads, posed, light, mesh),
        mouth_texture(heads, posed, moments.zoom * moments.camera[:, 0], lenders, mesh),
    )
    drawn = interpolate(fragments, torch.cat(attributes, -1), mesh.triangles)
    worn, brightness, mouth = drawn[..., :2], drawn[..., 2:3], drawn[..., 3:]
    # Above the picture its upper edge goes on, no mirrored hair.
    worn = torch.stack([worn[..., 0], worn[..., 1].clamp(min=-1)], -1)
    in_mouth = fragments.triangle >= mesh.first_mouth_triangle
    return _Canvas(heads, posed, fragments, worn, brightness, mouth, in_mouth)


def _head_colours(subjects: Subjects, canvas: _Canvas) -> tuple[Tensor, Tensor]:
    """Colours of the head times its share of the pixel, (2 B, 3, S, S), and the share.

    The photograph is head and background mixed: head = photograph - (1 - share) background.
    """
    layers = _look_up(subjects.layers, canvas.worn)
    photo, share, behind = layers[:, :3], layers[:, 3:4], layers[:, 4:]
    return (photo - (1 - share) * behind) * canvas.brightness.movedim(-1, 1), share


def _background(subjects: Subjects, moments: Moments, canvas: _Canvas) -> Tensor:
    """What is behind the heads, (2 B, 3, S, S): shoulders move a little, the rest does not."""
    size = subjects.layers.shape[-1]
    grid = identity_grid(size, size, canvas.worn.device).view(1, -1, 2)
    grid = (grid - moments.camera[:, None, 1:]) / moments.camera[:, None, :1]
    moved = grid - body_shift(canvas.head, canvas.posed.body, grid)
    return _look_up(subjects.layers[:, 4:], moved.view_as(canvas.worn))


def _mouth_colours(subjects: Subjects, canvas: _Canvas) -> tuple[Tensor, Tensor]:
    """Colours between the lips, (2 B, 3, S, S), and how much they show, (2 B, 1, S, S).

    From the upper lip down come the lender's teeth in their own size, then throat and tongue.
    """
    top, bottom = canvas.mouth[..., :2], canvas.mouth[..., 2:4]
    down, wider = canvas.mouth[..., 4:5], canvas.mouth[..., 5:]
    deep = down * wider
    teeth = _look_up(subjects.lent, torch.lerp(top, bottom, deep.clamp(0.04, 0.96)))
    teeth = teeth * _per_moment(subjects.lent_gain)
    throat, tongue = _per_moment(subjects.throat), _per_moment(subjects.tongue)
    cavity = torch.lerp(throat, tongue, smoothstep(down, 0.5, 1.1).movedim(-1, 1))
    inside = torch.lerp(teeth, cavity, smoothstep(deep, *TEETH_END).movedim(-1, 1))
    opening = canvas.in_mouth.unsqueeze(1).float()
    soft = (F.avg_pool2d(opening, 3, stride=1, padding=1) - 0.3) / 0.6
    return inside, opening * soft.clamp(0, 1)


def _soften_outlines(frames: Tensor, worn: Tensor) -> Tensor:
    """Blend neighbouring pixels where one part of the head hides another."""
    worn = worn.movedim(-1, 1)
    highest = F.max_pool2d(worn, 3, stride=1, padding=1)
    lowest = -F.max_pool2d(-worn, 3, stride=1, padding=1)
    outline = ((highest - lowest).amax(1, keepdim=True) > TEAR).float()
    blurred = F.avg_pool2d(frames, 3, stride=1, padding=1, count_include_pad=False)
    return torch.lerp(frames, blurred, outline)


def _labels(labels: Tensor, canvas: _Canvas, share: Tensor, mesh: HeadMesh) -> Tensor:
    """Labels of what is seen, (2 B, S, S) uint8; a closed eye counts as an eye, lids included."""
    size, of_labels = canvas.worn.shape[1], labels.shape[-1]
    # Both grids cover the same square: compare positions from its corner.
    corner = ((canvas.worn + 1) * ((size - 1) / 2) + 0.5) * (of_labels / size)
    column, row = corner.floor().long().clamp(0, of_labels - 1).unbind(-1)
    picture = torch.arange(len(labels), device=labels.device).repeat_interleave(2)
    seen = labels[picture.view(-1, 1, 1), row, column]
    seen = torch.where(share[:, 0] > 0.5, seen, 0)
    seen = torch.where(canvas.in_mouth, MOUTH, seen)
    for eye, label in ((mesh.right_eye, RIGHT_EYE), (mesh.left_eye, LEFT_EYE)):
        lids = _on_lids(canvas.posed.points, eye, size)
        seen = torch.where(lids & (seen == SKIN), label, seen)
    return seen.to(torch.uint8)


def _on_lids(points: Tensor, eye: Opening, size: int) -> Tensor:
    """Pixels of the least opening of an eye, (B, S, S) bool: an arch along the line of its lids."""
    upper, lower = points[:, eye.upper, :2], points[:, eye.lower, :2]
    start, end = upper[:, 0], upper[:, -1]
    middle = (upper + lower)[:, len(eye.upper) // 2] / 2
    across = end - start
    width = across.square().sum(-1).clamp_min(1e-8).view(-1, 1, 1)
    normal = torch.stack([-across[:, 1], across[:, 0]], -1)
    grid = identity_grid(size, size, points.device) - start.view(-1, 1, 1, 2)
    along = (grid * across.view(-1, 1, 1, 2)).sum(-1) / width
    beside = (grid * normal.view(-1, 1, 1, 2)).sum(-1) / width
    sag = (((middle - start) * normal).sum(-1)).view(-1, 1, 1) / width
    arch = 4 * along * (1 - along)
    return (beside - sag * arch).abs() < MIN_EYE_OPENING / 2 * arch


def _visible(canvas: _Canvas, mesh: HeadMesh) -> Tensor:
    """Which mesh points are inside the picture, face us, and are not behind anything: (2 B, 478).

    An iris is seen where its pixel shows an eye.
    """
    size = canvas.worn.shape[1]
    pixels = _pixels(canvas.posed.points, size)
    inside = ((pixels[..., :2] >= 0) & (pixels[..., :2] <= size - 1)).all(-1)
    column, row = pixels[..., :2].round().long().clamp(0, size - 1).unbind(-1)
    pixel = row * size + column
    depth = canvas.fragments.depth.flatten(1).gather(1, pixel)
    triangle = canvas.fragments.triangle.flatten(1).gather(1, pixel)
    near = pixels[..., 2] <= depth + DEPTH_SLACK * size / 2
    seen = near[:, :NUM_SURFACE] & (canvas.posed.normals[..., 2] < -MIN_FACING)
    eye = (triangle >= mesh.first_opening_triangle) & (triangle < mesh.first_mouth_triangle)
    return inside & torch.cat([seen, eye[:, NUM_SURFACE:]], 1)


def _bare_shoulders(canvas: _Canvas, share: Tensor) -> Tensor:
    """Which shoulder points are inside the picture and not behind the head: (2 B, ...) bool."""
    points = canvas.posed.shoulders
    head = sample(share, points.unsqueeze(1), padding="border")[:, 0, 0]
    return in_picture(points) & (head < MAX_HEAD)


def _pixels(points: Tensor, size: int) -> Tensor:
    """Points (B, V, 3) in units of the picture to pixels, the first pixel's centre at 0.

    Depth is moved along, which changes no order.
    """
    return (points + 1) * ((size - 1) / 2)


def _look_up(images: Tensor, where: Tensor) -> Tensor:
    """Pictures (B, C, S, S) at both moments' places (2 B, H, W, 2): (2 B, C, H, W)."""
    count, channels = images.shape[:2]
    height, width = where.shape[1:3]
    found = sample(images, where.reshape(count, 2 * height, width, 2), padding="reflection")
    return found.view(count, channels, 2, height, width).transpose(1, 2).flatten(0, 1)


def _per_moment(colours: Tensor) -> Tensor:
    """(B, C) to (2 B, C, 1, 1)."""
    return colours.repeat_interleave(2, 0)[..., None, None]
