"""A synthetic head before the camera, and the layers it is drawn in."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reenact.data.head_chance import noise
from reenact.data.head_light import Light
from reenact.data.head_props import Solid
from reenact.data.head_shape import Camera, follow, turn
from reenact.data.head_skin import Skin
from reenact.data.raster import Fragments, interpolate, rasterize
from reenact.data.surface import vertex_normals
from reenact.records import Record


@dataclass(frozen=True, eq=False)
class Layer(Record):
    """One thing drawn by itself; depth is infinite where it is not."""

    colour: Tensor
    """(B, S, S, 3) sRGB."""
    depth: Tensor
    """(B, S, S) pixels, smaller is nearer."""
    labels: Tensor
    """(B, S, S) uint8 region index plus 1."""


@dataclass(frozen=True, eq=False)
class Stance(Record):
    """How B heads are held."""

    head: Tensor
    """(B, 3, 3) rotation of the head."""
    bust: Tensor
    """(B, 3, 3) rotation of the shoulders."""
    shift: Tensor
    """(B, 3) how far both have moved, cm in camera axes."""

    def turn(self, points: Tensor, reference: Tensor) -> Tensor:
        """Points (B, N, 3) in head axes to camera axes, by their place on the neutral head."""
        return turn(points, follow(reference), self.head, self.bust) + self.shift.unsqueeze(1)


@dataclass(frozen=True, eq=False)
class Scene(Record):
    """Who is seen, from where, in what light."""

    shape: Tensor
    """(B, V, 3) head axes, with expression."""
    offset: Tensor
    """(B, V, 3) what the identity alone moves."""
    stance: Stance
    camera: Camera
    light: Light
    skin: Skin

    def __len__(self) -> int:
        return self.shape.shape[0]

    def place(self, points: Tensor, reference: Tensor, size: int) -> tuple[Tensor, Tensor]:
        """Points (B, N, 3) in head axes to camera axes, and to pixels and depth."""
        turned = self.stance.turn(points, reference)
        return turned, self.camera.project(turned, size)

    def pixels(self, centimetres: float, size: int) -> Tensor:
        """A length on the head in pixels: (B, 1, 1)."""
        return centimetres * (size / self.camera.side).view(-1, 1, 1)


def draw_solid(scene: Scene, solid: Solid, size: int) -> tuple[Fragments, Tensor]:
    """Fragments of something worn, cut to its trim, and unit normals turned to the viewer."""
    turned, drawn = scene.place(solid.vertices, solid.reference, size)
    worn = (solid.trim > 0).any(dim=1).view(-1, 1, 1)
    fragments = rasterize(torch.where(worn, drawn, torch.nan), solid.triangles, size, size)
    kept = interpolate(fragments, solid.trim.unsqueeze(-1), solid.triangles).squeeze(-1) > 0
    kept &= fragments.covered
    normals = interpolate(fragments, vertex_normals(turned, solid.triangles), solid.triangles)
    normals = unit(torch.where(normals[..., 2:] < 0, -normals, normals))
    cut = Fragments(
        triangle=torch.where(kept, fragments.triangle, -1),
        barycentric=fragments.barycentric,
        depth=torch.where(kept, fragments.depth, torch.inf),
    )
    return cut, normals


def nearest(layers: list[Layer]) -> Layer:
    """The nearest of the layers at every pixel; label 0 where there is none."""
    seen = layers[0]
    for layer in layers[1:]:
        front = layer.depth < seen.depth
        seen = Layer(
            colour=torch.where(front.unsqueeze(-1), layer.colour, seen.colour),
            depth=torch.where(front, layer.depth, seen.depth),
            labels=torch.where(front, layer.labels, seen.labels),
        )
    labels = torch.where(seen.depth.isfinite(), seen.labels, 0)
    return Layer(seen.colour, seen.depth, labels)


def fray(layer: Layer, amount: Tensor, generator: torch.Generator) -> Layer:
    """Wispy edges: every pixel looks up to a few pixels (B,) aside, each its own way."""
    count, size = layer.depth.shape[:2]
    grains = [(size // 8, size // 8), (size // 2, size // 2), (size, size)]
    shift = [noise(count, (size, size), grains, generator, 1.0).squeeze(1) for _ in range(2)]
    line = torch.arange(size, device=layer.depth.device)
    across, down = (
        (start + 0.6 * amount.view(-1, 1, 1) * moved).round().long().clamp(0, size - 1)
        for start, moved in zip((line.view(1, -1), line.view(-1, 1)), shift, strict=True)
    )
    sample = torch.arange(count, device=layer.depth.device).view(-1, 1, 1)
    depth = layer.depth[sample, down, across]
    colour = layer.colour[sample, down, across]
    # Inside, the strands stay as they are.
    both = (layer.depth.isfinite() & depth.isfinite()).unsqueeze(-1)
    return Layer(torch.where(both, layer.colour, colour), depth, layer.labels)


def unit(vectors: Tensor) -> Tensor:
    """Vectors (..., 3) of length 1."""
    length: Tensor = vectors.norm(dim=-1, keepdim=True)
    return vectors / length.clamp_min(1e-6)
