"""Pairs of synthetic heads: the same person twice, drawn on a made-up head."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from data.made_up_head import EXPRESSION_NAMES, write_assets
from reenact.data.head_pairs import FIRST_YAW, MAX_YAW, HeadPairs, pair_poses, pose_code
from reenact.data.head_person import Moment
from reenact.data.heads import HeadRenderer
from reenact.data.pairs import PairBatch, in_picture
from reenact.layers.rotation import euler_from_vector
from reenact.perception.cropping import CROP_SCALE
from reenact.perception.mesh import OUTLINE
from reenact.perception.pose_curve import PITCH_OFFSET, mesh_yaw
from reenact.records import REGIONS

NOSE = 4
PLACES = [468, 473, NOSE]
REGION_NUMBERS = [REGIONS.index(name) + 1 for name in ("right eye", "left eye", "nose")]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def moment(yaw: float, shift: tuple[float, float, float] = (0, 0, 0), count: int = 2) -> Moment:
    """A calm face at a yaw."""
    return Moment(
        pose=torch.tensor([[yaw, 0.0, 0.0]]).repeat(count, 1),
        expression=torch.zeros(count, len(EXPRESSION_NAMES)),
        shift=torch.tensor([shift]).repeat(count, 1).float(),
    )


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_assets(tmp_path_factory.mktemp("assets"))


@pytest.fixture(scope="module")
def renderer(assets: Path) -> HeadRenderer:
    return HeadRenderer(assets, size=256)


@pytest.fixture(scope="module")
def pairs(renderer: HeadRenderer) -> PairBatch:
    return HeadPairs(renderer).draw(4, seeded())


def test_the_same_state_draws_the_same_pairs(renderer: HeadRenderer, pairs: PairBatch) -> None:
    again = HeadPairs(renderer).draw(4, seeded())
    for mine, theirs in zip(again.tensors(), pairs.tensors(), strict=True):
        assert torch.equal(mine, theirs)


def test_a_draw_goes_on_where_the_last_one_ended(renderer: HeadRenderer) -> None:
    generator = seeded()
    first, second = (HeadPairs(renderer).draw(1, generator) for _ in range(2))
    assert not torch.equal(first.source, second.source)
    assert not torch.equal(first.source_pose, second.source_pose)


def test_one_moment_twice_is_one_picture_twice(renderer: HeadRenderer) -> None:
    """Identity, hair, clothes, glasses, light, background: all but the moment is the same."""
    first, second = renderer.draw([moment(20.0, count=4), moment(20.0, count=4)], seeded())
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.labels, second.labels)


def test_the_background_stands_still(renderer: HeadRenderer) -> None:
    first, second = renderer.draw([moment(-60.0), moment(60.0)], seeded())
    free = ~(first.foreground | second.foreground)
    # Away from the head, whose border pixels are means of both.
    free = -torch.nn.functional.max_pool2d(-free.float(), 5, 1, 2) > 0
    assert free.float().mean() > 0.1
    for mine, theirs in zip(first.images, second.images, strict=True):
        assert torch.equal(mine[:, free[0] & free[1]], theirs[:, free[0] & free[1]])


def test_one_square_holds_both_moments(renderer: HeadRenderer) -> None:
    heads = renderer.draw([moment(-70.0), moment(70.0, shift=(3.0, 0.0, 0.0))], seeded())
    outline = torch.cat([h.landmarks[:, list(OUTLINE), :2] for h in heads], dim=1)
    extent = outline.amax(dim=1) - outline.amin(dim=1)
    assert_close(extent.amax(dim=1), torch.full((2,), 256 / CROP_SCALE), rtol=1e-4, atol=0.02)
    assert (extent[:, 0] > 0).all()


def test_a_shift_moves_the_head_across_a_camera_that_stands(renderer: HeadRenderer) -> None:
    still, moved = renderer.draw([moment(0.0), moment(0.0, shift=(2.0, 1.0, 0.0))], seeded())
    motion = (moved.landmarks - still.landmarks)[..., :2].mean(dim=1)
    assert (motion[:, 0] > 5).all()
    assert (motion[:, 1] < -2).all()  # up


def test_points_lie_on_what_the_picture_shows(
    assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poses = moment(-15.0, count=3).pose, moment(15.0, count=3).pose
    monkeypatch.setattr("reenact.data.head_pairs.pair_poses", lambda count, generator: poses)
    bare = HeadPairs(HeadRenderer(assets, size=256, hair=0, hats=0, glasses=0)).draw(3, seeded())
    assert bare.point_weights[:, NOSE].all()
    for points, labels in (
        (bare.source_points, bare.source_parsing),
        (bare.driving_points, bare.driving_parsing),
    ):
        column, row = ((points + 1) * 127.5).round().long().unbind(-1)
        shown = [labels[b, row[b, PLACES], column[b, PLACES]].tolist() for b in range(3)]
        assert shown == [REGION_NUMBERS] * 3


def test_weighted_points_are_in_both_pictures(pairs: PairBatch) -> None:
    seen = pairs.point_weights > 0
    assert seen.any()
    assert in_picture(pairs.source_points)[seen].all()
    assert in_picture(pairs.driving_points)[seen].all()


def test_pose_codes_are_mesh_degrees_and_jaws(renderer: HeadRenderer) -> None:
    posed = moment(40.0)
    names = ("jawOpen", "jawRight", "jawLeft", "jawForward")
    for name, value in zip(names, (0.6, 0.5, 0.2, 0.1), strict=True):
        posed.expression[:, EXPRESSION_NAMES.index(name)] = value
    code = pose_code(renderer.draw([posed], seeded())[0])
    read = torch.tensor([mesh_yaw(torch.tensor(40.0)), PITCH_OFFSET, 0.0])
    assert_close(euler_from_vector(code[:, :3]), read.expand(2, 3), rtol=0, atol=1e-3)
    assert_close(code[:, 3:], torch.tensor([0.6, 0.3, 0.1]).expand(2, 3))


def test_pairs_turn_far_and_from_side_to_side() -> None:
    first, second = pair_poses(2000, seeded())
    assert first[:, 0].abs().max() <= FIRST_YAW
    assert second[:, 0].abs().max() <= MAX_YAW
    apart = (first - second)[:, 0].abs()
    assert _share(apart > 60) > 0.15
    assert _share(apart < 25) > 0.3
    assert _share(first[:, 0] * second[:, 0] < 0) > 0.2


def test_other_sizes_show_the_same(renderer: HeadRenderer, pairs: PairBatch) -> None:
    small = HeadPairs(renderer, size=64).draw(4, seeded())
    assert small.source.shape == (4, 3, 64, 64)
    assert small.driving_parsing.shape == (4, 64, 64)
    assert_close(small.source_points, pairs.source_points, rtol=0, atol=0.02)
    assert_close(small.source.mean(dim=(2, 3)), pairs.source.mean(dim=(2, 3)), rtol=0, atol=0.01)


def _share(condition: Tensor) -> float:
    return float(condition.float().mean())
