from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from reenact.perception.detector import boxes_from_distances, cell_centres, peaks
from reenact.perception.reader import FaceReader


def test_cells_are_centred_in_their_eight_pixels() -> None:
    assert cell_centres(2, 3, torch.device("cpu"))[1, 2].tolist() == [20.0, 12.0]


def test_distances_reach_from_the_cell_to_the_sides() -> None:
    logarithms = torch.tensor([1.0, 2.0, 3.0, 4.0]).log().expand(1, 1, 1, 4)
    assert_close(boxes_from_distances(logarithms)[0, 0, 0], torch.tensor([3.0, 2.0, 7.0, 8.0]))


def test_only_local_maxima_are_candidates_best_first() -> None:
    logits = torch.full((1, 5, 5), -9.0)
    logits[0, 1, 1], logits[0, 1, 2], logits[0, 4, 4] = 2.0, 1.0, 3.0
    boxes = torch.arange(25.0).view(1, 5, 5, 1).expand(1, 5, 5, 4)
    found = peaks(logits, boxes, count=3)
    assert found.boxes[0, :2, 0].tolist() == [24.0, 6.0]
    assert found.scores[0, :2] == pytest.approx(torch.tensor([3.0, 2.0]).sigmoid(), abs=1e-6)
    assert found.scores[0, 2] < 1e-3


def test_one_cell_every_eight_pixels(reader: FaceReader) -> None:
    with torch.no_grad():
        logits, boxes = reader.detector(torch.rand(2, 3, 64, 96))
    assert logits.shape == (2, 8, 12)
    assert boxes.shape == (2, 8, 12, 4)
