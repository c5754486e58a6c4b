"""Pictures for the detector, put together on the device: faces of every size on anything."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.data.head_chance import chance, normal, uniform
from reenact.data.pairs import denormalize_points, to_unit_range
from reenact.layers.grid import sample
from reenact.perception.mesh import OUTLINE
from reenact.perception.reader import DETECTOR_SIDE
from reenact.records import Record
from reenact.training.reader.augment import Placement, degrade, recolour, smooth_field
from reenact.training.reader.batch import constant
from reenact.training.reader.store import ReaderStore

_SLOTS = 4
_LEVELS = 3
_CORNERS = (-1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0)


@dataclass(frozen=True, eq=False)
class PictureBatch(Record):
    """Pictures with the boxes of their faces."""

    image: Tensor
    """(B, 3, 320, 320) in [0, 1]."""
    boxes: Tensor
    """(B, N, 4) x0, y0, x1, y1 in pixels."""
    valid: Tensor
    """(B, N) bool: this box stands for a face."""


def compose_pictures(
    store: ReaderStore, negatives: Tensor, count: int, generator: torch.Generator
) -> PictureBatch:
    """Portraits that fill the picture, several faces on a background, and none at all."""
    image = background(negatives, store, count, DETECTOR_SIDE, generator)
    portrait = chance(count, 0.35, generator)
    boxes: list[Tensor] = []
    valid: list[Tensor] = []
    for slot in range(_SLOTS):
        on = portrait | chance(count, 0.75, generator) if slot == 0 else ~portrait
        on = on & (chance(count, 0.45, generator) if slot else on)
        image, box, taken = _paste(image, store, portrait, on, boxes, valid, generator)
        boxes.append(box)
        valid.append(taken)
    covered = chance(count, 0.12, generator)
    image = _cover(image, boxes[0], covered & valid[0], generator)
    valid[0] = valid[0] & ~covered
    image = degrade(recolour(image, generator), generator, resolutions=(256, 224, 192, 160))
    return PictureBatch(image=image, boxes=torch.stack(boxes, 1), valid=torch.stack(valid, 1))


def background(
    negatives: Tensor, store: ReaderStore, count: int, size: int, generator: torch.Generator
) -> Tensor:
    """Pictures without a face: (count, 3, size, size) in [0, 1].

    Photographs (uint8 (N, 3, h, w)) zoomed at random, plain and sloping colours, smooth noise.
    """
    device = generator.device
    index = torch.randint(len(negatives), (count,), generator=generator, device=device)
    photo = to_unit_range(negatives[index])
    zoom = uniform((count,), 0.0, 1.4, generator).exp()
    reach = 1 - 1 / zoom
    place = Placement(
        scale=zoom,
        angle=normal((count,), 0.15, generator) * (zoom > 1.5),
        shift=uniform((count, 2), -1, 1, generator) * (reach * zoom)[:, None],
    )
    photo = sample(photo, place.sampling_grid(size), padding="reflection")
    photo = torch.where(chance(count, 0.5, generator)[:, None, None, None], photo.flip(-1), photo)
    colour = uniform((count, 3, 1, 1), 0, 1, generator)
    other = uniform((count, 3, 1, 1), 0, 1, generator)
    plain = torch.lerp(colour, other, smooth_field(count, size, generator, cells=3))
    plain = torch.where(chance(count, 0.4, generator)[:, None, None, None], colour, plain)
    grain = normal((count, 3, size, size), 1.0, generator)
    plain = plain + grain * uniform((count, 1, 1, 1), 0, 0.15, generator)
    unreal = chance(count, 0.25, generator)[:, None, None, None]
    return torch.where(unreal, plain.clamp(0, 1), photo)


def _paste(
    image: Tensor,
    store: ReaderStore,
    portrait: Tensor,
    on: Tensor,
    boxes: list[Tensor],
    valid: list[Tensor],
    generator: torch.Generator,
) -> tuple[Tensor, Tensor, Tensor]:
    """Lay one face of the store on each picture that is `on`; where it would hide another, none."""
    count, size = image.shape[0], image.shape[-1]
    index = store.draw(count, generator, synthetic=0.15)
    outline = store.points[index][:, constant(OUTLINE, generator.device), :2]
    place = _random_place(outline, portrait, generator)
    grid = place.sampling_grid(size)
    face = _sample_smooth(to_unit_range(store.images[index]), grid, place.scale * size / 256)
    alpha = _alpha(store.labels[index], grid, generator)
    alpha = torch.where(portrait[:, None, None, None], 1.0, alpha)
    corners = constant(_CORNERS, generator.device).unflatten(0, (4, 2)).expand(count, 4, 2)
    window = _box(corners, place, size)
    for earlier, there in zip(boxes, valid, strict=True):
        on = on & ~(_touch(window, earlier) & there)
    alpha = alpha * on[:, None, None, None]
    return torch.lerp(image, face, alpha), _box(outline, place, size), on


def _random_place(outline: Tensor, portrait: Tensor, generator: torch.Generator) -> Placement:
    """From the crop of a face with this outline (B, 36, 2) to anywhere in the picture.

    Portraits are 30 to 100 % of the picture's height, other faces 8.5 to 60 %.
    """
    count = len(outline)
    height = (outline[..., 1].amax(1) - outline[..., 1].amin(1)).clamp_min(0.1) / 2
    share = torch.where(
        portrait,
        uniform((count,), math.log(0.3), math.log(1.0), generator).exp(),
        uniform((count,), math.log(0.085), math.log(0.6), generator).exp(),
    )
    scale = share / height
    angle = normal((count,), 0.16, generator)
    centre = (outline.amax(1) + outline.amin(1)) / 2
    room = (1 - share * torch.where(portrait, 0.75, 1.0)).clamp_min(0.02)
    target = uniform((count, 2), -1, 1, generator) * room[:, None]
    straight = Placement(scale=scale, angle=angle, shift=torch.zeros_like(target))
    turned = (straight.matrix() @ centre.unsqueeze(-1)).squeeze(-1)
    return Placement(scale=scale, angle=angle, shift=target - turned)


def _sample_smooth(image: Tensor, grid: Tensor, scale: Tensor) -> Tensor:
    """Sample with the level of a pyramid that fits the scale (B,), so that nothing aliases."""
    level = (-scale.log2() + 0.25).floor().clamp(0, _LEVELS - 1)
    sampled = sample(image, grid, padding="border")
    for step in range(1, _LEVELS):
        image = F.avg_pool2d(image, 2)
        # Corners of the smaller map lie further inside the picture.
        shrunk = grid * (255 / 256) * (image.shape[-1] / (image.shape[-1] - 1))
        smaller = sample(image, shrunk, padding="border")
        sampled = torch.where((level >= step)[:, None, None, None], smaller, sampled)
    return sampled


def _alpha(labels: Tensor, grid: Tensor, generator: torch.Generator) -> Tensor:
    """How much of the pasted crop shows: its square, a feathered square, or the head alone."""
    count = len(labels)
    reach = 1 - grid.abs().amax(dim=-1)
    hard = (reach > 0).float()
    soft = (reach / uniform((count, 1, 1), 0.05, 0.4, generator)).clamp(0, 1)
    head = F.avg_pool2d((labels > 0).float().unsqueeze(1), 9, stride=1, padding=4)
    head = sample(head, grid).squeeze(1)
    kind = uniform((count, 1, 1), 0, 1, generator)
    alpha = torch.where(kind < 0.4, hard, torch.where(kind < 0.65, soft, head * (reach > 0)))
    return alpha.unsqueeze(1)


def _cover(image: Tensor, box: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
    """Hide the whole face: a head without one is no face."""
    count, size = image.shape[0], image.shape[-1]
    line = torch.arange(size, device=image.device) + 0.5
    centre, half = (box[:, :2] + box[:, 2:]) / 2, (box[:, 2:] - box[:, :2]).clamp_min(1) * 0.62
    x = (line[None, None, :] - centre[:, 0, None, None]) / half[:, 0, None, None]
    y = (line[None, :, None] - centre[:, 1, None, None]) / half[:, 1, None, None]
    inside = (((1.15 - (x**4 + y**4)) * 4).clamp(0, 1)).unsqueeze(1) * chosen[:, None, None, None]
    colour = uniform((count, 3, 1, 1), 0, 1, generator)
    veil = (colour * (0.6 + 0.8 * smooth_field(count, size, generator, cells=12))).clamp(0, 1)
    elsewhere = chance(count, 0.6, generator)[:, None, None, None]
    veil = torch.where(elsewhere, _beside(image, half, generator), veil)
    return torch.lerp(image, veil, inside)


def _beside(image: Tensor, half: Tensor, generator: torch.Generator) -> Tensor:
    """The picture moved by more than the face: below it or to a side of it come in its place."""
    count, size = image.shape[0], image.shape[-1]
    down = chance(count, 0.6, generator)
    side = torch.where(chance(count, 0.5, generator), 1.0, -1.0)
    reach = 2.1 * half / (size / 2)
    zero = torch.zeros_like(side)
    x, y = torch.where(down, zero, reach[:, 0] * side), torch.where(down, reach[:, 1], zero)
    one = torch.ones_like(side)
    theta = torch.stack([one, zero, x, zero, one, y], dim=-1).unflatten(-1, (2, 3))
    grid = F.affine_grid(theta, list(image.shape), align_corners=True)
    return sample(image, grid, padding="border")


def _box(points: Tensor, place: Placement, size: int) -> Tensor:
    """Bounding box in pixels of points (B, N, 2) of the crop once they are placed: (B, 4)."""
    pixels = denormalize_points(place.move(points), size)
    return torch.cat([pixels.amin(dim=1), pixels.amax(dim=1)], dim=-1)


def _touch(one: Tensor, other: Tensor) -> Tensor:
    low = torch.maximum(one[:, :2], other[:, :2])
    high = torch.minimum(one[:, 2:], other[:, 2:])
    return (high > low).all(dim=-1)
