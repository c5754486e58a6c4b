"""The shape of synthetic heads: identities, expressions, pose, and the camera that looks at them.

Head axes in centimetres: x to the person's left (picture right when frontal), y up, z forward.
Camera axes: x to the right, y up, z towards the viewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reenact.data.raster import Fragments
from reenact.errors import WeightsError
from reenact.perception.mesh import OUTLINE
from reenact.records import FloatArray, Record

OPAQUE_PARTS = 9
"""Parts below this number are drawn; the others are sheets for transparent shaders."""
_INNER_EYES = ((22221, 23021), (23791, 24591))
_PIVOT = (0.0, -6.0, -1.0)
"""Where the neck turns, cm."""
_RIGID, _LOOSE = -4.0, -12.0
"""Height, leaning with the jaw, above which points move with the head, below with the bust."""


@dataclass(frozen=True, eq=False)
class HeadModel(Record):
    """A morphable head, on one device."""

    neutral: Tensor
    """(V, 3) cm."""
    identities: Tensor
    """(100, V * 3) cm a unit."""
    expressions: Tensor
    """(57, V * 3) cm a unit."""
    triangles: Tensor
    """(T, 3) int64, the parts that are drawn."""
    part: Tensor
    """(T,) int64: 0 face, 1 head and neck, 2 mouth, 3-4 eye sockets, 5 gums, 6 teeth, 7-8 eyes."""
    uv: Tensor
    """(T, 3, 2) texture position of every corner; u in [0, 1) face, [1, 2) head."""
    region: Tensor
    """(V,) int64 region index plus 1, 14 = scalp."""
    mesh_corners: Tensor
    """(478, 3) int64 vertices under each point of the face mesh."""
    mesh_weights: Tensor
    """(478, 3)."""
    mesh_uv: Tensor
    """(478, 2)."""
    reliable: Tensor
    """(478,) bool."""

    def shape(self, identity: Tensor, expression: Tensor) -> Tensor:
        """Vertices (B, V, 3) of identity (B, 100) and expression (B, 57) weights."""
        offset: Tensor = identity @ self.identities + expression @ self.expressions
        return self.neutral + offset.view(len(offset), -1, 3)

    def mesh(self, vertices: Tensor) -> Tensor:
        """The 478 points of the face mesh (B, 478, 3) on heads (B, V, 3)."""
        return torch.einsum("pk,bpkc->bpc", self.mesh_weights, vertices[:, self.mesh_corners])


def load_head(folder: Path, device: torch.device | str) -> tuple[HeadModel, tuple[str, ...]]:
    """The head of a weights folder, and the names of its expressions."""
    path = folder / "ict_facekit" / "ict_facekit.npz"
    try:
        with np.load(path) as stored:
            data = {key: stored[key] for key in stored.files}
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path}: cannot be read ({error}), expected the morphable head as npz. "
            "Set REENACT_WEIGHTS to the folder that holds ict_facekit."
        ) from error
    model = build_head(data).to(device)
    return model, tuple(str(name) for name in data["expression_names"])


def build_head(data: dict[str, Any]) -> HeadModel:
    """Tensors from the arrays of the file."""
    part, triangles = data["part_of_triangle"].astype(np.int64), data["triangles"].astype(np.int64)
    drawn = part < OPAQUE_PARTS
    for first, end in _INNER_EYES:
        drawn &= ~((triangles >= first) & (triangles < end)).any(axis=1)
    corner_uv = data["uv"][data["uv_triangles"]].astype(np.float32)
    under = data["mediapipe478_triangle"]
    weights = data["mediapipe478_barycentric"].astype(np.float32)
    step = float(data["mode_step"])
    modes = {
        name: torch.from_numpy(data[name].astype(np.float32) * step).flatten(1)
        for name in ("identity_modes", "expression_modes")
    }
    return HeadModel(
        neutral=torch.from_numpy(data["neutral"].astype(np.float32)),
        identities=modes["identity_modes"],
        expressions=modes["expression_modes"],
        triangles=torch.from_numpy(triangles[drawn]),
        part=torch.from_numpy(part[drawn]),
        uv=torch.from_numpy(corner_uv[drawn]),
        region=torch.from_numpy(data["region_of_vertex"].astype(np.int64)),
        mesh_corners=torch.from_numpy(triangles[under]),
        mesh_weights=torch.from_numpy(weights),
        mesh_uv=torch.from_numpy(np.einsum("pk,pkc->pc", weights, corner_uv[under])),
        reliable=torch.from_numpy(data["mediapipe478_reliable"].astype(bool)),
    )


def open_layout(model: HeadModel, expression_names: Sequence[str]) -> FloatArray:
    """Where the mesh of the average face lies, mouth and eyes open: (478, 2) cm, y down.

    The model lives on the CPU.
    """
    weights = torch.zeros(1, len(expression_names))
    for name in ("jawOpen", "eyeWide_L", "eyeWide_R"):
        weights[0, expression_names.index(name)] = 1.0
    shape = model.shape(torch.zeros(1, len(model.identities)), weights)
    layout = model.mesh(shape)[0, :, :2] * torch.tensor([1.0, -1.0])
    return np.asarray(layout.numpy())


def follow(points: Tensor) -> Tensor:
    """How much of the head's turn points (..., 3) of the neutral head take part in: (..., 1)."""
    height = points[..., 1:2] + 0.5 * points[..., 2:]
    share = ((height - _LOOSE) / (_RIGID - _LOOSE)).clamp(0, 1)
    return share * share * (3 - 2 * share)


def turn(points: Tensor, share: Tensor, head: Tensor, bust: Tensor) -> Tensor:
    """Turn points (B, N, 3) by the bust's rotation (B, 3, 3), by a share (B, N, 1) the head's."""
    pivot = points.new_tensor(_PIVOT)
    local = points - pivot
    with_head = torch.einsum("bij,bnj->bni", head, local)
    with_bust = torch.einsum("bij,bnj->bni", bust, local)
    return torch.lerp(with_bust, with_head, share.expand_as(local)) + pivot


@dataclass(frozen=True, eq=False)
class Camera(Record):
    """A perspective camera and the crop square of the face it sees."""

    distance: Tensor
    """(B,) cm from the origin of the head."""
    corner: Tensor
    """(B, 2) top left corner of the square, in cm of the plane through the origin, y down."""
    side: Tensor
    """(B,) side of the square in the same cm."""

    def project(self, points: Tensor, size: int) -> Tensor:
        """Camera points (B, N, 3) to x, y in pixels (centres at integers) and depth in pixels."""
        scale = size / self.side.view(-1, 1, 1)
        xy = _perspective(points, self.distance) - self.corner.unsqueeze(1)
        return torch.cat([xy * scale - 0.5, -points[..., 2:] * scale], dim=-1)


def frame_face(meshes: Sequence[Tensor], distance: Tensor, scale: float, shift: float) -> Camera:
    """The camera whose picture is the crop square of a face at all its moments (B, 478, 3)."""
    outlines = [_perspective(mesh[:, list(OUTLINE)], distance) for mesh in meshes]
    outline = torch.cat(outlines, dim=1)
    low, high = outline.amin(dim=1), outline.amax(dim=1)
    extent = high - low
    side = scale * extent.amax(dim=1)
    centre = (low + high) / 2
    centre = centre - torch.stack([torch.zeros_like(side), shift * extent[:, 1]], dim=1)
    return Camera(distance=distance, corner=centre - side.unsqueeze(1) / 2, side=side)


def _perspective(points: Tensor, distance: Tensor) -> Tensor:
    """Camera points (B, N, 3) to the plane through the origin, y down: (B, N, 2)."""
    reach = distance.view(-1, 1, 1)
    grow = reach / (reach - points[..., 2:]).clamp_min(1.0)
    return points[..., :2] * grow * points.new_tensor([1.0, -1.0])


def at_corners(fragments: Fragments, values: Tensor) -> Tensor:
    """Draw values of triangle corners, (T, 3, C) or (B, T, 3, C), over the pixels: (B, H, W, C)."""
    triangle = fragments.triangle.clamp(min=0)
    if values.ndim == 3:
        corners = values[triangle]
    else:
        sample = torch.arange(len(values), device=values.device).view(-1, 1, 1)
        corners = values[sample, triangle]
    return torch.einsum("bhwk,bhwkc->bhwc", fragments.barycentric, corners)
