"""Drawing the head itself: skin, scalp, eyes, mouth, and the clothes below it."""

from __future__ import annotations

import torch
from torch import Tensor

from reenact.data.head_chance import chance, noise, normal, palette, uniform
from reenact.data.head_light import shade
from reenact.data.head_scene import Layer, Scene, unit
from reenact.data.head_shape import HeadModel, at_corners
from reenact.data.head_skin import LABELS, TILE, Skin, look_up
from reenact.data.raster import interpolate, rasterize
from reenact.data.surface import vertex_normals

_CLOTHES = (
    (20, 20, 25), (60, 60, 70), (235, 235, 235), (40, 60, 110), (150, 30, 40), (40, 90, 60),
    (220, 200, 150), (120, 80, 60), (90, 130, 190), (230, 170, 60), (25, 25, 60),
)  # fmt: skip
_IRISES = ((58, 38, 24), (84, 54, 30), (110, 84, 50), (92, 110, 80), (96, 130, 150), (70, 100, 140))
_MOUTH, _GUMS, _TEETH = 2, 5, 6
_LEFT_SOCKET, _RIGHT_SOCKET, _LEFT_EYE, _RIGHT_EYE = 3, 4, 7, 8
_PUPIL, _IRIS = 0.045, 0.12
"""Radii in the texture of an eyeball."""


def draw_head(model: HeadModel, scene: Scene, size: int, generator: torch.Generator) -> Layer:
    """The bare head with its clothes."""
    turned, drawn = scene.place(scene.shape, model.neutral, size)
    fragments = rasterize(drawn, model.triangles, size, size)
    part = model.part[fragments.triangle.clamp(min=0)]
    uv = at_corners(fragments, model.uv)
    place = at_corners(fragments, model.neutral[model.triangles])
    normals = vertex_normals(turned, model.triangles)
    normals = unit(interpolate(fragments, normals, model.triangles))
    colour, labels = _skin(scene.skin, uv, size, generator)
    inner_colour, inner_labels = _eyes_and_mouth(part, uv, place, scene.skin, generator)
    inside = part >= _MOUTH
    colour = torch.where(inside.unsqueeze(-1), inner_colour, colour)
    labels = torch.where(inside, inner_labels, labels)
    cloth, dressed = _clothes(place, generator)
    dressed &= ~inside
    colour = torch.where(dressed.unsqueeze(-1), cloth, colour)
    labels = torch.where(dressed, 0, labels)
    oil = uniform((len(scene), 1, 1), 0.0, 0.12, generator)
    gloss = torch.where(part >= _LEFT_EYE, 0.5, torch.where(dressed | inside, 0.02, oil))
    lit = shade(colour, normals, scene.light, gloss.unsqueeze(-1), wrap=0.3)
    return Layer(lit, fragments.depth, labels.to(torch.uint8))


def cloth_colour(place: Tensor, generator: torch.Generator) -> Tensor:
    """Plain or striped cloth at places (B, S, S, 3) of the neutral head."""
    count = len(place)
    first, second = (palette(_CLOTHES, count, generator).view(-1, 1, 1, 3) for _ in range(2))
    direction = normal((count, 1, 1, 3), 1.0, generator)
    rate = uniform((count, 1, 1), 0.5, 6.0, generator)
    sharp = uniform((count, 1, 1), 0.5, 8.0, generator)
    stripes = torch.sigmoid(torch.sin((place * direction).sum(-1) * rate) * sharp).unsqueeze(-1)
    striped = chance(count, 0.45, generator).view(-1, 1, 1, 1)
    return torch.where(striped, torch.lerp(first, second, stripes), first).clamp(0, 1)


def _clothes(place: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Colours (B, S, S, 3), and where places of the neutral head lie below a random neckline."""
    count = len(place)
    line = uniform((count, 1, 1), -15.5, -9.5, generator)
    front = uniform((count, 1, 1), 0.1, 0.5, generator)
    x, y, z = place.unbind(-1)
    neckline = line - front * z.clamp(-6, 6) + 0.25 * (x.abs() - 5).clamp(min=0)
    return cloth_colour(place, generator), y < neckline


def _skin(skin: Skin, uv: Tensor, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Colour and labels at texture positions (B, S, S, 2); scalps are bald or cropped."""
    count = len(skin.tone)
    colour = look_up(skin.albedo, uv * uv.new_tensor([0.5, 1.0]))
    column = (uv[..., 0] * TILE).long().clamp(0, 2 * TILE - 1)
    row = ((1 - uv[..., 1]) * TILE).long().clamp(0, TILE - 1)
    sample = torch.arange(count, device=uv.device).view(-1, 1, 1)
    labels = skin.labels[sample, row, column]
    scalp = labels == LABELS["hair"]
    bald = chance(count, 0.25, generator).view(-1, 1, 1)
    labels = torch.where(scalp & bald, LABELS["skin"], labels)
    grain = noise(count, (size, size), ((size // 2, size // 2), (size, size)), generator, 1.0)
    cropped = skin.hair.view(-1, 1, 1, 3) * (0.9 + 0.2 * grain.permute(0, 2, 3, 1))
    return torch.where((scalp & ~bald).unsqueeze(-1), cropped, colour), labels


def _eyes_and_mouth(
    part: Tensor, uv: Tensor, place: Tensor, skin: Skin, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Colours (B, S, S, 3) and labels of mouth, gums, teeth, sockets and eyeballs."""
    count = len(skin.tone)
    teeth = uniform((count, 1, 1, 1), 0.7, 0.95, generator) * place.new_tensor([1.0, 0.97, 0.88])
    colour = place.new_tensor([0.42, 0.16, 0.15]).expand_as(place)
    colour = torch.where(_is(part, _GUMS), place.new_tensor([0.70, 0.38, 0.38]), colour)
    colour = torch.where(_is(part, _TEETH), teeth, colour)
    # The deeper in the mouth, the darker: the lips are at z = 11 cm.
    colour = colour * ((place[..., 2:] - 6.0) / 4.0).clamp(0.12, 1)
    pink = skin.tone.view(-1, 1, 1, 3) * place.new_tensor([0.85, 0.55, 0.5])
    colour = torch.where(_is(part, _LEFT_SOCKET, _RIGHT_SOCKET), pink, colour)
    eyeball = _eyeball((uv - 0.5).norm(dim=-1, keepdim=True), generator)
    colour = torch.where(_is(part, _LEFT_EYE, _RIGHT_EYE), eyeball, colour)
    labels = torch.full_like(part, LABELS["mouth interior"])
    left, right = _is(part, _LEFT_SOCKET, _LEFT_EYE), _is(part, _RIGHT_SOCKET, _RIGHT_EYE)
    labels = torch.where(left.squeeze(-1), LABELS["left eye"], labels)
    labels = torch.where(right.squeeze(-1), LABELS["right eye"], labels)
    return colour, labels.to(torch.uint8)


def _eyeball(radius: Tensor, generator: torch.Generator) -> Tensor:
    """White, iris with a dark rim, pupil: by the radius (B, S, S, 1) in texture space."""
    count = len(radius)
    iris = palette(_IRISES, count, generator).view(-1, 1, 1, 3)
    iris = iris * (1.2 - 0.6 * (radius / _IRIS).clamp(0, 1) ** 4)
    white = uniform((count, 1, 1, 1), 0.75, 0.95, generator)
    white = white * radius.new_tensor([1.0, 0.97, 0.95])
    return torch.where(radius < _PUPIL, 0.02, torch.where(radius < _IRIS, iris, white))


def _is(part: Tensor, *numbers: int) -> Tensor:
    """Where one of the parts is seen: (B, S, S, 1) bool."""
    return torch.stack([part == number for number in numbers]).any(dim=0).unsqueeze(-1)
