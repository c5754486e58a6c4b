"""Drawing what a synthetic head wears: hair, hats, glasses."""

from __future__ import annotations

import torch
from torch import Tensor

from reenact.data.head_chance import chance, noise, palette, uniform
from reenact.data.head_glasses import Glasses
from reenact.data.head_light import shade
from reenact.data.head_paint import cloth_colour
from reenact.data.head_props import Solid
from reenact.data.head_scene import Layer, Scene, draw_solid, fray
from reenact.data.head_shape import at_corners
from reenact.data.head_skin import LABELS, look_up
from reenact.data.raster import interpolate

_FRAMES = (
    (15, 15, 18), (30, 24, 22), (90, 55, 30), (120, 120, 125), (180, 150, 90), (140, 30, 40),
    (30, 50, 110), (230, 230, 230),
)  # fmt: skip
_HAIR_LIFT, _HAT_LIFT = 0.25, 0.3
"""How far these lie before the skin, cm, so that it does not poke through."""


def draw_hair(
    scene: Scene, hair: Solid, uv: Tensor, size: int, generator: torch.Generator
) -> Layer:
    """Hair in strands along v of its texture (B, T, 3, 2), with wispy edges."""
    count = len(scene)
    fragments, normals = draw_solid(scene, hair, size)
    strands = noise(count, (96, 1024), ((5, 128), (8, 512), (16, 1024)), generator, 1.0)
    value = look_up(strands, at_corners(fragments, uv))
    dyed = chance(count, 0.06, generator).unsqueeze(1)
    plain = torch.where(dyed, uniform((count, 3), 0.1, 0.8, generator), scene.skin.hair)
    colour = plain.view(-1, 1, 1, 3) * (1 + 0.22 * value) + 0.015 * value
    gloss = uniform((count, 1, 1, 1), 0.0, 0.12, generator) * (1 + 0.6 * value).clamp(0, 2)
    lit = shade(colour.clamp(0.01, 1), normals, scene.light, gloss, wrap=0.2)
    layer = Layer(
        colour=lit,
        depth=fragments.depth - scene.pixels(_HAIR_LIFT, size),
        labels=torch.full_like(fragments.triangle, LABELS["hair"], dtype=torch.uint8),
    )
    return fray(layer, uniform((count,), 0.5, 6.0, generator), generator)


def draw_hat(scene: Scene, hat: Solid, size: int, generator: torch.Generator) -> Layer:
    """A hat or scarf of cloth; hats share the hair's label."""
    fragments, normals = draw_solid(scene, hat, size)
    colour = cloth_colour(interpolate(fragments, hat.reference, hat.triangles), generator)
    gloss = torch.full_like(colour[..., :1], 0.02)
    return Layer(
        colour=shade(colour, normals, scene.light, gloss, wrap=0.2),
        depth=fragments.depth - scene.pixels(_HAT_LIFT, size),
        labels=torch.full_like(fragments.triangle, LABELS["hair"], dtype=torch.uint8),
    )


def draw_glasses(
    scene: Scene, glasses: Glasses, under: Layer, size: int, generator: torch.Generator
) -> Layer:
    """Lenses and frames over what is drawn; clear lenses leave what is behind its label."""
    lens, _ = draw_solid(scene, glasses.lens, size)
    frame, normals = draw_solid(scene, glasses.frame, size)
    seen, front = lens.depth < under.depth, frame.depth < under.depth
    colour = _through_lens(under.colour, glasses.dark, generator)
    colour = torch.where(seen.unsqueeze(-1), colour, under.colour)
    plain = palette(_FRAMES, len(scene), generator).view(-1, 1, 1, 3).expand_as(colour)
    shine = uniform((len(scene), 1, 1, 1), 0.05, 0.5, generator).expand_as(plain[..., :1])
    lit = shade(plain, normals, scene.light, shine, wrap=0.0)
    covered = front | (seen & glasses.dark.view(-1, 1, 1))
    return Layer(
        colour=torch.where(front.unsqueeze(-1), lit, colour).clamp(0, 1),
        depth=torch.minimum(under.depth, torch.minimum(lens.depth, frame.depth)),
        labels=torch.where(covered, LABELS["glasses"], under.labels).to(torch.uint8),
    )


def _through_lens(colour: Tensor, dark: Tensor, generator: torch.Generator) -> Tensor:
    """Colours (B, S, S, 3) behind lenses: tinted where dark (B,), with soft reflections."""
    count, size = colour.shape[:2]
    shape = (count, 1, 1, 1)
    dark = dark.view(shape)
    tint = torch.where(
        dark, uniform(shape, 0.7, 0.98, generator), uniform(shape, 0.0, 0.15, generator)
    )
    tone = torch.where(dark, uniform((count, 1, 1, 3), 0.0, 0.25, generator), 0.7)
    sheen = noise(count, (size, size), ((3, 4), (8, 10)), generator).permute(0, 2, 3, 1)
    mirrored = uniform(shape, 0.0, 0.25, generator) * (sheen - 0.6).clamp(0, 1)
    return torch.lerp(colour, tone.expand_as(colour), tint) + mirrored
