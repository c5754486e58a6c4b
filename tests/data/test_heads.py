"""Synthetic heads: drawn on a made-up head, so that nothing has to be downloaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from data.made_up_head import EXPRESSION_NAMES, write_assets
from reenact.data.head_expression import expression_scores, random_expression
from reenact.data.heads import HeadBatch, HeadRenderer
from reenact.errors import WeightsError
from reenact.perception.cropping import crop_square
from reenact.perception.expressions import EXPRESSIONS
from reenact.perception.mesh import outline_box
from reenact.perception.pose_curve import mesh_yaw
from reenact.records import REGIONS

GLASSES = REGIONS.index("glasses") + 1
NOSE_TIP, RIGHT_SIDE, LEFT_SIDE, RIGHT_IRIS, LEFT_IRIS = 4, 234, 454, 468, 473


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def facing(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, count: int = 2) -> Tensor:
    return torch.tensor([yaw, pitch, roll]).expand(count, 3)


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_assets(tmp_path_factory.mktemp("assets"))


@pytest.fixture(scope="module")
def renderer(assets: Path) -> HeadRenderer:
    return HeadRenderer(assets, size=256, hats=0.0, glasses=0.0)


@pytest.fixture(scope="module")
def heads(renderer: HeadRenderer) -> HeadBatch:
    return renderer(3, seeded())


def test_the_same_state_draws_the_same_heads(renderer: HeadRenderer, heads: HeadBatch) -> None:
    again = renderer(3, seeded())
    assert torch.equal(again.images, heads.images)
    assert torch.equal(again.labels, heads.labels)
    assert torch.equal(again.landmarks, heads.landmarks)


def test_shapes_and_ranges(heads: HeadBatch) -> None:
    assert heads.images.shape == (3, 3, 256, 256)
    assert heads.images.min() >= 0
    assert heads.images.max() <= 1
    assert heads.images.isfinite().all()
    assert heads.labels.dtype == torch.uint8
    assert heads.labels.max() <= len(REGIONS)
    assert heads.expression.shape == (3, len(EXPRESSIONS))
    assert not heads.labels[~heads.foreground].any()


def test_pictures_are_crop_squares_of_their_meshes(heads: HeadBatch) -> None:
    for mesh in heads.landmarks.double().numpy():
        square = crop_square(outline_box(mesh))
        np.testing.assert_allclose(square, (0, 0, 256), atol=0.05)


def test_mesh_degrees_follow_the_curve(heads: HeadBatch) -> None:
    assert_close(heads.pose_mesh[:, 0], mesh_yaw(heads.pose_true[:, 0]))
    assert_close(heads.pose_mesh[:, 2], heads.pose_true[:, 2])


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_yaw_turns_the_nose_to_its_side(renderer: HeadRenderer, side: float) -> None:
    points = renderer(2, seeded(), facing(yaw=40 * side)).landmarks
    middle = (points[:, RIGHT_SIDE, 0] + points[:, LEFT_SIDE, 0]) / 2
    assert ((points[:, NOSE_TIP, 0] - middle) * side > 20).all()


def test_pitch_looks_up_and_roll_turns_counter_clockwise(renderer: HeadRenderer) -> None:
    level = renderer(2, seeded(), facing()).landmarks
    up = renderer(2, seeded(), facing(pitch=20)).landmarks
    eyes = [RIGHT_IRIS, LEFT_IRIS]
    below = up[:, NOSE_TIP, 1] - up[:, eyes, 1].mean(dim=1)
    assert (below < level[:, NOSE_TIP, 1] - level[:, eyes, 1].mean(dim=1)).all()
    rolled = renderer(2, seeded(), facing(roll=20)).landmarks
    assert (rolled[:, LEFT_IRIS, 1] < rolled[:, RIGHT_IRIS, 1]).all()


def test_the_far_side_of_a_profile_is_hidden(renderer: HeadRenderer) -> None:
    visible = renderer(2, seeded(), facing(yaw=80)).visible
    assert visible[:, RIGHT_SIDE].all()
    assert not visible[:, LEFT_SIDE].any()


def test_both_eyes_are_seen_from_the_front(renderer: HeadRenderer) -> None:
    labels = renderer(2, seeded(), facing()).labels
    for name in ("left eye", "right eye", "nose", "upper lip", "skin", "neck"):
        area = (labels == REGIONS.index(name) + 1).sum(dim=(1, 2))
        assert (area >= 16).all(), name
    left = (labels == REGIONS.index("left eye") + 1).nonzero()[:, 2].float().mean()
    assert left > 128  # the person's left is on the right of the picture


def test_glasses_are_worn_by_the_share_that_shall(assets: Path, renderer: HeadRenderer) -> None:
    worn = HeadRenderer(assets, size=256, hats=0.0, hair=0.0, glasses=1.0)
    with_glasses = (worn(3, seeded(), facing(count=3)).labels == GLASSES).sum(dim=(1, 2))
    assert (with_glasses > 50).all()
    assert not (renderer(3, seeded(), facing(count=3)).labels == GLASSES).any()


def test_hats_cover_the_crown(assets: Path) -> None:
    bare = HeadRenderer(assets, size=256, hats=0.0, hair=0.0, glasses=0.0)
    hatted = HeadRenderer(assets, size=256, hats=1.0, hair=0.0, glasses=0.0)
    hair = REGIONS.index("hair") + 1
    more = [(r(4, seeded(), facing(count=4)).labels == hair).sum() for r in (bare, hatted)]
    assert more[1] > more[0]


def test_given_backgrounds_are_put_behind(assets: Path) -> None:
    green = torch.zeros(1, 3, 20, 20, dtype=torch.uint8)
    green[:, 1] = 255
    renderer = HeadRenderer(assets, backgrounds=green, size=256)
    heads = renderer(6, seeded())
    corner = heads.images[:, :, 2, 2]
    assert (corner == torch.tensor([0.0, 1.0, 0.0])).all(dim=1).any()


def test_autocast_changes_nothing(renderer: HeadRenderer, heads: HeadBatch) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again = renderer(3, seeded())
    assert torch.equal(again.images, heads.images)


def test_both_eyes_look_and_blink_together() -> None:
    weights = random_expression(EXPRESSION_NAMES, 400, seeded())
    named = dict(zip(EXPRESSION_NAMES, weights.unbind(1), strict=True))
    assert weights.min() >= 0
    assert weights.max() <= 1
    winks = (named["eyeBlink_L"] - named["eyeBlink_R"]).abs() > 1e-6
    assert winks.float().mean() < 0.1
    assert_close(named["eyeLookIn_L"], named["eyeLookOut_R"])
    assert not ((named["eyeLookUp_L"] > 0) & (named["eyeLookDown_R"] > 0)).any()


def test_scores_take_the_names_of_the_teacher() -> None:
    weights = torch.zeros(1, len(EXPRESSION_NAMES))
    for name in ("mouthSmile_L", "jawLeft", "browInnerUp_L", "browInnerUp_R"):
        weights[0, EXPRESSION_NAMES.index(name)] = 0.5
    scores = dict(zip(EXPRESSIONS, expression_scores(weights, EXPRESSION_NAMES)[0], strict=True))
    raised = {name for name, score in scores.items() if score > 0}
    assert raised == {"mouthSmileLeft", "jawLeft", "browInnerUp"}
    assert all(scores[name] == 0.5 for name in raised)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="ict_facekit"):
        HeadRenderer(tmp_path)
