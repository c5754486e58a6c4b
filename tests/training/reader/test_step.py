"""One step of the face reader's training."""

from __future__ import annotations

import torch

from reenact.perception.reader import FaceReader
from reenact.training.reader.step import BatchSizes, LossWeights, crop_batch, step_data, step_loss
from reenact.training.reader.store import ReaderStore
from training.reader.labelled import SMALL, negatives


def test_a_faceless_crop_teaches_presence_alone(
    store: ReaderStore, generator: torch.Generator
) -> None:
    sizes = BatchSizes(crops=4, heads=1, empty=3, pictures=2)
    batch = crop_batch(store, negatives(), sizes, generator)
    empty = batch.face == 0
    assert empty.sum() == 3
    for weight in (batch.point_weight, batch.pose_weight, batch.expression_weight):
        assert (weight[empty] == 0).all()
    assert (batch.labels[empty] == 0).all()


def test_steps_overfit_one_batch(store: ReaderStore, generator: torch.Generator) -> None:
    torch.manual_seed(0)
    reader = FaceReader(SMALL).train().requires_grad_(True)
    sizes = BatchSizes(crops=2, heads=1, empty=2, pictures=2)
    batch, pictures = step_data(store, negatives(), sizes, generator)
    optimizer = torch.optim.Adam(reader.parameters(), lr=5e-3)
    history = []
    for _ in range(12):
        total, _ = step_loss(reader, batch, pictures, LossWeights())
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        history.append(float(total.detach()))
    assert history[-1] < 0.9 * history[0]
