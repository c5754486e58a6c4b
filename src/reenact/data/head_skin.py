"""What the surface of a synthetic head shows: regions, and a random skin painted over them.

Everything lives in texture space, two tiles side by side: the face (u in [0, 1)), and the rest of
the head and the neck (u in [1, 2)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.spatial import KDTree
from torch import Tensor

from reenact.data.face_surface import (
    INNER_LOWER,
    INNER_UPPER,
    LEFT_BROW,
    NOSE,
    OUTER_LOWER,
    OUTER_UPPER,
    RIGHT_BROW,
)
from reenact.data.head_chance import chance, noise, palette, uniform
from reenact.data.head_shape import HeadModel
from reenact.data.raster import interpolate, rasterize
from reenact.perception.mesh import LEFT_EYE, RIGHT_EYE
from reenact.records import REGIONS, Record

Number = TypeVar("Number", np.uint8, np.float32)

TILE = 512
"""Texels on a side of a tile."""
LABELS = {name: index + 1 for index, name in enumerate(REGIONS)}
_SKIN_TONES = (
    (247, 219, 200), (240, 205, 180), (228, 188, 158), (214, 168, 134), (194, 146, 110),
    (168, 119, 84), (141, 95, 66), (110, 72, 50), (82, 53, 38), (61, 40, 31),
)  # fmt: skip
_LIPSTICKS = ((150, 20, 40), (190, 60, 80), (200, 110, 110), (120, 30, 50))
_HAIR_TONES = (
    (18, 15, 14), (28, 22, 19), (43, 30, 23), (66, 44, 30), (94, 63, 41), (127, 90, 56),
    (164, 124, 78), (205, 172, 120), (170, 160, 150), (210, 205, 200), (140, 60, 30), (60, 30, 22),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class SkinMaps(Record):
    """Where things are on every head, in texture space (TILE, 2 TILE)."""

    labels: Tensor
    """uint8 region index plus 1; the brows are not in it."""
    brow: Tensor
    """Signed distance in cm, positive inside a brow; left brows lie at x > 0."""
    position: Tensor
    """(3, TILE, 2 TILE) place on the neutral head, cm."""
    blush: Tensor
    """In [0, 1]: cheeks, nose, chin, ears."""
    lips: Tensor
    """In [0, 1], soft."""
    lashes: Tensor
    """In [0, 1]: the rims of the lids."""
    sockets: Tensor
    """In [0, 1]: around the eyes."""
    beard: Tensor
    """In [0, 1]: where a beard grows."""


@dataclass(frozen=True, eq=False)
class Skin(Record):
    """A painted skin for each of B heads."""

    albedo: Tensor
    """(B, 3, TILE, 2 TILE) sRGB in [0, 1]."""
    labels: Tensor
    """(B, TILE, 2 TILE) uint8."""
    tone: Tensor
    """(B, 3) plain colour of the skin."""
    hair: Tensor
    """(B, 3) plain colour of hair and brows."""


def bake(model: HeadModel) -> SkinMaps:
    """Draw the fixed maps once, on the CPU; returns them on the model's device."""
    device = model.neutral.device
    model = model.to("cpu")
    skin = model.part < 2
    triangles, uv = model.triangles[skin], model.uv[skin]
    flat = torch.cat([_texel(uv.flatten(0, 1)), torch.zeros(uv.shape[0] * 3, 1)], dim=1)
    index = torch.arange(len(flat)).view(-1, 3)
    fragments = rasterize(flat.unsqueeze(0), index, TILE, 2 * TILE)
    place = interpolate(fragments, model.neutral[triangles].flatten(0, 1).unsqueeze(0), index)
    position = _filled(place[0].numpy(), fragments.covered[0].numpy())
    soft = F.one_hot(model.region, 15).float()[triangles].flatten(0, 1).unsqueeze(0)
    labels = interpolate(fragments, soft, index)[0].argmax(-1).numpy().astype(np.uint8)
    labels = _filled(labels[..., None], fragments.covered[0].numpy())[..., 0]
    regions = _paint_outlines(labels, _texel(model.mesh_uv).numpy())
    points = model.mesh(model.neutral.unsqueeze(0))[0].numpy()
    maps = _soft_maps(position, points, regions)
    return SkinMaps(
        labels=torch.from_numpy(regions),
        brow=torch.from_numpy(_brow_distance(_texel(model.mesh_uv).numpy(), position)),
        position=torch.from_numpy(position).permute(2, 0, 1).contiguous(),
        **{name: torch.from_numpy(value.astype(np.float32)) for name, value in maps.items()},
    ).to(device)


def paint(maps: SkinMaps, count: int, generator: torch.Generator) -> Skin:
    """Random skins: tone, blotches, lips, brows, lashes, stubble and beards."""
    size = (TILE, 2 * TILE)
    tone = palette(_SKIN_TONES, count, generator)
    hair = palette(_HAIR_TONES, count, generator)
    dark = (tone.mean(dim=1, keepdim=True) < 0.45) & (hair.mean(dim=1, keepdim=True) > 0.3)
    hair = torch.where(dark, hair * 0.2, hair)
    fine = noise(count, size, ((256, 512), (512, 1024)), generator, 1.0)
    blotch = noise(count, size, ((6, 12), (16, 32), (48, 96)), generator)
    albedo = _grid(tone) * (
        1 + 0.05 * blotch + uniform((count, 1, 1, 1), 0.01, 0.04, generator) * fine
    )
    red = uniform((count, 1, 1, 1), 0.0, 0.35, generator) * maps.blush * (0.8 + 0.3 * blotch)
    albedo = albedo * (1 - red * albedo.new_tensor([0.05, 0.45, 0.4]).view(1, 3, 1, 1))
    dark = uniform((count, 1, 1, 1), 0.0, 0.35, generator) * maps.sockets
    albedo = albedo * (1 - dark * albedo.new_tensor([0.5, 0.65, 0.6]).view(1, 3, 1, 1))
    albedo = _lips(albedo, maps, tone, generator)
    albedo = _beard(albedo, maps, hair, fine, generator)
    lash = maps.lashes * uniform((count, 1, 1, 1), 0.35, 1.0, generator)
    albedo = torch.lerp(albedo, _grid(hair * 0.25), lash.expand_as(albedo))
    edge = uniform((count, 1, 1), -0.12, 0.1, generator)
    inside = maps.brow + edge
    strand = (0.85 + 0.3 * fine.squeeze(1)).clamp(0, 1)
    cover = (inside / 0.1).clamp(0, 1) * strand * uniform((count, 1, 1), 0.5, 1.2, generator)
    cover = cover.clamp(0, 1)
    albedo = torch.lerp(albedo, _grid(hair * 0.5), cover.unsqueeze(1).expand_as(albedo))
    left = maps.position[0] > 0
    brow = torch.where(left, LABELS["left brow"], LABELS["right brow"])
    labels = torch.where((inside > 0) & (maps.labels == LABELS["skin"]), brow, maps.labels)
    return Skin(albedo.clamp(0, 1), labels.to(torch.uint8), tone, hair)


def look_up(texture: Tensor, uv: Tensor) -> Tensor:
    """Textures (B, C, H, W) at places (B, S, S, 2) in [0, 1], v up, bilinear: (B, S, S, C)."""
    height, width = texture.shape[-2:]
    x = (uv[..., 0] * width - 0.5).clamp(0, width - 1)
    y = ((1 - uv[..., 1]) * height - 0.5).clamp(0, height - 1)
    column, row = x.long().clamp(max=width - 2), y.long().clamp(max=height - 2)
    right, down = (x - column).unsqueeze(-1), (y - row).unsqueeze(-1)
    texels = texture.permute(0, 2, 3, 1)
    sample = torch.arange(len(texture), device=texture.device).view(-1, 1, 1)
    upper = torch.lerp(texels[sample, row, column], texels[sample, row, column + 1], right)
    lower = torch.lerp(texels[sample, row + 1, column], texels[sample, row + 1, column + 1], right)
    return torch.lerp(upper, lower, down)


def _lips(albedo: Tensor, maps: SkinMaps, tone: Tensor, generator: torch.Generator) -> Tensor:
    count = len(tone)
    natural = tone * tone.new_tensor([0.92, 0.66, 0.64])
    painted = palette(_LIPSTICKS, count, generator)
    made_up = chance(count, 0.35, generator).unsqueeze(1)
    colour = torch.where(made_up, torch.lerp(tone, painted, 0.75), natural)
    strength = maps.lips * uniform((count, 1, 1, 1), 0.6, 1.0, generator)
    return torch.lerp(albedo, _grid(colour).expand_as(albedo), strength.expand_as(albedo))


def _beard(
    albedo: Tensor, maps: SkinMaps, hair: Tensor, fine: Tensor, generator: torch.Generator
) -> Tensor:
    """Stubble on a quarter of the heads, full beards on a sixth."""
    count = len(hair)
    full = chance(count, 0.16, generator).view(-1, 1, 1, 1)
    stubble = chance(count, 0.25, generator).view(-1, 1, 1, 1)
    strength = torch.where(full, uniform((count, 1, 1, 1), 0.7, 0.97, generator), 0.0)
    faint = uniform((count, 1, 1, 1), 0.1, 0.35, generator)
    strength = torch.where(stubble & ~full, faint, strength)
    cover = maps.beard * strength * (0.8 + 0.4 * fine).clamp(0, 1)
    return torch.lerp(albedo, _grid(hair * 0.8).expand_as(albedo), cover.expand_as(albedo))


def _grid(colour: Tensor) -> Tensor:
    return colour[:, :, None, None]


def _texel(uv: Tensor) -> Tensor:
    """Texture positions (N, 2) to texels: x, y with y down."""
    flipped = torch.stack([uv[:, 0], 1 - uv[:, 1]], dim=1)
    return flipped * TILE - 0.5


def _filled(values: NDArray[Number], covered: NDArray[np.bool_]) -> NDArray[Number]:
    """Give uncovered texels the value of the nearest covered one: no seams at tile borders."""
    _, nearest = cv2.distanceTransformWithLabels(
        (~covered).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    lookup: NDArray[Number] = np.zeros((nearest.max() + 1, values.shape[-1]), values.dtype)
    lookup[nearest[covered]] = values[covered]
    filled: NDArray[Number] = lookup[nearest]
    return filled


def _paint_outlines(labels: NDArray[np.uint8], mesh: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Replace jagged borders between vertices by the outlines of the face mesh."""
    labels = labels.copy()
    redrawn = [LABELS[n] for n in ("left brow", "right brow", "nose", "upper lip", "lower lip")]
    labels[np.isin(labels, redrawn)] = LABELS["skin"]
    outlines = {
        "nose": NOSE,
        "upper lip": OUTER_UPPER + INNER_UPPER[::-1],
        "lower lip": OUTER_LOWER + INNER_LOWER[::-1],
    }
    for name, outline in outlines.items():
        _fill(labels, mesh[list(outline)], LABELS[name])
    # Between the lips the texture shows the backs of the lips, which an open mouth turns outwards.
    mouth = np.zeros_like(labels)
    _fill(mouth, mesh[list(INNER_UPPER + INNER_LOWER[::-1])], 1)
    middle = mesh[[INNER_UPPER[5], INNER_LOWER[5]], 1].mean()
    rows = np.arange(len(labels))[:, None]
    labels[(mouth > 0) & (rows < middle)] = LABELS["upper lip"]
    labels[(mouth > 0) & (rows >= middle)] = LABELS["lower lip"]
    return labels


def _fill(image: NDArray[np.uint8], outline: NDArray[np.float32], value: int) -> None:
    fixed = np.round(outline * 16).astype(np.int32)
    cv2.fillPoly(image, [fixed.reshape(-1, 1, 2)], value, lineType=cv2.LINE_8, shift=4)


def _brow_distance(mesh: NDArray[np.float32], position: NDArray[np.float32]) -> NDArray[np.float32]:
    inside = np.zeros(position.shape[:2], dtype=np.uint8)
    for outline in (LEFT_BROW, RIGHT_BROW):
        _fill(inside, mesh[list(outline)], 1)
    texels = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(
        1 - inside, cv2.DIST_L2, 5
    )
    across = np.linalg.norm(mesh[105] - mesh[334])
    centimetres = np.linalg.norm(
        position[tuple(np.round(mesh[105, ::-1]).astype(int))]
        - position[tuple(np.round(mesh[334, ::-1]).astype(int))]
    )
    return np.asarray(texels * centimetres / across, dtype=np.float32)


def _soft_maps(
    position: NDArray[np.float32], mesh: NDArray[np.float32], labels: NDArray[np.uint8]
) -> dict[str, NDArray[np.float32]]:
    x, y, z = np.moveaxis(position, -1, 0)

    def near(points: list[int], radius: float) -> NDArray[np.float32]:
        return np.asarray(np.exp(-((_distance(position, mesh[points]) / radius) ** 2)))

    ears = np.isin(labels, [LABELS["left ear"], LABELS["right ear"]]) * 0.6
    blush = np.maximum.reduce(
        [near([50, 280], 2.6), 0.9 * near([1, 4, 5], 1.6), 0.5 * near([152, 199], 1.8), ears]
    )
    lips = np.isin(labels, [LABELS["upper lip"], LABELS["lower lip"]]).astype(np.float32)
    rims = [_dense(mesh[[*ring, ring[0]]], 6) for ring in (RIGHT_EYE, LEFT_EYE)]
    rim = _distance(position, np.concatenate(rims))
    upper = np.clip((y - 3.0) / 0.5, 0.25, 1)
    beard = _smooth((2.2 - y - 0.55 * np.clip(np.abs(x) - 5.0, -3, 2)) / 3.0)
    beard *= _smooth((-y - 0.2) / 1.2) * _smooth((y + 10.5) / 2.0) * _smooth((z + 0.5) / 3.0)
    moustache = near([0, 37, 267, 164, 167, 393, 165, 391, 92, 322], 0.9)
    bare = np.clip(lips + near([17, 18], 0.5) * 0.3, 0, 1)
    beard = np.clip(np.maximum(beard, moustache * (y < -0.9)), 0, 1) * (1 - bare)
    beard *= labels != LABELS["nose"]
    return {
        "blush": blush,
        "lips": cv2.GaussianBlur(lips, (0, 0), 1.2),
        "lashes": np.exp(-((rim / 0.09) ** 2)) * upper,
        "sockets": near([*RIGHT_EYE[1:8], *LEFT_EYE[1:8], 133, 362, 247, 467], 0.8),
        "beard": cv2.GaussianBlur(beard.astype(np.float32), (0, 0), 2),
    }


def _distance(position: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance of every texel's place to the nearest of the points."""
    nearest, _ = KDTree(points).query(position.reshape(-1, 3))
    return np.asarray(nearest, dtype=np.float32).reshape(position.shape[:2])


def _smooth(value: NDArray[np.float32]) -> NDArray[np.float32]:
    clipped = np.clip(value, 0, 1)
    return np.asarray(clipped * clipped * (3 - 2 * clipped))


def _dense(points: NDArray[np.float32], times: int) -> NDArray[np.float32]:
    """More points on a polyline."""
    at = np.linspace(0, len(points) - 1, (len(points) - 1) * times + 1)
    return np.stack([np.interp(at, np.arange(len(points)), points[:, k]) for k in range(3)], 1)
