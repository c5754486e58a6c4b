"""Hair, hats and scarves of synthetic heads, as triangles in head axes.

Hair meshes come from a file and follow the identity; hats are shells around the head itself, so
they fit every identity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reenact.data.head_chance import choice, normal, uniform
from reenact.data.head_shape import HeadModel
from reenact.data.surface import vertex_normals
from reenact.errors import WeightsError
from reenact.records import Record

_BRIM = 25
"""Corners along a brim."""


@dataclass(frozen=True, eq=False)
class Solid(Record):
    """Triangles to draw on B heads, in head axes before the pose."""

    vertices: Tensor
    """(B, N, 3) cm."""
    triangles: Tensor
    """(T, 3) or (B, T, 3) int64; triangles without area are not drawn."""
    trim: Tensor
    """(B, N) drawn where positive: cuts hats and scarves to their rim."""
    reference: Tensor
    """(B, N, 3) place on the neutral head, which decides how far a point turns with the head."""


@dataclass(frozen=True, eq=False)
class HairMeshes(Record):
    """All hair meshes, padded to one length."""

    vertices: Tensor
    """(S, N, 3) cm on the neutral head."""
    triangles: Tensor
    """(S, T, 3) int64; padding is (0, 0, 0)."""
    uv: Tensor
    """(S, T, 3, 2) of the corners."""
    anchor: Tensor
    """(S, N, 8) int64 head vertices that move a hair vertex."""
    anchor_weight: Tensor
    """(S, N, 8)."""


def load_hair(folder: Path, device: torch.device | str) -> HairMeshes:
    """The hair meshes of a weights folder."""
    path = folder / "makehuman_cc0" / "hair.npz"
    try:
        with np.load(path) as stored:
            data = {key: stored[key] for key in stored.files}
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path}: cannot be read ({error}), expected hair meshes as npz. "
            "Set REENACT_WEIGHTS to the folder that holds makehuman_cc0."
        ) from error
    names = [str(name) for name in data["names"]]
    uv = [data[f"{n}_uv"][data[f"{n}_uv_triangles"]].astype(np.float32) for n in names]
    return HairMeshes(
        vertices=_stack([data[f"{n}_vertices"].astype(np.float32) for n in names]),
        triangles=_stack([data[f"{n}_triangles"].astype(np.int64) for n in names]),
        uv=_stack(uv),
        anchor=_stack([data[f"{n}_anchor"].astype(np.int64) for n in names]),
        anchor_weight=_stack([data[f"{n}_anchor_weight"].astype(np.float32) for n in names]),
    ).to(device)


def wear_hair(
    hair: HairMeshes, style: Tensor, worn: Tensor, offset: Tensor, generator: torch.Generator
) -> Solid:
    """Hair of the styles (B,) on heads whose vertices moved by offset (B, V, 3); (B,) bool worn."""
    vertices = hair.vertices[style]
    anchor, weight = hair.anchor[style], hair.anchor_weight[style]
    index = anchor.flatten(1).unsqueeze(-1).expand(-1, -1, 3)
    moved = offset.gather(1, index).unflatten(1, anchor.shape[1:])
    placed = vertices + (weight.unsqueeze(-1) * moved).sum(dim=2)
    count = len(style)
    # Fuller on some heads: away from the middle of the head.
    full = uniform((count, 1, 1), 1.0, 1.06, generator)
    centre = placed.new_tensor([0.0, 3.0, 0.0])
    placed = centre + (placed - centre) * full
    return Solid(
        vertices=placed,
        triangles=hair.triangles[style],
        trim=torch.where(worn, 1.0, -1.0).unsqueeze(1).expand(-1, placed.shape[1]),
        reference=vertices,
    )


def hat_trim(points: Tensor, rim: Tensor, tilt: Tensor) -> Tensor:
    """How far points (B, N, 3) of the neutral head lie above a hat's rim, cm: (B, N)."""
    return points[..., 1] - rim.unsqueeze(1) + tilt.unsqueeze(1) * points[..., 2]


@dataclass(frozen=True, eq=False)
class HatStyle(Record):
    """One random hat or scarf for each of B heads."""

    rim: Tensor
    """(B,) cm above the origin at the ears."""
    tilt: Tensor
    """(B,) how much the rim falls towards the front."""
    brim: Tensor
    """(B,) cm; 0 = none."""
    arc: Tensor
    """(B,) half the angle that the brim takes, radians."""
    thick: Tensor
    """(B,) cm over the skin."""
    dome: Tensor
    """(B,) how much it stands up at the crown."""
    scarf: Tensor
    """(B,) bool: covers all but the face."""


def random_hats(count: int, generator: torch.Generator) -> HatStyle:
    """Caps, hats with a brim all around, beanies, head-scarves."""
    kind = choice(count, 8, generator)
    cap, wide, scarf = kind < 3, (kind == 3) | (kind == 4), kind == 7
    brim = torch.where(cap, uniform((count,), 4.5, 7.5, generator), 0.0)
    brim = torch.where(wide, uniform((count,), 3.0, 8.0, generator), brim)
    return HatStyle(
        rim=uniform((count,), 5.2, 8.2, generator),
        tilt=normal((count,), 0.12, generator) - torch.where(cap, 0.02, 0.1),
        brim=brim,
        arc=torch.where(wide, math.pi, uniform((count,), 1.0, 1.35, generator)),
        thick=torch.where(scarf, 0.5, uniform((count,), 0.7, 1.4, generator)),
        dome=uniform((count,), 0.0, 0.3, generator),
        scarf=scarf,
    )


def wear_hat(
    model: HeadModel, shape: Tensor, style: HatStyle, worn: Tensor, triangles: Tensor
) -> Solid:
    """A shell around the head (B, V, 3) with its rim, and a brim; triangles (T, 3) of the skin."""
    neutral = model.neutral.expand_as(shape)
    above = hat_trim(neutral, style.rim, style.tilt)
    normals = vertex_normals(shape, triangles)
    out = style.thick.unsqueeze(1) + style.dome.unsqueeze(1) * above.clamp(min=0)
    out = torch.where(style.scarf.unsqueeze(1), style.thick.unsqueeze(1), out)
    shell = shape + normals * out.unsqueeze(-1)
    trim = torch.where(style.scarf.unsqueeze(1), scarf_trim(neutral), above)
    brim, brim_triangles = _brim(shell, trim, style)
    vertices = torch.cat([shell, brim], dim=1)
    has_brim = (style.brim > 0).unsqueeze(1).expand(-1, brim.shape[1])
    trim = torch.cat([trim, torch.where(has_brim, 1.0, -1.0)], dim=1)
    return Solid(
        vertices=vertices,
        triangles=torch.cat([triangles, brim_triangles + shell.shape[1]]),
        trim=torch.where(worn.unsqueeze(1), trim, -1.0),
        reference=torch.cat([neutral, brim.new_tensor([0.0, 8.0, 0.0]).expand_as(brim)], dim=1),
    )


def scarf_trim(points: Tensor) -> Tensor:
    """Positive outside the face as a scarf leaves it free: (B, N, 3) to (B, N)."""
    x, y, z = points.unbind(-1)
    around = (x / 6.9) ** 2 + ((y - 0.6) / 8.4) ** 2 - 1
    open_face = torch.where(z > 1.0, around, (1.0 - z) * 0.2 + around.clamp(min=0.2)) * 3
    return torch.minimum(open_face, y + 11.5)


def _brim(shell: Tensor, trim: Tensor, style: HatStyle) -> tuple[Tensor, Tensor]:
    """A band that leaves the shell at its rim: vertices (B, 3 * _BRIM, 3) and triangles."""
    near = ((trim.abs() < 0.6) & ~style.scarf.unsqueeze(1)).unsqueeze(-1)
    low = torch.where(near, shell, 1e3).amin(dim=1)
    high = torch.where(near, shell, -1e3).amax(dim=1)
    found = (high > low).all(dim=1, keepdim=True)
    low, high = torch.where(found, low, -8.0), torch.where(found, high, 8.0)
    centre, radius = (low + high) / 2, (high - low) / 2
    angle = torch.linspace(-1, 1, _BRIM, device=shell.device) * style.arc.unsqueeze(1)
    sine, cosine = angle.sin(), angle.cos()
    rows = []
    for share, sag in ((0.0, 0.0), (0.5, 0.12), (1.0, 0.3)):
        reach = share * style.brim.unsqueeze(1)
        x = centre[:, :1] + (0.93 * radius[:, :1] + 0.6 * reach) * sine
        z = centre[:, 2:] + (0.93 * radius[:, 2:] + reach) * cosine
        y = style.rim.unsqueeze(1) - style.tilt.unsqueeze(1) * z * (1 - 0.3 * share)
        y = y - sag * reach * (0.3 + 0.7 * sine.abs())
        rows.append(torch.stack([x, y, z], dim=-1))
    step = torch.arange(_BRIM - 1, device=shell.device)
    triangles = []
    for row in range(2):
        a = step + row * _BRIM
        b, c, d = a + 1, a + _BRIM, a + _BRIM + 1
        triangles += [torch.stack([a, b, c], 1), torch.stack([b, d, c], 1)]
    return torch.cat(rows, dim=1), torch.cat(triangles)


def _stack(arrays: list[np.ndarray]) -> Tensor:
    """Pad with zeros to the longest and stack."""
    longest = max(len(a) for a in arrays)
    padded = [np.pad(a, [(0, longest - len(a))] + [(0, 0)] * (a.ndim - 1)) for a in arrays]
    return torch.from_numpy(np.stack(padded))
