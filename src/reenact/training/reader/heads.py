"""Synthetic heads for the store: exact labels, glasses, and turns that no filmed face shows."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from reenact.data.heads import HeadBatch, HeadRenderer
from reenact.layers.rotation import matrix_from_euler
from reenact.training.reader.store import ReaderStore, to_unit

_FRONTAL = 15.0
"""Mesh degrees of yaw up to which photographs teach the mesh better than renders."""
_POINT_WEIGHT = 0.3
"""Mesh points of renders lie a little elsewhere than those of the mesh's own network."""


class SyntheticHeads:
    """Draws a few heads at a time into the synthetic rows of a store, the oldest first."""

    def __init__(self, assets: Path, backgrounds: Tensor, seed: int, count: int = 16) -> None:
        device = backgrounds.device
        self._renderer = HeadRenderer(assets, device, backgrounds)
        self._generator = torch.Generator(device).manual_seed(seed + 1)
        self._count = count
        self._next = 0
        self._point_weight = self._renderer.model.reliable.float() * _POINT_WEIGHT

    def __call__(self, store: ReaderStore) -> None:
        """Replace a few rows."""
        with torch.no_grad():
            heads = self._renderer(self._count, self._generator)
        rows = (self._next + torch.arange(self._count)) % store.synthetic + store.real
        self._next += self._count
        self._write(store, rows.to(store.images.device), heads)
        store.filled = min(store.synthetic, self._next)

    def _write(self, store: ReaderStore, rows: Tensor, heads: HeadBatch) -> None:
        store.images[rows] = (heads.images.clamp(0, 1) * 255).round().to(torch.uint8)
        store.labels[rows] = heads.labels.to(torch.uint8)
        store.points[rows] = to_unit(heads.landmarks.float())
        store.rotation[rows] = matrix_from_euler(heads.pose_mesh.float())
        turned = (heads.pose_mesh[:, 0].abs() > _FRONTAL).float()
        store.point_weight[rows] = self._point_weight * (0.3 + 0.7 * turned[:, None])
        store.pose_weight[rows] = 0.5
