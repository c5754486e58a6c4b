"""Variations of crop squares, on the device: placement, occluders, light, blur and compression.

Every function takes the generator that it draws from and works on whole batches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.data.head_chance import chance, normal, uniform
from reenact.layers.grid import sample
from reenact.layers.rotation import compose, matrix_from_vector
from reenact.perception.expressions import mirror_expressions
from reenact.perception.mesh import mirror_order
from reenact.records import MIRROR_REGION, Record
from reenact.training.reader.batch import ReaderBatch, constant

CROP_RESOLUTIONS = (160, 112, 80, 64, 52, 40)
"""Sides to which crops are shrunk, so that small faces are known: a twelfth of them each."""


@dataclass(frozen=True, eq=False)
class Placement(Record):
    """A similarity of the crop plane: out = scale R(angle) in + shift, xy in [-1, 1]."""

    scale: Tensor
    """(B,) size in the new crop over size in the old."""
    angle: Tensor
    """(B,) turn in radians, counter-clockwise in the picture."""
    shift: Tensor
    """(B, 2) xy."""

    def matrix(self) -> Tensor:
        """(B, 2, 2), scale and turn (y down)."""
        cosine, sine = self.angle.cos(), self.angle.sin()
        rows = torch.stack([cosine, sine, -sine, cosine], dim=-1).unflatten(-1, (2, 2))
        scaled: Tensor = rows * self.scale[:, None, None]
        return scaled

    def move(self, points: Tensor) -> Tensor:
        """Where points (B, N, 2) of the old crop lie in the new one: (B, N, 2)."""
        return points @ self.matrix().transpose(1, 2) + self.shift[:, None]

    def sampling_grid(self, size: int) -> Tensor:
        """Where each pixel of the new crop lies in the old one: (B, size, size, 2)."""
        inverse = self.matrix().transpose(1, 2) / self.scale.square()[:, None, None]
        offset = -(inverse @ self.shift.unsqueeze(-1))
        theta = torch.cat([inverse, offset], dim=-1)
        return F.affine_grid(theta, [len(theta), 1, size, size], align_corners=True)


def random_placement(count: int, generator: torch.Generator) -> Placement:
    """Mostly what a detector leaves over, for a quarter far more."""
    wild = chance(count, 0.25, generator)
    spread = torch.where(wild, 2.0, 1.0)
    scale = (normal((count,), 0.12, generator) * spread - 0.03).clamp(-0.6, 0.5).exp()
    angle = (normal((count,), math.radians(9), generator) * spread).clamp(-0.9, 0.9)
    shift = normal((count, 2), 0.075, generator) * spread[:, None]
    return Placement(scale=scale, angle=angle, shift=shift.clamp(-0.45, 0.45))


def place(batch: ReaderBatch, placement: Placement, backdrop: Tensor, fill: Tensor) -> ReaderBatch:
    """Move the crops; where they end their border goes on or (`fill`, (B,) bool) the backdrop."""
    grid = placement.sampling_grid(batch.image.shape[-1])
    image = sample(batch.image, grid, padding="border")
    outside = (grid.abs() > 1).any(dim=-1)
    image = torch.where((outside & fill[:, None, None]).unsqueeze(1), backdrop, image)
    labels = sample(batch.labels.unsqueeze(1).to(image.dtype), grid, lookup="nearest")
    xy = placement.move(batch.points[..., :2])
    z = batch.points[..., 2:] * placement.scale[:, None, None]
    zero = torch.zeros_like(placement.angle)
    turn = matrix_from_vector(torch.stack([zero, zero, placement.angle], dim=-1))
    return replace(
        batch,
        image=image,
        labels=labels.squeeze(1).round().to(torch.uint8),
        points=torch.cat([xy, z], dim=-1),
        rotation=compose(turn, batch.rotation),
    )


def mirror(batch: ReaderBatch, chosen: Tensor) -> ReaderBatch:
    """Flip the chosen (B,) samples left to right, with everything that has a side."""
    device = batch.image.device
    regions = [0, *(region + 1 for region in MIRROR_REGION)]
    swap = constant(tuple(regions), device).byte()
    signs = constant((-1.0, 1.0, 1.0), device)
    points = batch.points[:, constant(tuple(mirror_order()), device)] * signs
    flipped = replace(
        batch,
        image=batch.image.flip(-1),
        labels=swap[batch.labels.flip(-1).int()],
        points=points,
        rotation=batch.rotation * signs[:, None] * signs,
        jaw=batch.jaw * constant((1.0, -1.0, 1.0), device),
        expression=batch.expression[:, constant(tuple(mirror_expressions()), device)],
    )
    return _choose(chosen, flipped, batch)


def occlude(batch: ReaderBatch, generator: torch.Generator, share: float = 0.35) -> ReaderBatch:
    """Lay patches of other pictures or of skin over a share of the faces; regions are cut."""
    count, size = len(batch), batch.image.shape[-1]
    chosen = chance(count, share, generator)
    hidden = torch.zeros_like(batch.image[:, :1])
    for _ in range(3):
        on = chance(count, 0.6, generator)
        blob = _blob(count, size, generator)
        hidden = torch.maximum(hidden, blob * on[:, None, None, None])
    hidden = hidden * chosen[:, None, None, None]
    order = torch.randperm(count, generator=generator, device=generator.device)
    texture = batch.image[order].roll((size // 3, size // 2), dims=(-2, -1))
    tone = batch.image[:, :, size // 2 : size * 3 // 4, size // 3 : size * 2 // 3]
    flat = tone.mean(dim=(-2, -1), keepdim=True) * uniform((count, 1, 1, 1), 0.5, 1.3, generator)
    shade = 0.85 + 0.3 * smooth_field(count, size, generator, cells=4)
    skin = chance(count, 0.45, generator)[:, None, None, None]
    cover = torch.where(skin, (flat * shade).clamp(0, 1), texture)
    return replace(
        batch,
        image=torch.lerp(batch.image, cover, hidden),
        labels=batch.labels.masked_fill(hidden.squeeze(1) > 0.5, 0),
    )


def recolour(image: Tensor, generator: torch.Generator) -> Tensor:
    """Exposure, contrast, gamma, white balance, saturation and a sloping light."""
    count, size = image.shape[0], image.shape[-1]
    one = (count, 1, 1, 1)
    image = image.clamp(0, 1) ** uniform(one, -0.45, 0.45, generator).exp()
    grey = image.mean(dim=1, keepdim=True)
    colour = uniform(one, 0.5, 1.5, generator)
    colour = torch.where(chance(count, 0.07, generator)[:, None, None, None], 0.0, colour)
    image = grey + (image - grey) * colour
    gain = (uniform(one, -0.4, 0.3, generator) + normal((count, 3, 1, 1), 0.07, generator)).exp()
    lit = chance(count, 0.4, generator)[:, None, None, None]
    light = torch.where(lit, (1.2 * smooth_field(count, size, generator, cells=2) - 0.6).exp(), 1.0)
    return (image * gain * light + normal(one, 0.05, generator)).clamp(0, 1)


def degrade(image: Tensor, generator: torch.Generator, resolutions: Sequence[int]) -> Tensor:
    """Low resolution, motion blur, noise and block compression, each for a share of the batch."""
    count, size = image.shape[0], image.shape[-1]
    image = image.clone()
    order = torch.randperm(count, generator=generator, device=generator.device)
    share = max(1, count // (2 * len(resolutions)))
    for step, side in enumerate(resolutions):
        chosen = order[step * share : (step + 1) * share]
        low = F.interpolate(image[chosen], (side, side), mode="bilinear", antialias=True)
        image[chosen] = F.interpolate(low, (size, size), mode="bilinear", align_corners=False)
    moving = order[-max(1, count // 5) :]
    image[moving] = motion_blur(image[moving], generator)
    loud = chance(count, 0.4, generator)[:, None, None, None]
    noise = normal(tuple(image.shape), 1.0, generator)
    image = (image + noise * uniform((count, 1, 1, 1), 0, 0.06, generator) * loud).clamp(0, 1)
    return compress(image, uniform((count,), 0.0, 1.0, generator).square() * 0.9)


def motion_blur(image: Tensor, generator: torch.Generator) -> Tensor:
    """Average each picture along a short line of its own."""
    count, steps = image.shape[0], 7
    angle = uniform((count,), 0, math.pi, generator)
    reach = uniform((count,), 0, 0.045, generator)
    direction = torch.stack([angle.cos(), angle.sin()], dim=-1) * reach[:, None]
    identity = torch.eye(2, 3, device=image.device).expand(count, 2, 3)
    base = F.affine_grid(identity, list(image.shape), align_corners=True)
    total = torch.zeros_like(image)
    for step in range(steps):
        grid = base + (direction * (2 * step / (steps - 1) - 1))[:, None, None]
        total += sample(image, grid, padding="border")
    return total / steps


def compress(image: Tensor, strength: Tensor) -> Tensor:
    """Quantise the cosine transform of 8 x 8 blocks, as JPEG does; strength (B,) in [0, 1]."""
    count, channels, height, width = image.shape
    basis = _cosines(image.device)
    blocks = image.unflatten(3, (width // 8, 8)).unflatten(2, (height // 8, 8))
    spectrum = torch.einsum("ui,bchiwj,vj->bchuwv", basis, blocks, basis)
    frequency = torch.arange(8, device=image.device).float()
    steps = 0.03 + 0.035 * (frequency[:, None] + frequency)
    steps = steps[:, None, :] * strength.view(-1, 1, 1, 1, 1, 1) * 4 + 1e-4
    spectrum = (spectrum / steps).round() * steps
    blocks = torch.einsum("ui,bchuwv,vj->bchiwj", basis, spectrum, basis)
    return blocks.reshape(count, channels, height, width).clamp(0, 1)


def smooth_field(count: int, size: int, generator: torch.Generator, cells: int) -> Tensor:
    """Smooth noise in [0, 1] that changes over `cells` cells: (count, 1, size, size)."""
    coarse = uniform((count, 1, cells + 1, cells + 1), 0, 1, generator)
    return F.interpolate(coarse, (size, size), mode="bicubic", align_corners=True).clamp(0, 1)


def _blob(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Soft-edged ellipses and rounded rectangles anywhere: (count, 1, size, size) in [0, 1]."""
    line = torch.linspace(-1, 1, size, device=generator.device)
    centre = uniform((count, 2, 1, 1), -0.8, 0.8, generator)
    angle = uniform((count, 1, 1), 0, math.pi, generator)
    half = uniform((count, 2, 1, 1), 0.06, 0.42, generator)
    x = line[None, None, :] - centre[:, 0]
    y = line[None, :, None] - centre[:, 1]
    u = (x * angle.cos() + y * angle.sin()) / half[:, 0]
    v = (y * angle.cos() - x * angle.sin()) / half[:, 1]
    power = torch.where(chance(count, 0.5, generator), 2.0, 8.0)[:, None, None]
    inside = 1 - (u.abs() ** power + v.abs() ** power)
    return (inside * 12 + 0.5).clamp(0, 1).unsqueeze(1)


def _cosines(device: torch.device) -> Tensor:
    """Orthonormal cosine basis (8 frequencies, 8 places)."""
    places = (torch.arange(8, device=device).float() + 0.5) * (math.pi / 8)
    basis = (torch.arange(8, device=device).float()[:, None] * places).cos() * 0.5
    basis[0] *= math.sqrt(0.5)
    return basis


def _choose(chosen: Tensor, one: ReaderBatch, other: ReaderBatch) -> ReaderBatch:
    """Samples of `one` where chosen, of `other` elsewhere."""

    def pick(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(chosen.view(-1, *[1] * (a.ndim - 1)), a, b)

    names = ("image", "labels", "points", "rotation", "jaw", "expression")
    return replace(other, **{n: pick(getattr(one, n), getattr(other, n)) for n in names})
