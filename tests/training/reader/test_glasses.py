"""Glasses drawn on faces."""

from __future__ import annotations

import torch
from torch.testing import assert_close

from reenact.training.reader.batch import ReaderBatch
from reenact.training.reader.glasses import LABEL, draw_glasses, glasses_zone


def test_drawn_glasses_lie_where_glasses_can_be(
    batch: ReaderBatch, generator: torch.Generator
) -> None:
    chosen = torch.tensor([True, True, True, False])
    worn = draw_glasses(batch, chosen, generator)
    glasses = worn.labels == LABEL
    assert glasses[:3].flatten(1).any(dim=1).all()
    assert_close(worn.image[3], batch.image[3])
    zone = glasses_zone(batch.points, 256)
    assert (glasses & ~zone).sum() < 0.2 * glasses.sum()
