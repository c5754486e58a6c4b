"""Made-up labels of the face reader: grey discs as faces."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from reenact.perception.config import CropReaderConfig, DetectorConfig, ReaderConfig
from reenact.perception.mesh import OUTLINE
from reenact.training.reader.store import Labelled

SMALL = ReaderConfig(
    detector=DetectorConfig(widths=(4, 4, 8, 8, 8), depths=(0, 0, 0, 0), neck=8),
    crop=CropReaderConfig(
        widths=(4, 4, 8, 8, 8), depths=(0, 0, 0, 0), neck=8, hidden=16, decoder=(8, 8, 4)
    ),
)


def labelled(count: int = 4) -> Labelled:
    """Grey discs as faces, the outline of the mesh on their rim."""
    chances = np.random.default_rng(0)
    angle = np.linspace(0, 2 * np.pi, len(OUTLINE), endpoint=False)
    mesh = chances.uniform(100, 150, (478, 3))
    mesh[list(OUTLINE), 0] = 128 + 60 * np.sin(angle)
    mesh[list(OUTLINE), 1] = 140 - 75 * np.cos(angle)
    for point, x, y in ((33, 90, 120), (133, 115, 120), (263, 166, 120), (362, 141, 120)):
        mesh[point, :2] = x, y
    for above, below, x in ((105, 118, 102), (334, 347, 154)):
        mesh[above, :2], mesh[below, :2] = (x, 105), (x, 140)
    labels = np.zeros((256, 256), np.uint8)
    cv2.fillPoly(labels, [mesh[list(OUTLINE), :2].astype(np.int32)], 1)
    image = np.where(labels[..., None] > 0, 180, 40) + chances.integers(0, 30, (256, 256, 3))
    return Labelled(
        images=np.repeat(image[None].astype(np.uint8), count, axis=0),
        labels=np.repeat(labels[None], count, axis=0),
        landmarks=np.repeat(mesh[None].astype(np.float32), count, axis=0),
        pose=np.tile(np.array([[20.0, 5.0, -3.0]], np.float32), (count, 1)),
        jaw=np.tile(np.array([[0.2, 0.1, 0.0]], np.float32), (count, 1)),
        expression=chances.uniform(0, 1, (count, 52)).astype(np.float32),
        identity=[str(i) for i in range(count)],
        names=["stills/a", "clips/train/b"] * (count // 2),
    )


def negatives() -> Tensor:
    chances = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (3, 3, 320, 320), generator=chances, dtype=torch.uint8)
