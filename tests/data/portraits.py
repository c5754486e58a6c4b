"""Small synthetic portraits and filmed faces for the tests of re-rendering."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from reenact.data.expressions import ExpressionBank, build_expression_bank
from reenact.data.portrait_mesh import HeadMesh, load_head_mesh
from reenact.data.raster import rasterize
from reenact.data.sidecar import SideCar
from reenact.data.store import StillStore, group_identities
from reenact.layers.grid import identity_grid
from reenact.records import REGIONS

SIZE = 64
SKIN, HAIR = REGIONS.index("skin") + 1, REGIONS.index("hair") + 1


def average_face(mesh: HeadMesh) -> Tensor:
    """The average face with irises in the middle of its eyes: (478, 3) head axes, cm."""
    irises = [
        mesh.average[eye.points()].mean(0).expand(5, 3) for eye in (mesh.right_eye, mesh.left_eye)
    ]
    return torch.cat([mesh.average, *irises])


def open_mouth(faces: Tensor, gap: Tensor, mesh: HeadMesh) -> Tensor:
    """Let the jaws of faces (B, 478, 3) drop by gap (B,) cm, lower lips and all."""
    corner = faces[0, mesh.mouth.upper[0], 1]
    jaw = (faces[0, :, 1] > corner).index_fill(0, mesh.mouth.upper, False)
    drop = gap.view(-1, 1) * jaw
    return faces + torch.stack([torch.zeros_like(drop), drop, torch.zeros_like(drop)], -1)


def in_picture(face: Tensor, size: int = SIZE) -> Tensor:
    """Head axes to pixels of a picture of which the face takes a good half."""
    return face * (size / 32) + face.new_tensor([size / 2, size / 2, 0.0])


def position_picture(size: int = SIZE) -> Tensor:
    """uint8 (3, S, S) whose red and green say where a pixel is."""
    grid = identity_grid(size, size)
    colours = torch.stack([grid[..., 0], grid[..., 1], torch.zeros(size, size)])
    return (127.5 + 127.5 * colours).round().to(torch.uint8)


def portraits(count: int = 3, size: int = SIZE, image: Tensor | None = None) -> StillStore:
    """Stills of the average face, a little different in size."""
    mesh = load_head_mesh()
    scale = torch.linspace(0.9, 1.1, count).view(-1, 1, 1)
    landmarks = in_picture(average_face(mesh) * scale, size)
    around = landmarks[:, mesh.outline]
    around = around + 0.35 * (around - around.mean(1, keepdim=True))
    fan = torch.stack([torch.zeros(36).long(), torch.arange(36), torch.arange(36).roll(-1)], 1)
    head = rasterize(around, fan, size, size).covered
    face = rasterize(landmarks[:, :468], mesh.surface_triangles, size, size).covered
    picture = position_picture(size) if image is None else image
    return StillStore(
        images=picture.expand(count, -1, -1, -1).contiguous(),
        landmarks=landmarks,
        parsing=torch.where(face, SKIN, torch.where(head, HAIR, 0)).to(torch.uint8),
        pose=torch.tensor([[0.1, -0.2, 0.05, 0.1, 0.0, 0.0]]).repeat(count, 1),
        angles=torch.zeros(count, 3),
        identities=group_identities([str(i) for i in range(count)], torch.device("cpu")),
        names=tuple(str(i) for i in range(count)),
    )


def filmed_clip(frames: int = 24, seed: int = 0, size: int = SIZE) -> SideCar:
    """A face that opens its mouth and blinks while the head turns and moves a little."""
    generator = torch.Generator().manual_seed(seed)
    mesh = load_head_mesh()
    face = average_face(mesh).repeat(frames, 1, 1)
    opening = torch.linspace(0, 1, frames)
    face = open_mouth(face, 1.5 * opening, mesh)
    blink = (torch.rand(frames, generator=generator) < 0.2).float().unsqueeze(1)
    for eye in (mesh.right_eye, mesh.left_eye):
        face[:, eye.upper[1:-1], 1] += blink * eye.gaps(face)
    landmarks = in_picture(face, size) + torch.randn(frames, 1, 3, generator=generator)
    code = torch.zeros(frames, 6)
    code[:, 3] = opening
    return SideCar(
        landmarks=landmarks.numpy().astype(np.float32),
        pose=np.zeros((frames, 3), np.float32),
        valid=np.ones(frames, np.bool_),
        detected=np.ones(frames, np.bool_),
        fps=25.0,
        pose_code=code.numpy(),
    )


@cache
def expression_bank() -> ExpressionBank:
    """Two filmed people."""
    clips = [filmed_clip(seed=seed) for seed in range(2)]
    return build_expression_bank(clips, ["a", "b"], load_head_mesh(), rank=8)
