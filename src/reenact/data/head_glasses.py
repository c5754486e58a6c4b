"""Glasses of synthetic heads, built around their eyes, as triangles in head axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from reenact.data.head_chance import chance, uniform
from reenact.data.head_props import Solid
from reenact.records import Record

_CORNERS = 28
"""Of a lens."""
_BEND = 0.035
"""How fast frames bend back around the face: cm for the square of the cm from the middle."""
_RIGHT_IRIS, _LEFT_IRIS = 468, 473
_BRIDGE = (168, 6, 197)
_EARS = (234, 454)


@dataclass(frozen=True, eq=False)
class Glasses(Record):
    """Frames and lenses."""

    frame: Solid
    lens: Solid
    dark: Tensor
    """(B,) bool: sunglasses."""


@dataclass(frozen=True, eq=False)
class _Build(Record):
    """Measures of B pairs of glasses, cm."""

    wide: Tensor
    """(B,) half the width of a lens."""
    tall: Tensor
    rim: Tensor
    """(B,) thickness of the frame, seen from the front."""
    depth: Tensor
    """(B,) and from the side."""
    power: Tensor
    """(B,) 2 for round lenses, more for square ones."""


def wear_glasses(mesh: Tensor, worn: Tensor, generator: torch.Generator) -> Glasses:
    """Random glasses for the worn (B,) of unposed heads, from their face mesh (B, 478, 3)."""
    build = _random_build(len(mesh), generator)
    gap = uniform((len(mesh),), -0.2, 0.3, generator)
    centres = _centres(mesh, build, gap)
    rings = [ring for centre in centres for ring in _rings(centre, build)]
    arms, arm_triangles = _arms(mesh, centres, build, generator)
    quads = _ring_triangles(mesh.device)
    lenses = [
        torch.cat([ring, _bent(centre).unsqueeze(1)], dim=1)
        for ring, centre in zip((rings[0], rings[4]), centres, strict=True)
    ]
    fan = torch.arange(_CORNERS, device=mesh.device)
    disc = torch.stack([fan, (fan + 1) % _CORNERS, torch.full_like(fan, _CORNERS)], dim=1)
    frame_triangles = [quads, quads + 4 * _CORNERS, arm_triangles + 8 * _CORNERS]
    return Glasses(
        frame=_rigid(torch.cat([*rings, arms], dim=1), torch.cat(frame_triangles), worn),
        lens=_rigid(torch.cat(lenses, dim=1), torch.cat([disc, disc + _CORNERS + 1]), worn),
        dark=chance(len(mesh), 0.25, generator),
    )


def _random_build(count: int, generator: torch.Generator) -> _Build:
    wide = uniform((count,), 2.1, 2.9, generator)
    square = uniform((count,), 3.0, 6.0, generator)
    return _Build(
        wide=wide,
        tall=wide * uniform((count,), 0.62, 0.98, generator),
        rim=uniform((count,), 0.12, 0.6, generator),
        depth=uniform((count,), 0.2, 0.5, generator),
        power=torch.where(chance(count, 0.5, generator), 2.0, square),
    )


def _centres(mesh: Tensor, build: _Build, gap: Tensor) -> tuple[Tensor, Tensor]:
    """Middles (B, 3) of the right and the left lens: before the eyes, clear of the nose."""
    front = mesh[:, list(_BRIDGE), 2].mean(dim=1) + gap
    least = 0.75 + build.wide + build.rim
    centres = []
    for side, iris in ((-1.0, _RIGHT_IRIS), (1.0, _LEFT_IRIS)):
        x = side * torch.maximum(mesh[:, iris, 0].abs() + 0.15, least)
        centres.append(torch.stack([x, mesh[:, iris, 1] - 0.35, front], dim=1))
    return centres[0], centres[1]


def _rings(centre: Tensor, build: _Build) -> list[Tensor]:
    """Inner front, outer front, outer back and inner back edge of a frame: (B, _CORNERS, 3)."""
    angle = torch.arange(_CORNERS, device=centre.device) * (2 * math.pi / _CORNERS)
    across, up = angle.cos(), angle.sin()
    power = build.power.unsqueeze(1)
    reach = (across.abs() ** power + up.abs() ** power) ** (-1 / power)
    circle = torch.stack([reach * across, reach * up], dim=-1)
    rings = []
    for grow, back in ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)):
        size = torch.stack([build.wide, build.tall], dim=1) + grow * build.rim.unsqueeze(1)
        xy = centre[:, None, :2] + circle * size.unsqueeze(1)
        z = (centre[:, 2] - back * build.depth).unsqueeze(1).expand_as(xy[..., 0])
        rings.append(_bent(torch.cat([xy, z.unsqueeze(-1)], dim=-1)))
    return rings


def _bent(points: Tensor) -> Tensor:
    """Points (..., 3) moved back the further they lie from the middle."""
    x, y, z = points.unbind(-1)
    return torch.stack([x, y, z - _BEND * x.square()], dim=-1)


def _ring_triangles(device: torch.device) -> Tensor:
    """Faces between the four rings of a lens."""
    fan = torch.arange(_CORNERS, device=device)
    after = (fan + 1) % _CORNERS
    faces = []
    for first, second in ((0, 1), (1, 2), (2, 3), (3, 0)):
        a, b = fan + first * _CORNERS, after + first * _CORNERS
        c, d = fan + second * _CORNERS, after + second * _CORNERS
        faces += [torch.stack([a, b, c], dim=1), torch.stack([b, d, c], dim=1)]
    return torch.cat(faces)


def _arms(
    mesh: Tensor, centres: tuple[Tensor, Tensor], build: _Build, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Temples and bridge as bars along paths: (B, N, 3) and triangles."""
    height = torch.maximum(build.rim, uniform((len(mesh),), 0.25, 0.8, generator))
    paths = [
        _temple(mesh, centre, side, build)
        for centre, side in zip(centres, (-1.0, 1.0), strict=True)
    ]
    bars = [*((path, height) for path in paths), (_bridge(centres, build), build.rim)]
    vertices, triangles, start = [], [], 0
    for path, thick in bars:
        corners, faces = _bar(path, thick.clamp(0.15, 0.8))
        vertices.append(corners)
        triangles.append(faces + start)
        start += corners.shape[1]
    return torch.cat(vertices, dim=1), torch.cat(triangles)


def _temple(mesh: Tensor, centre: Tensor, side: float, build: _Build) -> Tensor:
    """From the hinge back over the ear and down behind it: (B, 4, 3)."""
    x, y, z = centre.unbind(1)
    hinge_x = x + side * (build.wide + build.rim)
    hinge_z = z - _BEND * hinge_x.square() - build.depth
    ear_x = side * (mesh[:, list(_EARS), 0].abs().mean(dim=1) + 0.5)
    widest = torch.where(hinge_x.abs() > ear_x.abs(), hinge_x, (hinge_x + ear_x) / 2)
    path = [
        (hinge_x, y + 0.6, hinge_z),
        (widest, y + 0.65, hinge_z - 1.5),
        (ear_x, y + 0.7, torch.full_like(x, -0.5)),
        (ear_x, y - 2.0, torch.full_like(x, -2.8)),
    ]
    return torch.stack([torch.stack(point, dim=1) for point in path], dim=1)


def _bridge(centres: tuple[Tensor, Tensor], build: _Build) -> Tensor:
    """From lens to lens over the nose: (B, 3, 3)."""
    inner = build.wide + build.rim - 0.1
    ends = [
        torch.stack([c[:, 0] + side * inner, c[:, 1] + 0.5, c[:, 2] - 0.1], dim=1)
        for c, side in zip(centres, (1.0, -1.0), strict=True)
    ]
    top = (ends[0] + ends[1]) / 2 + centres[0].new_tensor([0.0, 0.35, 0.15])
    return torch.stack([ends[0], top, ends[1]], dim=1)


def _bar(path: Tensor, thick: Tensor) -> tuple[Tensor, Tensor]:
    """A four-sided bar along a path (B, N, 3), as high as thick (B,) says."""
    steps = path.shape[1]
    up = path.new_tensor([0.0, 0.5, 0.0]) * thick.view(-1, 1, 1)
    out = path.new_tensor([0.12, 0.0, 0.06])
    corners = torch.cat([path + up + out, path + up - out, path - up - out, path - up + out], dim=1)
    step = torch.arange(steps - 1, device=path.device)
    faces = []
    for side in range(4):
        a, b = step + side * steps, step + (side + 1) % 4 * steps
        faces += [torch.stack([a, a + 1, b], dim=1), torch.stack([a + 1, b + 1, b], dim=1)]
    return corners, torch.cat(faces)


def _rigid(vertices: Tensor, triangles: Tensor, worn: Tensor) -> Solid:
    """A solid that turns with the head as a whole."""
    return Solid(
        vertices=vertices,
        triangles=triangles,
        trim=torch.where(worn, 1.0, -1.0).unsqueeze(1).expand(-1, vertices.shape[1]),
        reference=vertices.new_tensor([0.0, 8.0, 0.0]).expand_as(vertices),
    )
