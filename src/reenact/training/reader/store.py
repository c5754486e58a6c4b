"""All pictures and labels of the reader's training, in the memory of the device."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reenact.data.decode import decode_clip, decode_still
from reenact.data.pairs import normalize_points, to_unit_range
from reenact.errors import DataError
from reenact.layers.rotation import matrix_from_euler
from reenact.perception.crop_reader import NUM_EXPRESSIONS
from reenact.perception.cropping import CROP_SIZE, cut
from reenact.perception.mesh import NUM_POINTS
from reenact.training.reader.batch import ReaderBatch

_TURNED = 18.0
"""Mesh degrees of yaw from which a picture is drawn more often."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Labelled crops in host memory, as the label pack has them."""

    images: NDArray[np.uint8]
    """(N, 256, 256, 3)."""
    labels: NDArray[np.uint8]
    """(N, 256, 256)."""
    landmarks: NDArray[np.float32]
    """(N, 478, 3) in pixels of the crop."""
    pose: NDArray[np.float32]
    """(N, 3) yaw, pitch, roll in mesh degrees."""
    jaw: NDArray[np.float32]
    """(N, 3)."""
    expression: NDArray[np.float32]
    """(N, 52)."""
    identity: list[str]
    """(N,) who it is."""
    names: list[str]
    """(N,) clip or still."""

    def take(self, rows: NDArray[np.intp]) -> Labelled:
        """Some of the rows."""
        taken: dict[str, Any] = {}
        for name, value in vars(self).items():
            whole = isinstance(value, np.ndarray)
            taken[name] = value[rows] if whole else [value[row] for row in rows]
        return Labelled(**taken)

    @classmethod
    def join(cls, parts: list[Labelled]) -> Labelled:
        """Rows of several packs."""
        joined: dict[str, Any] = {}
        for name, first in vars(parts[0]).items():
            values = [getattr(part, name) for part in parts]
            whole = isinstance(first, np.ndarray)
            joined[name] = np.concatenate(values) if whole else [x for v in values for x in v]
        return cls(**joined)


class ReaderStore:
    """Rows of labelled crops on the device; the last rows hold synthetic heads, renewed as we go.

    Real rows are drawn balanced: stills and film half and half, turned heads three times as often,
    and people with many rows little more often than those with few.
    """

    def __init__(self, data: Labelled, synthetic: int, device: torch.device) -> None:
        real = len(data.images)
        rows = real + synthetic
        self.real, self.synthetic, self.filled = real, synthetic, 0

        def make(*shape: int) -> Tensor:
            return torch.zeros(rows, *shape, device=device)

        self.images = torch.zeros(rows, 3, CROP_SIZE, CROP_SIZE, dtype=torch.uint8, device=device)
        self.labels = torch.zeros(rows, CROP_SIZE, CROP_SIZE, dtype=torch.uint8, device=device)
        self.points = make(NUM_POINTS, 3)
        self.rotation, self.jaw = make(3, 3), make(3)
        self.expression = make(NUM_EXPRESSIONS)
        self.point_weight, self.pose_weight = make(NUM_POINTS), make()
        self.expression_weight = make()
        self.glasses_unknown = torch.zeros(rows, dtype=torch.bool, device=device)
        self.bare = torch.zeros(rows, dtype=torch.bool, device=device)
        self.images[:real] = torch.from_numpy(data.images).to(device).permute(0, 3, 1, 2)
        self.labels[:real] = torch.from_numpy(data.labels).to(device)
        self.points[:real] = to_unit(torch.from_numpy(data.landmarks)).to(device)
        self.rotation[:real] = matrix_from_euler(torch.from_numpy(data.pose)).to(device)
        self.jaw[:real] = torch.from_numpy(data.jaw).to(device)
        self.expression[:real] = torch.from_numpy(data.expression).to(device)
        for weight in (self.point_weight, self.pose_weight, self.expression_weight):
            weight[:real] = 1.0
        self.glasses_unknown[:real] = True
        self.bare[:real] = True
        self._chance = torch.from_numpy(_balanced(data)).float().to(device)

    def mark_glasses(self, worn: Tensor) -> None:
        """Which real rows (real,) bool show worn glasses; without this, all may."""
        self.glasses_unknown[: self.real] = worn
        self.bare[: self.real] = ~worn

    def draw(self, count: int, generator: torch.Generator, synthetic: float = 0.0) -> Tensor:
        """Row numbers (count,); a share of them synthetic once there are any."""
        device = generator.device
        real = torch.multinomial(self._chance, count, replacement=True, generator=generator)
        if not self.filled or not synthetic:
            return real
        other = torch.randint(self.filled, (count,), generator=generator, device=device)
        pick = torch.rand(count, generator=generator, device=device) < synthetic
        return torch.where(pick, other + self.real, real)

    def draw_synthetic(self, count: int, generator: torch.Generator) -> Tensor:
        """Row numbers (count,) of synthetic heads."""
        rows = torch.randint(self.filled, (count,), generator=generator, device=generator.device)
        return rows + self.real

    def batch(self, rows: Tensor) -> ReaderBatch:
        """The rows as they are stored, images as floats."""
        one = torch.ones(len(rows), device=rows.device)
        return ReaderBatch(
            image=to_unit_range(self.images[rows]),
            labels=self.labels[rows],
            points=self.points[rows],
            rotation=self.rotation[rows],
            jaw=self.jaw[rows],
            expression=self.expression[rows],
            face=one,
            point_weight=self.point_weight[rows],
            pose_weight=self.pose_weight[rows],
            expression_weight=self.expression_weight[rows],
            parsing_weight=one,
            glasses_unknown=self.glasses_unknown[rows],
        )


def to_unit(pixels: Tensor) -> Tensor:
    """Mesh points (..., 3) in pixels of the crop to xy in [-1, 1] and z in the same unit."""
    xy = normalize_points(pixels[..., :2], CROP_SIZE)
    return torch.cat([xy, pixels[..., 2:] * (2 / (CROP_SIZE - 1))], dim=-1)


def read_negatives(path: Path, device: torch.device) -> Tensor:
    """Photographs without a face from the label pack: uint8 (N, 3, 320, 320)."""
    with np.load(path) as pack:
        pieces = _pieces(pack["bytes"], pack["offsets"])
    pictures = [_decode(data, cv2.IMREAD_COLOR)[..., ::-1] for data in pieces]
    stacked = np.ascontiguousarray(np.stack(pictures))
    return torch.from_numpy(stacked).to(device).permute(0, 3, 1, 2).contiguous()


def _balanced(data: Labelled) -> NDArray[np.float64]:
    """Probability of each row."""
    still = np.array([name.startswith("stills/") for name in data.names])
    turned = np.where(np.abs(data.pose[:, 0]) > _TURNED, 3.0, 1.0)
    people = np.unique(np.array(data.identity), return_inverse=True)[1]
    chance = np.zeros(len(still))
    for kind in (still, ~still):
        total = np.bincount(people[kind], weights=turned[kind], minlength=people.max() + 1)
        # Between "every person alike" and "every picture alike", for the few with many turns.
        chance[kind] = turned[kind] / total[people[kind]] ** 0.75
        chance[kind] /= max(chance[kind].sum(), 1e-12) * 2
    return np.asarray(chance / chance.sum())


def _pieces(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    """Files that lie one after another."""
    return [data[start:end] for start, end in pairwise(offsets)]


def _decode(data: NDArray[np.uint8], flags: int) -> NDArray[np.uint8]:
    picture = cv2.imdecode(data, flags)
    if picture is None:
        raise DataError(
            "a picture of the label pack cannot be decoded, expected PNG or JPEG. "
            "Make the pack again."
        )
    return np.asarray(picture, dtype=np.uint8)


def read_labelled(pack: Path, root: Path, workers: int = 16) -> Labelled:
    """The crops of one file of the label pack (tools/reader_labels.py), pictures from `root`."""
    with np.load(pack) as stored:
        table = {name: stored[name] for name in stored.files}
    pieces = _pieces(table["bytes"], table["offsets"])
    names = [str(name) for name in table["clip"]]
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    images = np.zeros((len(names), CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8)

    def fill(name: str) -> None:
        frames = _frames(root, name)
        for row in rows[name]:
            frame = frames[min(int(table["frame"][row]), len(frames) - 1)]
            images[row] = _crop(np.ascontiguousarray(frame), table["square"][row])

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(fill, rows))
        labels = list(pool.map(lambda data: _decode(data, cv2.IMREAD_GRAYSCALE), pieces))
    return Labelled(
        images=images,
        labels=np.stack(labels),
        landmarks=table["landmarks"].astype(np.float32),
        pose=table["pose"].astype(np.float32),
        jaw=table["pose_code"][:, 3:].astype(np.float32),
        expression=table["expression"].astype(np.float32),
        identity=[str(name) for name in table["identity"]],
        names=names,
    )


def _frames(root: Path, name: str) -> NDArray[np.uint8]:
    """Frames of a clip, or the one picture of a still: (T, H, W, 3)."""
    still = root / f"{name}.jpg"
    frames = (
        decode_still(still)[None]
        if still.is_file()
        else decode_clip(root / f"{name}.mp4", CROP_SIZE)
    )
    return frames.permute(0, 2, 3, 1).numpy()


def _crop(frame: NDArray[np.uint8], square: NDArray[np.float32]) -> NDArray[np.uint8]:
    whole = frame.shape[:2] == (CROP_SIZE, CROP_SIZE) and tuple(square) == (0, 0, CROP_SIZE)
    return frame if whole else cut(frame, square.astype(np.float64))
