"""Fit the table of perception/pose_curve.py: what the face mesh reads of heads at known turns.

    python tools/fit_pose_curve.py ASSETS

renders synthetic heads every few degrees of yaw to both sides, runs the face mesh network on each
crop (once more on the crop around its own points), reads yaw and pitch off the mesh, and prints
the median of every turn, unsure readings included, as in footage where the mesh is tracked.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.data.heads import HeadRenderer
from reenact.data.pairs import normalize_points
from reenact.layers.grid import sample
from reenact.perception.graph import GraphNetwork, load_graph

KNOTS = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90)
MESH_SIZE = 256
MESH_SCALE = 1.5
"""Side of the network's crop over the longer side of the box of its points."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print medians and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("--heads", type=int, default=8, help="heads at each turn and side")
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args(arguments)
    renderer = HeadRenderer(options.weights, size=options.size)
    network = load_graph(options.weights / "mediapipe_face_landmarker", "face_landmarks")
    generator = torch.Generator().manual_seed(0)
    yaws, pitches = [], []
    for knot in KNOTS:
        read = []
        for side in (-1.0, 1.0):
            pose = torch.zeros(options.heads, 3)
            pose[:, 0] = side * knot
            heads = renderer(options.heads, generator, pose)
            pictures = filmed(heads.images, generator)
            mesh, sure = read_mesh(network, pictures, heads.landmarks)
            angles = mesh_angles(mesh) * torch.tensor([side, 1.0])
            read.append(torch.cat([angles, sure[:, None]], dim=1))
        yaw, pitch, sure = torch.cat(read).unbind(1)
        yaws.append(float(yaw.median()))
        pitches.append(float(pitch.median()))
        quartiles = torch.quantile(yaw, torch.tensor([0.25, 0.75])).tolist()
        print(
            f"{knot:3d}: yaw {yaws[-1]:6.2f} ({quartiles[0]:.1f} to {quartiles[1]:.1f}), "
            f"pitch {pitches[-1]:5.2f}, sure {(sure > 0).float().mean():.2f}",
            flush=True,
        )
    curve = np.maximum.accumulate([0.0, *yaws[1:]])
    print("MESH_YAW =", tuple(round(float(value), 1) for value in curve))
    print("PITCH_OFFSET =", round(float(np.median(pitches[:3])), 1))


def filmed(images: Tensor, generator: torch.Generator) -> Tensor:
    """As soft and noisy as most footage: a third of the resolution is lost."""
    small = F.interpolate(images, scale_factor=0.6, mode="bilinear", antialias=True)
    small = small + 0.03 * torch.randn(small.shape, generator=generator)
    return F.interpolate(small, images.shape[-2:], mode="bilinear").clamp(0, 1)


@torch.inference_mode()
def read_mesh(network: GraphNetwork, images: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Mesh (B, 478, 3) in pixels of the crops and presence logit (B,); three rounds of cropping."""
    for _ in range(3):
        low, high = points[..., :2].amin(dim=1), points[..., :2].amax(dim=1)
        centre, side = (low + high) / 2, MESH_SCALE * (high - low).amax(dim=1)
        line = (torch.arange(MESH_SIZE) + 0.5) / MESH_SIZE - 0.5
        grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1)
        at = centre[:, None, None] + grid * side[:, None, None, None]
        crops = sample(images, normalize_points(at, images.shape[-1]), padding="border")
        landmarks, sure = network(crops)[:2]
        scale = (side / MESH_SIZE)[:, None, None]
        mesh = landmarks.view(-1, 478, 3) * scale
        mesh[..., :2] += (centre - side[:, None] / 2)[:, None]
        points = mesh
    return mesh, sure.view(-1)


def mesh_angles(mesh: Tensor) -> Tensor:
    """Yaw and pitch (B, 2) in mesh degrees; pitch on the scale of the side-cars."""
    x = F.normalize(mesh[:, 454] - mesh[:, 234], dim=-1)
    z = F.normalize(torch.linalg.cross(x, mesh[:, 10] - mesh[:, 152]), dim=-1)
    y = torch.linalg.cross(z, x)
    flip = torch.tensor([1.0, -1.0, -1.0]).view(1, 3, 1)
    rotation = flip * torch.stack([x, y, z], dim=2)
    yaw = torch.asin((-rotation[:, 2, 0]).clamp(-1, 1))
    pitch = torch.atan2(rotation[:, 2, 1], rotation[:, 2, 2])
    return torch.stack([torch.rad2deg(yaw), 3.6 - torch.rad2deg(pitch)], dim=1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
