"""Normals of triangle meshes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def vertex_normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Unit normals at vertices (B, V, 3): same shape, 0 where no triangle is.

    Every triangle of ([B,] T, 3) counts by its area, one with an unknown vertex not at all. The
    normal is (b - a) x (c - a): in axes with y up and z towards the viewer it points outwards if
    triangles run counter-clockwise seen from outside, in a picture's (y down, z away) if clockwise.
    """
    batch, count = vertices.shape[:2]
    offset = torch.arange(batch, device=vertices.device).view(-1, 1, 1) * count
    index = (triangles.expand(batch, *triangles.shape[-2:]) + offset).flatten(0, 1)
    a, b, c = vertices.flatten(0, 1)[index].unbind(1)
    areas = torch.linalg.cross(b - a, c - a).nan_to_num()
    sums = _add_up(batch * count, index.flatten(), areas.repeat_interleave(3, dim=0))
    return F.normalize(sums, dim=-1, eps=1e-8).view_as(vertices)


def _add_up(count: int, index: Tensor, values: Tensor) -> Tensor:
    """Sum of the values (N, C) at each index (N,), the same to the last bit every time."""
    sums = values.new_zeros(count, values.shape[1])
    if values.is_cuda:
        # Sorts first; `index_add_` would add in whatever order the threads come.
        return sums.index_put_((index,), values, accumulate=True)
    return sums.index_add_(0, index, values)
