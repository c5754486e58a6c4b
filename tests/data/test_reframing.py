from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.data.augmentation import Augmentation
from reenact.data.pairs import PairBatch, denormalize_points
from reenact.data.reframing import (
    Reframing,
    ReframingRange,
    draw_elastic,
    draw_reframing,
    reframe,
)
from reenact.layers.grid import identity_grid
from reenact.layers.rotation import euler_from_vector, vector_from_euler

SIZE = 65


def spots(points: Tensor) -> Tensor:
    """Pictures (B, 3, 65, 65) with a bright spot at each of points (B, L, 2)."""
    at = denormalize_points(points, SIZE) - 0.5
    line = torch.arange(SIZE, dtype=torch.float32)
    across = torch.exp(-((line - at[..., :1]) ** 2) / 8)
    down = torch.exp(-((line - at[..., 1:]) ** 2) / 8)
    return (down.unsqueeze(-1) * across.unsqueeze(-2)).amax(1, keepdim=True).repeat(1, 3, 1, 1)


def pairs(source: Tensor, driving: Tensor, pose: Tensor | None = None) -> PairBatch:
    count = len(source)
    code = torch.zeros(count, 6) if pose is None else pose
    pictures = spots(source), spots(driving)
    labels = [(picture[:, 0] > 0.5).to(torch.uint8) for picture in pictures]
    weights = torch.ones(source.shape[:2])
    return PairBatch(*pictures, *labels, code, code, source, driving, weights)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def brightest(picture: Tensor) -> Tensor:
    """Where (B, 2) pictures (B, 3, H, W) are brightest, in pixels."""
    flat = picture[:, 0].flatten(1).argmax(1)
    return torch.stack([flat % SIZE, flat // SIZE], dim=1).float()


@pytest.mark.parametrize("elastic", [0.0, 0.05])
def test_points_stay_on_what_they_mark(elastic: float) -> None:
    chance, limits = generator(1), ReframingRange(elastic=elastic)
    source = torch.rand(32, 1, 2, generator=chance) - 0.5
    driving = torch.rand(32, 1, 2, generator=chance) - 0.5
    reframed = reframe(pairs(source, driving), draw_reframing(32, limits, chance))
    for picture, labels, points in (
        (reframed.source, reframed.source_parsing, reframed.source_points),
        (reframed.driving, reframed.driving_parsing, reframed.driving_points),
    ):
        expected = denormalize_points(points[:, 0], SIZE) - 0.5
        assert (brightest(picture) - expected).abs().max() < 1.5
        where = expected.round().long()
        assert (labels[torch.arange(32), where[:, 1], where[:, 0]] == 1).all()


def test_nothing_moves_without_a_range() -> None:
    batch = pairs(torch.rand(3, 4, 2) - 0.5, torch.rand(3, 4, 2) - 0.5, torch.rand(3, 6) - 0.5)
    still = draw_reframing(3, ReframingRange(turn=0, zoom=0, stretch=0), generator())
    for mine, theirs in zip(reframe(batch, still).tensors(), batch.tensors(), strict=True):
        assert_close(mine, theirs, atol=1e-5, rtol=0)


def test_a_turned_picture_rolls_the_head() -> None:
    quarter = torch.tensor([math.pi / 2])
    turned = Reframing(torch.tensor([[[0.0, 1.0], [-1.0, 0.0]]]), torch.zeros(1, 2), quarter)
    right = torch.tensor([[[0.5, 0.0]]])
    assert_close(turned(right), torch.tensor([[[0.0, -0.5]]]))  # counter-clockwise is up
    pose = torch.cat([vector_from_euler(torch.tensor([[0.0, 0.0, 10.0]])), torch.ones(1, 3)], 1)
    code = turned.pose(pose)
    assert_close(euler_from_vector(code[:, :3]), torch.tensor([[0.0, 0.0, 100.0]]))
    assert_close(code[:, 3:], pose[:, 3:])


def test_a_drawn_turn_is_that_of_its_matrix() -> None:
    reframing = draw_reframing(16, ReframingRange(zoom=0, stretch=0), generator(3))
    right = reframing(torch.tensor([[[1.0, 0.0]]]).expand(16, 1, 2))[:, 0]
    assert_close(torch.atan2(-right[:, 1], right[:, 0]), reframing.turn)


def test_elastic_pushes_are_undone_and_never_fold() -> None:
    elastic = draw_elastic(256, 0.056, generator(7))
    grid = identity_grid(33, 33).view(1, -1, 2).expand(256, -1, -1)
    assert_close(elastic.undo(grid + elastic(grid)), grid, atol=0.1 / 128, rtol=0)
    pushed = (grid + elastic(grid)).view(256, 33, 33, 2)
    assert (pushed[:, :, 1:, 0] > pushed[:, :, :-1, 0]).all()
    assert (pushed[:, 1:, :, 1] > pushed[:, :-1, :, 1]).all()


def test_without_a_turn_only_what_was_filmed_is_seen() -> None:
    reframing = draw_reframing(64, ReframingRange(turn=0, stretch=0), generator(4))
    assert reframing.origins(9, 9).abs().max() <= 1 + 1e-5


def test_points_that_leave_the_picture_do_not_count() -> None:
    edge = torch.tensor([[[0.95, 0.0], [0.0, 0.0]]])
    shifted = Reframing(torch.eye(2).unsqueeze(0), torch.tensor([[0.1, 0.0]]), torch.zeros(1))
    assert reframe(pairs(edge, edge), shifted).point_weights.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("moved", [0.0, 0.4, 1.0])
def test_a_share_of_the_pairs_is_moved(moved: float) -> None:
    points = torch.rand(400, 2, 2, generator=generator(5)) - 0.5
    batch = replace(pairs(points, points), source_pose=torch.zeros(400, 6))
    still = Augmentation(reverse=0, flip=0, brightness=0, contrast=0, saturation=0, hue=0)
    changed = replace(still, moved=moved)(batch, generator(6))
    share = (changed.source_points != points).flatten(1).any(1).float().mean().item()
    assert share == pytest.approx(moved, abs=0.08)
