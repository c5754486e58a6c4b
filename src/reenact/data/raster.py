"""Draw triangles with a depth buffer: batched, in plain tensor operations, on a CPU or a GPU.

Every triangle is cut into its rows, every row into its pixels, and one scatter-minimum over
(depth, triangle) keys keeps the nearest. There is no loop over triangles, and the result depends
neither on the order of drawing nor on the order in which threads run.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reenact.records import Record

_EDGE_TOLERANCE = 1e-5
"""Barycentric slack at the edges: neighbours may overlap by this share, but never leave a crack."""
_NOTHING = torch.iinfo(torch.int64).max
_TRIANGLE_BITS = 32


@dataclass(frozen=True, eq=False)
class Fragments(Record):
    """Which triangle each pixel shows, and where on it."""

    triangle: Tensor
    """(B, H, W) int64 index of the nearest triangle, -1 where there is none."""
    barycentric: Tensor
    """(B, H, W, 3) float32 weights of its corners, sum 1; 0 where there is none."""
    depth: Tensor
    """(B, H, W) float32 interpolated z, smaller is nearer; +inf where there is none."""

    @property
    def covered(self) -> Tensor:
        """(B, H, W) bool: some triangle is seen here."""
        return self.triangle >= 0


@dataclass(frozen=True)
class Capacity:
    """How many rows and pixels may be drawn in all, fixed in advance.

    With it the host never waits for the device. What does not fit is not drawn, so leave room:
    pixels count once for every triangle in front of or behind another.
    """

    rows: int
    pixels: int


@torch.no_grad()
def rasterize(
    vertices: Tensor,
    triangles: Tensor,
    height: int,
    width: int,
    *,
    capacity: Capacity | None = None,
) -> Fragments:
    """Find the nearest triangle behind every pixel.

    Both windings are drawn. Triangles with a corner that is not finite, and those without area,
    are left out. Without a capacity two numbers are read back from the device.

    Args:
        vertices: (B, V, 3) x, y in pixels (integers are pixel centres, y down) and z.
        triangles: (T, 3) or (B, T, 3) int64 corner indices.
        capacity: Fixed sizes of the work, for training loops.
    """
    corners = gather_corners(vertices.float(), triangles)
    key = torch.full((corners.shape[0] * height * width,), _NOTHING, device=corners.device)
    rows = _rows(corners, height, width, capacity.rows if capacity else None)
    owner, x = _expand(rows.length, capacity.pixels if capacity else None)
    depth = rows.depth[owner] + rows.slope[owner] * x
    rank = (_ordered(depth) << _TRIANGLE_BITS) | rows.triangle[owner]
    rank = torch.where(x < 0, _NOTHING, rank)
    pixel = (rows.pixel[owner] + x).clamp_(0, len(key) - 1)
    key.scatter_reduce_(0, pixel, rank, "amin", include_self=True)
    return _read_back(key.view(-1, height, width), corners)


def interpolate(fragments: Fragments, attributes: Tensor, triangles: Tensor) -> Tensor:
    """Draw values at the vertices (B, V, C) over the pixels: (B, H, W, C), 0 where nothing is."""
    triangle = fragments.triangle.flatten(1).clamp(min=0)
    if triangles.ndim == 2:
        corner_index = triangles[triangle]
    else:
        corner_index = triangles.gather(1, triangle.unsqueeze(-1).expand(-1, -1, 3))
    weights = fragments.barycentric.to(attributes.dtype).flatten(1, 2)
    sample = torch.arange(len(attributes), device=attributes.device).unsqueeze(1)
    drawn = attributes.new_zeros(*triangle.shape, attributes.shape[-1])
    for corner in range(3):
        drawn += weights[..., corner, None] * attributes[sample, corner_index[..., corner]]
    return drawn.view(*fragments.triangle.shape, -1)


def gather_corners(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Values at the corners of every triangle: (B, T, 3 corners, C)."""
    if triangles.ndim == 2:
        return vertices[:, triangles]
    sample = torch.arange(vertices.shape[0], device=vertices.device).view(-1, 1, 1)
    return vertices[sample, triangles]


@dataclass(frozen=True, eq=False)
class _Rows:
    """One row of pixels of one triangle; each field (R,)."""

    triangle: Tensor
    pixel: Tensor
    """Its first pixel in the flattened batch of pictures."""
    length: Tensor
    """Pixels, 0 where the row crosses between two pixel centres."""
    depth: Tensor
    """At the first pixel."""
    slope: Tensor
    """Of the depth, per pixel."""


def _rows(corners: Tensor, height: int, width: int, capacity: int | None) -> _Rows:
    """Cut triangles (B, T, 3, 3) into rows, clipped to the picture."""
    count = corners.shape[1]
    corners = corners.flatten(0, 1)
    gradient = _weight_gradients(corners)
    drawn = corners.flatten(1).isfinite().all(1) & gradient.flatten(1).isfinite().all(1)
    y = torch.where(drawn.unsqueeze(1), corners[..., 1], -2.0)
    first = y.amin(1).ceil().clamp(0, height).long()
    last = y.amax(1).floor().clamp(-1, height - 1).long()
    owner, step = _expand((last - first + 1).clamp(min=0), capacity)
    spare = step < 0
    y = first[owner] + step
    anchor, gradient = corners[owner, 0], gradient[owner]
    # Each corner weight is linear in x along the row: at + slope * (x - anchor x).
    slope = gradient[..., 0]
    at = gradient[..., 1] * (y - anchor[:, 1]).unsqueeze(1)
    at += _EDGE_TOLERANCE
    at[:, 0] += 1
    crossing = -at / slope
    low = torch.where(slope > 0, crossing, -torch.inf).amax(1) + anchor[:, 0]
    high = torch.where(slope < 0, crossing, torch.inf).amin(1) + anchor[:, 0]
    outside = spare | ((slope == 0) & (at < 0)).any(1)
    start = low.masked_fill(outside, 0).ceil().clamp(0, width).long()
    stop = high.masked_fill(outside, -1).floor().clamp(-1, width - 1).long()
    z = corners[owner, :, 2]
    along = (gradient * z.unsqueeze(-1)).sum(1)
    depth = z[:, 0] + along[:, 0] * (start - anchor[:, 0]) + along[:, 1] * (y - anchor[:, 1])
    sample = owner.div(count, rounding_mode="floor")
    return _Rows(
        triangle=owner - sample * count,
        pixel=(sample * height + y) * width + start,
        length=(stop - start + 1).clamp(min=0),
        depth=depth,
        slope=along[:, 0],
    )


def _expand(counts: Tensor, capacity: int | None) -> tuple[Tensor, Tensor]:
    """For counts (N,) the owner (M,) of every unit, and its number within the owner.

    M is the sum of the counts, or the capacity; units that belong to nobody are numbered -1.
    """
    ends = counts.cumsum(0)
    begin = ends - counts
    if capacity is None:
        total = int(counts.sum())
        owner = torch.repeat_interleave(counts, output_size=total)
        return owner, torch.arange(total, device=counts.device) - begin[owner]
    unit = torch.arange(capacity, device=counts.device)
    owner = torch.searchsorted(ends, unit, right=True).clamp_(max=len(counts) - 1)
    return owner, torch.where(unit < ends[-1], unit - begin[owner], -1)


def _weight_gradients(corners: Tensor) -> Tensor:
    """How the weight of each corner grows along x and y: triangles (N, 3, 3) to (N, 3, 2)."""
    xy = corners[..., :2]
    edge = xy.roll(-2, 1) - xy.roll(-1, 1)
    double_area = edge[:, 0, 0] * edge[:, 1, 1] - edge[:, 0, 1] * edge[:, 1, 0]
    normal = torch.stack((-edge[..., 1], edge[..., 0]), -1)
    return normal / double_area.view(-1, 1, 1)


def _ordered(depth: Tensor) -> Tensor:
    """float32 to int64 that sorts the same way and fits into 32 bits."""
    bits = depth.contiguous().view(torch.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).long()


def _read_back(key: Tensor, corners: Tensor) -> Fragments:
    """Weights and depth of the winning triangles, computed again rather than stored."""
    batch, height, width = key.shape
    covered = key != _NOTHING
    triangle = torch.where(covered, key & ((1 << _TRIANGLE_BITS) - 1), 0)
    sample = torch.arange(batch, device=key.device).view(-1, 1, 1)
    winners = corners[sample, triangle]
    y = torch.arange(height, device=key.device).view(-1, 1)
    x = torch.arange(width, device=key.device)
    weights = _barycentric(winners, x, y).clamp(0, 1)
    weights = weights / weights.sum(-1, keepdim=True)
    depth = (weights * winners[..., 2]).sum(-1)
    return Fragments(
        triangle=torch.where(covered, triangle, -1),
        barycentric=torch.where(covered.unsqueeze(-1), weights, 0.0),
        depth=torch.where(covered, depth, torch.inf),
    )


def _barycentric(corners: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Weights (..., 3) of the corners (..., 3, 3) at pixel x, y; they sum to 1."""
    ax, bx, cx = (corners[..., k, 0] - x for k in range(3))
    ay, by, cy = (corners[..., k, 1] - y for k in range(3))
    opposite = torch.stack((bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx), -1)
    return opposite / opposite.sum(-1, keepdim=True)
