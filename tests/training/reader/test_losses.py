"""What a reading costs."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.testing import assert_close

from reenact.perception.crop_reader import CropReading
from reenact.training.reader import losses
from reenact.training.reader.batch import ReaderBatch
from reenact.training.reader.glasses import LABEL, glasses_zone


def perfect(batch: ReaderBatch) -> CropReading:
    return CropReading(
        points=batch.points[..., :2],
        depth=batch.points[..., 2],
        pose=torch.zeros(len(batch), 3),
        jaw=batch.jaw,
        expression=batch.expression.logit(),
        presence=torch.full((len(batch),), 30.0),
    )


def test_a_perfect_reading_costs_nothing(batch: ReaderBatch) -> None:
    reading = perfect(batch)
    terms = (losses.point_loss, losses.depth_loss, losses.jaw_loss, losses.expression_loss)
    for term in (*terms, losses.presence_loss):
        assert term(reading, batch) < 1e-5
    logits = torch.nn.functional.one_hot(batch.labels.long(), 15).permute(0, 3, 1, 2) * 40.0
    assert losses.parsing_loss(logits, batch) < 1e-3


def test_unknown_glasses_may_be_called_glasses(batch: ReaderBatch) -> None:
    """Calling the whole zone glasses is free where the teacher cannot know, and only there."""
    zone = glasses_zone(batch.points, 256)
    called = torch.where(zone, LABEL, batch.labels.long())
    logits = torch.nn.functional.one_hot(called, 15).permute(0, 3, 1, 2) * 40.0
    unknown = replace(batch, glasses_unknown=torch.ones(4, dtype=torch.bool))
    known = replace(batch, glasses_unknown=torch.zeros(4, dtype=torch.bool))
    assert losses.parsing_loss(logits, unknown) < 0.01
    assert losses.parsing_loss(logits, known) > 1


def test_detection_is_best_where_the_faces_are() -> None:
    boxes = torch.tensor([[[40.0, 48.0, 88.0, 112.0], [0.0, 0.0, 9.0, 9.0]]])
    heat, target = losses.centre_map(boxes, torch.tensor([[True, False]]), 20, 20)
    assert heat.flatten().argmax() == 10 * 20 + 8
    assert heat.max() == 1
    assert_close(target[0, 10, 8], boxes[0, 0])
    sure = torch.where(heat > 0.999, 9.0, -9.0)
    centre, box = losses.detection_loss(sure, target, heat, target)
    wrong, _ = losses.detection_loss(-sure, target, heat, target)
    assert centre < 1e-3 < wrong
    assert box < 1e-5
