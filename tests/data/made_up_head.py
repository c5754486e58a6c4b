"""A head for tests: an egg of a few hundred triangles with the names and keys of a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from reenact.data.face_surface import (
    INNER_LOWER,
    INNER_UPPER,
    LEFT_BROW,
    LEFT_EYE,
    NOSE,
    OUTER_LOWER,
    OUTER_UPPER,
    RIGHT_BROW,
    RIGHT_EYE,
)
from reenact.perception.mesh import NUM_POINTS, OUTLINE
from reenact.records import FloatArray

RADII = np.array([8.5, 12.0, 10.0])
"""Of the egg, cm."""
_SIDED = [
    "browDown",
    "browInnerUp",
    "browOuterUp",
    "cheekPuff",
    "cheekSquint",
    "eyeBlink",
    "eyeLookDown",
    "eyeLookIn",
    "eyeLookOut",
    "eyeLookUp",
    "eyeSquint",
    "eyeWide",
    "mouthDimple",
    "mouthFrown",
    "mouthLowerDown",
    "mouthPress",
    "mouthSmile",
    "mouthStretch",
    "mouthUpperUp",
    "noseSneer",
    "PupilDilate",
    "cheekRaiser",
]
_SINGLE = [
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthFunnel",
    "mouthLeft",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
]
EXPRESSION_NAMES = tuple(f"{n}_{side}" for n in _SIDED for side in "LR") + tuple(_SINGLE)


def layout() -> FloatArray:
    """A frontal face of 478 points (478, 2), y down: eyes and mouth open, rings as ellipses."""
    points = np.zeros((NUM_POINTS, 2))
    points[:] = _filler(NUM_POINTS)
    angle = np.linspace(0, 2 * np.pi, len(OUTLINE), endpoint=False)
    points[list(OUTLINE)] = np.column_stack([6.5 * np.sin(angle), -8.0 * np.cos(angle)])
    _ring(points, NOSE, (0, 0.5), (1.2, 2.6), start=0.0, turn=-1)
    for side, eye, brow, iris in (
        (-1, RIGHT_EYE, RIGHT_BROW, 468),
        (1, LEFT_EYE, LEFT_BROW, 473),
    ):
        outer = 0.25 if side > 0 else 0.75
        _ring(points, eye, (3.1 * side, -2.2), (1.4, 0.7), start=outer, turn=side)
        _ring(points, brow, (3.1 * side, -3.9), (1.6, 0.3), start=outer, turn=-side)
        points[iris : iris + 5] = (3.1 * side, -2.2)
        points[iris + 1 : iris + 5] += np.array([(0.5, 0), (0, -0.5), (-0.5, 0), (0, 0.5)])
    for outline, height in (
        (OUTER_UPPER, -1.2),
        (OUTER_LOWER, 1.6),
        (INNER_UPPER, -0.5),
        (INNER_LOWER, 0.9),
    ):
        across = np.linspace(-1, 1, len(outline))
        width = 2.4 if outline in (OUTER_UPPER, OUTER_LOWER) else 1.8
        points[list(outline)] = np.column_stack(
            [width * across, 5.0 + height * np.sqrt(np.clip(1 - across**2, 0, 1))]
        )
    points[[4, 6, 168, 197]] = ((0, 2.0), (0, -1.0), (0, -2.0), (0, 0.0))
    return points


def mesh(depth: float = 8.0) -> FloatArray:
    """The face of `layout` on the egg, z towards the back: (478, 3)."""
    points = layout()
    share = (points / RADII[:2]) ** 2
    z = -depth * np.sqrt(np.clip(1 - share.sum(axis=1), 0.02, 1))
    return np.column_stack([points, z])


def write_assets(folder: Path) -> Path:
    """The files of a weights folder: head and hair."""
    (folder / "ict_facekit").mkdir()
    (folder / "makehuman_cc0").mkdir()
    np.savez(folder / "ict_facekit" / "ict_facekit.npz", **head_arrays())
    np.savez(folder / "makehuman_cc0" / "hair.npz", **hair_arrays())
    return folder


def head_arrays() -> dict[str, Any]:
    """The keys of the head that are read."""
    vertices, triangles = egg(24, 32)
    uv = np.column_stack([vertices[:, 0] / 20 + 0.5, vertices[:, 1] / 30 + 0.5])
    back = vertices[triangles][:, :, 2].mean(axis=1) < 0
    corner_uv = uv[triangles] + back[:, None, None] * np.array([1.0, 0.0])
    part = back.astype(np.uint8)
    region = np.where(vertices[:, 1] < -9, 13, np.where(vertices[:, 1] > 8, 14, 1))
    eyes = [_patch(vertices, (x, 2.2)) for x in (3.1, -3.1)]
    for number, eye in zip((7, 8), eyes, strict=True):
        quad = np.array([[0, 1, 2], [0, 2, 3]]) + len(vertices)
        triangles = np.concatenate([triangles, quad])
        vertices = np.concatenate([vertices, eye])
        corner_uv = np.concatenate([corner_uv, np.full((2, 3, 2), 0.5)])
        part = np.concatenate([part, [number, number]])
        region = np.concatenate([region, [1] * 4])
    under, weights = _locate(layout() * (1, -1), vertices, triangles, part == 0)
    modes = np.zeros((57, len(vertices), 3), dtype=np.int16)
    identities = np.zeros((3, len(vertices), 3), dtype=np.int16)
    identities[0] = np.round(vertices * (40, 0, 0))
    return {
        "neutral": vertices.astype(np.float32),
        "triangles": triangles.astype(np.int32),
        "part_of_triangle": part,
        "uv": corner_uv.reshape(-1, 2).astype(np.float32),
        "uv_triangles": np.arange(len(triangles) * 3, dtype=np.int32).reshape(-1, 3),
        "identity_modes": identities,
        "expression_modes": modes,
        "mode_step": np.float32(0.001),
        "expression_names": np.array(EXPRESSION_NAMES),
        "region_of_vertex": region.astype(np.uint8),
        "mediapipe478_triangle": under,
        "mediapipe478_barycentric": weights.astype(np.float32),
        "mediapipe478_reliable": np.ones(NUM_POINTS, dtype=bool),
    }


def hair_arrays() -> dict[str, Any]:
    """Two caps of hair over the upper back of the egg."""
    vertices, triangles = egg(12, 16)
    centre = vertices[triangles].mean(axis=1)
    cap = triangles[(centre[:, 1] > 5) & (centre[:, 2] < 5)]
    arrays: dict[str, Any] = {"names": np.array(["short", "long"])}
    for name, grow in (("short", 1.05), ("long", 1.15)):
        arrays |= {
            f"{name}_vertices": (vertices * grow).astype(np.float32),
            f"{name}_triangles": cap.astype(np.int32),
            f"{name}_uv": np.random.default_rng(0).random((len(vertices), 2)).astype(np.float32),
            f"{name}_uv_triangles": cap.astype(np.int32),
            f"{name}_anchor": np.zeros((len(vertices), 8), dtype=np.int32),
            f"{name}_anchor_weight": np.full((len(vertices), 8), 0.125, dtype=np.float32),
        }
    return arrays


def egg(rows: int, columns: int) -> tuple[FloatArray, Any]:
    """Vertices (N, 3) and triangles, counter-clockwise seen from outside."""
    polar, around = np.meshgrid(
        np.linspace(0.01, np.pi - 0.01, rows),
        np.linspace(0, 2 * np.pi, columns, endpoint=False),
        indexing="ij",
    )
    unit = np.stack(
        [np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)], axis=-1
    )
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b = index[:-1].ravel(), np.roll(index, -1, axis=1)[:-1].ravel()
    c, d = index[1:].ravel(), np.roll(index, -1, axis=1)[1:].ravel()
    triangles = np.concatenate([np.column_stack([a, c, b]), np.column_stack([b, c, d])])
    return unit.reshape(-1, 3) * RADII, triangles


def _filler(count: int) -> FloatArray:
    """Points of the cheeks and the forehead, away from everything that has a shape of its own."""
    places = np.random.default_rng(0).uniform(-1, 1, (40 * count, 2)) * (5.0, 7.0)
    x, y = np.abs(places[:, 0]), places[:, 1]
    features = (
        (x - 3.1, y + 2.2, 1.7, 1.0),
        (x - 3.1, y + 3.9, 1.9, 0.6),
        (x, y - 0.5, 1.5, 2.9),
        (x, y - 5.0, 2.7, 1.9),
    )
    free = np.all([(dx / a) ** 2 + (dy / b) ** 2 > 1 for dx, dy, a, b in features], axis=0)
    free &= (x / 5.8) ** 2 + (y / 7.2) ** 2 < 1
    return np.asarray(places[free][:count])


def _ring(
    points: FloatArray,
    order: tuple[int, ...],
    centre: tuple[float, float],
    radii: tuple[float, float],
    start: float,
    turn: int,
) -> None:
    """Lay an outline on an ellipse; start in turns from the top, clockwise for turn = 1."""
    angle = 2 * np.pi * (start + turn * np.arange(len(order)) / len(order))
    points[list(order)] = np.column_stack(
        [centre[0] + radii[0] * np.sin(angle), centre[1] - radii[1] * np.cos(angle)]
    )


def _patch(vertices: FloatArray, centre: tuple[float, float]) -> FloatArray:
    """A small square just before the egg, for an eyeball."""
    x, y = centre
    z = RADII[2] * np.sqrt(1 - (x / RADII[0]) ** 2 - (y / RADII[1]) ** 2) + 0.3
    return np.array(
        [(x + dx, y + dy, z) for dx, dy in ((-1, -0.5), (1, -0.5), (1, 0.5), (-1, 0.5))]
    )


def _locate(points: FloatArray, vertices: FloatArray, triangles: Any, usable: Any) -> Any:
    """Triangle and weights under every point (N, 2), seen from the front."""
    a, b, c = vertices[triangles][:, :, :2].transpose(1, 0, 2)
    area = _cross(b - a, c - a)
    area = np.where(np.abs(area) < 1e-9, np.nan, area)
    under, weights = [], []
    for point in points:
        parts = np.column_stack(
            [_cross(c - b, point - b), _cross(a - c, point - c), _cross(b - a, point - a)]
        )
        share = parts / area[:, None]
        worst = np.where(usable, np.nan_to_num(share, nan=-9).min(axis=1), -9)
        under.append(int(worst.argmax()))
        weights.append(share[under[-1]])
    return np.array(under, dtype=np.int32), np.array(weights)


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
