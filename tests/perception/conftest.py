from __future__ import annotations

import pytest
import torch

from reenact.perception.config import CropReaderConfig, DetectorConfig, ReaderConfig
from reenact.perception.reader import FaceReader

SMALL = ReaderConfig(
    detector=DetectorConfig(widths=(4, 4, 8, 8, 8), depths=(0, 0, 0, 0), neck=8),
    crop=CropReaderConfig(
        widths=(4, 4, 8, 8, 8), depths=(0, 0, 0, 0), neck=8, hidden=16, decoder=(8, 8, 4)
    ),
)


@pytest.fixture(scope="session")
def reader() -> FaceReader:
    torch.manual_seed(0)
    return FaceReader(SMALL)
