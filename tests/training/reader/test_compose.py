"""Pictures for the detector."""

from __future__ import annotations

import torch

from reenact.training.reader.compose import compose_pictures
from reenact.training.reader.store import ReaderStore
from training.reader.labelled import negatives


def test_boxes_of_composed_pictures_hold_the_pasted_discs(
    store: ReaderStore, generator: torch.Generator
) -> None:
    pictures = compose_pictures(store, negatives(), 12, generator)
    assert pictures.image.shape == (12, 3, 320, 320)
    assert pictures.boxes.shape == (12, 4, 4)
    sizes = (pictures.boxes[..., 2:] - pictures.boxes[..., :2])[pictures.valid]
    assert pictures.valid.any(dim=1).float().mean() > 0.5
    assert (sizes > 20).all()
