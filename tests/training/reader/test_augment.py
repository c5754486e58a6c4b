"""Laws of the variations: labels and points stay on the picture."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.layers.rotation import euler_from_matrix
from reenact.perception.mesh import OUTLINE
from reenact.training.reader.augment import (
    CROP_RESOLUTIONS,
    Placement,
    compress,
    degrade,
    mirror,
    occlude,
    place,
    random_placement,
    recolour,
)
from reenact.training.reader.batch import ReaderBatch


def still(count: int) -> Placement:
    zero = torch.zeros(count)
    return Placement(scale=zero + 1, angle=zero, shift=torch.zeros(count, 2))


def no_fill(count: int) -> Tensor:
    return torch.zeros(count, dtype=torch.bool)


def test_the_placement_that_moves_nothing_changes_nothing(batch: ReaderBatch) -> None:
    same = place(batch, still(4), torch.zeros_like(batch.image), no_fill(4))
    assert_close(same.image, batch.image, atol=1e-4, rtol=0)
    assert (same.labels == batch.labels).all()
    assert_close(same.points, batch.points)
    assert_close(same.rotation, batch.rotation)


def test_points_stay_on_the_picture_wherever_it_is_placed(
    batch: ReaderBatch, generator: torch.Generator
) -> None:
    """The outline of the mesh bounds the labelled disc before and after."""
    moved = place(batch, random_placement(4, generator), batch.image, no_fill(4))
    for index in range(4):
        drawn = np.zeros((256, 256), np.uint8)
        pixels = (moved.points[index, list(OUTLINE), :2].numpy() + 1) * 127.5
        cv2.fillPoly(drawn, [pixels.round().astype(np.int32)], 1)
        assert (drawn != moved.labels[index].numpy()).mean() < 0.015


def test_a_quarter_turn_worked_by_hand(batch: ReaderBatch) -> None:
    """Counter-clockwise: what was right is above, and roll grows by ninety degrees."""
    turn = replace(still(4), angle=torch.full((4,), math.pi / 2))
    frontal = replace(batch, rotation=torch.eye(3).expand(4, 3, 3))
    right = replace(frontal, points=torch.tensor([0.5, 0.0, 0.0]).expand(4, 478, 3))
    turned = place(right, turn, batch.image, no_fill(4))
    assert_close(turned.points[0, 0], torch.tensor([0.0, -0.5, 0.0]), atol=1e-6, rtol=0)
    assert_close(turned.image, batch.image.rot90(1, (-2, -1)), atol=1e-3, rtol=0)
    assert euler_from_matrix(turned.rotation)[0].tolist() == pytest.approx([0, 0, 90], abs=1e-4)


def test_mirroring_twice_changes_nothing(batch: ReaderBatch) -> None:
    every = torch.ones(4, dtype=torch.bool)
    twice = mirror(mirror(batch, every), every)
    for name in ("image", "labels", "points", "rotation", "jaw", "expression"):
        assert_close(getattr(twice, name), getattr(batch, name))


def test_mirroring_swaps_sides(batch: ReaderBatch) -> None:
    marked = replace(batch, labels=torch.full_like(batch.labels, 4))
    once = mirror(marked, torch.tensor([True, False, False, False]))
    assert (once.labels[0] == 5).all()
    assert (once.labels[1] == 4).all()
    assert euler_from_matrix(once.rotation)[0].tolist() == pytest.approx([-20, 5, 3], abs=1e-3)
    assert_close(once.points[0, 263, 0], -batch.points[0, 33, 0])
    assert once.jaw[0, 1] == -batch.jaw[0, 1]


def test_what_is_covered_loses_its_label(batch: ReaderBatch, generator: torch.Generator) -> None:
    covered = occlude(batch, generator, share=1.0)
    lost = covered.labels != batch.labels
    assert lost.any()
    assert (covered.labels[lost] == 0).all()
    assert_close(covered.points, batch.points)


def test_light_and_compression_stay_in_range(
    batch: ReaderBatch, generator: torch.Generator
) -> None:
    image = degrade(recolour(batch.image, generator), generator, CROP_RESOLUTIONS)
    assert image.shape == batch.image.shape
    assert image.min() >= 0
    assert image.max() <= 1


def test_no_compression_changes_nothing(batch: ReaderBatch) -> None:
    assert_close(compress(batch.image, torch.zeros(4)), batch.image, atol=1e-3, rtol=0)
