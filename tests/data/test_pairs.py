from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from reenact.data.pairs import (
    MixedPairs,
    PairBatch,
    concatenate,
    denormalize_points,
    normalize_points,
    split_count,
    to_unit_range,
)


def batch(count: int = 2, points: int = 3, value: float = 0.0) -> PairBatch:
    labels = torch.zeros(count, 8, 8, dtype=torch.uint8)
    places = torch.zeros(count, points, 2)
    return PairBatch(
        source=torch.full((count, 3, 8, 8), value),
        driving=torch.full((count, 3, 8, 8), value + 0.5),
        source_parsing=labels,
        driving_parsing=labels + 1,
        source_pose=torch.zeros(count, 6),
        driving_pose=torch.ones(count, 6),
        source_points=places,
        driving_points=places + 0.1,
        point_weights=torch.ones(count, points),
    )


class Constant:
    def __init__(self, value: float, points: int = 3) -> None:
        self.value, self.points = value, points

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        return batch(count, self.points, self.value)


def test_swapping_twice_changes_nothing() -> None:
    pairs = batch()
    for before, after in zip(pairs.tensors(), pairs.swapped().swapped().tensors(), strict=True):
        assert_close(after, before)


def test_swapping_trades_every_field_of_the_two_frames() -> None:
    pairs = batch()
    swapped = pairs.swapped()
    for name in ("", "_parsing", "_pose", "_points"):
        assert_close(getattr(swapped, f"source{name}"), getattr(pairs, f"driving{name}"))
        assert_close(getattr(swapped, f"driving{name}"), getattr(pairs, f"source{name}"))


def test_where_chooses_pair_by_pair() -> None:
    mixed = batch(value=0.0).where(torch.tensor([True, False]), batch(value=0.4))
    assert_close(mixed.source[:, 0, 0, 0], torch.tensor([0.0, 0.4]))


def test_tensors_rebuild_the_batch() -> None:
    pairs = batch()
    assert_close(PairBatch(*pairs.tensors()).driving_points, pairs.driving_points)


def test_corners_of_pixels_and_centres_of_border_pixels() -> None:
    pixels = torch.tensor([[0.5, 0.5], [255.5, 255.5], [128.0, 0.0]])
    points = normalize_points(pixels, 256)
    assert_close(points, torch.tensor([[-1.0, -1.0], [1.0, 1.0], [0.0, -1 - 1 / 255]]))
    assert_close(denormalize_points(points, 256), pixels)


def test_unit_range_ends_at_white() -> None:
    values = torch.tensor([0, 51, 255], dtype=torch.uint8)
    assert_close(to_unit_range(values), torch.tensor([0.0, 0.2, 1.0]))


@pytest.mark.parametrize(
    ("count", "shares", "expected"),
    [
        (32, (1.0, 1.0), (16, 16)),
        (5, (1.0, 1.0), (2, 3)),
        (7, (0.5, 0.25, 0.25), (4, 1, 2)),
        (1, (9.0, 1.0), (1, 0)),
    ],
)
def test_shares_of_a_batch_add_up(
    count: int, shares: tuple[float, ...], expected: tuple[int, ...]
) -> None:
    assert split_count(count, shares) == expected


def test_sources_with_fewer_points_are_padded_with_points_that_do_not_count() -> None:
    joined = concatenate([batch(1, points=2), batch(1, points=4)])
    assert joined.source_points.shape == (2, 4, 2)
    assert_close(joined.point_weights, torch.tensor([[1.0, 1, 0, 0], [1, 1, 1, 1]]))


def test_mixture_keeps_the_shares() -> None:
    mixture = MixedPairs((Constant(0.0), Constant(0.4)), (0.25, 0.75))
    pairs = mixture.draw(8, torch.Generator())
    assert len(pairs) == 8
    assert (pairs.source[:, 0, 0, 0] > 0.2).sum() == 6
