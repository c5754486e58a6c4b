"""Scores of the face reader, worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from reenact.layers.rotation import matrix_from_euler
from reenact.training.reader.batch import ReaderBatch
from reenact.training.reader.inspection import angle_between, landmark_error


def test_worked_errors(batch: ReaderBatch) -> None:
    off = batch.points.clone()
    off[..., 0] += 0.1
    diagonal = math.hypot(2 * 60 / 127.5, 2 * 75 / 127.5)
    assert landmark_error(off, batch.points)[0] == pytest.approx(0.1 / diagonal, rel=0.01)
    turned = matrix_from_euler(torch.tensor([[30.0, 5.0, -3.0]]))
    assert angle_between(turned, batch.rotation[:1])[0] == pytest.approx(10, abs=0.1)
