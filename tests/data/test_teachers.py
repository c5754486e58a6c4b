"""The composite parser's rules, on made-up faces and masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.testing import assert_close

from data.made_up_head import layout, mesh
from reenact.data.face_surface import (
    LEFT_EYE,
    MIN_EYE_OPENING,
    FaceSurface,
    build_surface,
    draw_surface,
    open_eyes,
)
from reenact.data.teachers import compose, load_teachers, parsing_square, pose_codes, weights_folder
from reenact.errors import WeightsError
from reenact.perception.expressions import EXPRESSIONS
from reenact.records import REGIONS, FloatArray

SIZE = 256
LABEL = {name: index + 1 for index, name in enumerate(REGIONS)}


@pytest.fixture(scope="module")
def surface() -> FaceSurface:
    return build_surface(layout())


def in_picture(yaw: float = 0.0) -> torch.Tensor:
    """The made-up face in the middle of a picture, turned: (1, 478, 3) pixels."""
    points = mesh()
    angle = np.radians(yaw)
    turn = np.array(
        [[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]]
    )
    points = points @ turn.T * 10 + (SIZE / 2, SIZE / 2, 0)
    return torch.from_numpy(points).float().unsqueeze(0)


def areas(labels: torch.Tensor) -> dict[str, int]:
    return {name: int((labels == label).sum()) for name, label in LABEL.items()}


def test_a_frontal_face_shows_all_regions_of_the_mesh(surface: FaceSurface) -> None:
    shown = areas(draw_surface(surface, in_picture(), SIZE))
    for name in ("left eye", "right eye", "left brow", "nose", "upper lip", "mouth interior"):
        assert shown[name] > 16, name
    assert shown["left ear"] == shown["hair"] == 0


def test_left_is_the_persons_left(surface: FaceSurface) -> None:
    labels = draw_surface(surface, in_picture(), SIZE)[0]
    assert (labels == LABEL["left eye"]).nonzero()[:, 1].float().mean() > SIZE / 2


def test_a_turned_face_hides_its_far_eye(surface: FaceSurface) -> None:
    ahead = areas(draw_surface(surface, in_picture(), SIZE))
    turned = areas(draw_surface(surface, in_picture(yaw=80), SIZE))
    assert turned["left eye"] < 0.1 * ahead["left eye"]
    assert turned["right eye"] > 16


def test_the_back_of_a_face_shows_nothing(surface: FaceSurface) -> None:
    assert not draw_surface(surface, in_picture(yaw=180), SIZE).any()


def test_faces_of_a_batch_do_not_mix(surface: FaceSurface) -> None:
    ahead, turned = in_picture(), in_picture(yaw=40)
    together = draw_surface(surface, torch.cat([ahead, turned]), SIZE)
    assert torch.equal(together[1:], draw_surface(surface, turned, SIZE))


def test_closed_eyes_keep_a_band_of_lids(surface: FaceSurface) -> None:
    face = in_picture()
    ring = list(LEFT_EYE)
    face[:, ring, 1] = face[:, ring, 1].mean()
    lids = open_eyes(face)[0, ring, 1]
    width = face[0, ring[8], 0] - face[0, ring[0], 0]
    assert_close(lids.max() - lids.min(), MIN_EYE_OPENING * width.abs(), rtol=0.02, atol=0.0)
    assert areas(draw_surface(surface, face, SIZE))["left eye"] > 16


def test_open_eyes_stay_as_they_are() -> None:
    assert_close(open_eyes(in_picture()), in_picture())


class Masks:
    """Probabilities around the made-up face, all zero to begin with."""

    def __init__(self) -> None:
        self.hair, self.skin, self.cloth = np.zeros((3, SIZE, SIZE))
        self.points: FloatArray = in_picture()[0].numpy()

    def compose(self, yaw: float = 0.0) -> NDArray[np.uint8]:
        regions = np.zeros((SIZE, SIZE), dtype=np.uint8)
        return compose(self.hair, self.skin, self.cloth, regions, self.points, yaw)


@pytest.fixture
def masks() -> Masks:
    return Masks()


def test_the_outline_of_the_face_is_skin(masks: Masks) -> None:
    assert masks.compose()[SIZE // 2, SIZE // 2] == LABEL["skin"]
    assert masks.compose()[5, 5] == 0


def test_hair_lies_over_the_forehead_but_beards_are_skin(masks: Masks) -> None:
    masks.hair[:] = 1.0
    labels = masks.compose()
    top, bottom = SIZE // 2 - 60, SIZE // 2 + 60
    assert labels[top, SIZE // 2] == LABEL["hair"]
    assert labels[bottom, SIZE // 2] == LABEL["skin"]


def test_skin_beside_the_face_is_the_ear_of_that_side(masks: Masks) -> None:
    y, x = slice(110, 140), slice(190, 210)
    masks.skin[y, x] = 1.0
    assert (masks.compose()[115:135, 195:205] == LABEL["left ear"]).all()
    mirrored = Masks()
    mirrored.skin[y, 46:66] = 1.0
    assert (mirrored.compose()[115:135, 51:61] == LABEL["right ear"]).all()


def test_no_far_ear_on_a_turned_head(masks: Masks) -> None:
    masks.skin[110:140, 185:210] = 1.0
    assert not (masks.compose(yaw=30) == LABEL["left ear"]).any()
    assert (masks.compose(yaw=-30) == LABEL["left ear"]).any()


def test_skin_below_the_chin_is_neck_where_it_touches_the_face(masks: Masks) -> None:
    masks.skin[200:230, 110:150] = 1.0
    masks.skin[240:250, 5:15] = 1.0
    labels = masks.compose()
    assert labels[225, 130] == LABEL["neck"]
    assert labels[245, 10] == 0


def test_clothes_win_over_fainter_skin(masks: Masks) -> None:
    masks.skin[200:230, 110:150], masks.cloth[200:230, 110:150] = 0.6, 0.8
    assert masks.compose()[225, 130] == 0


def test_the_square_of_the_networks_holds_the_crop() -> None:
    points = mesh() * 10 + 300
    inside = np.array([100.0, 50.0, 600.0])
    x, y, side = parsing_square(points, inside)
    assert x <= 100
    assert y <= 50
    assert x + side >= 700
    assert y + side >= 650


def test_pose_codes_of_worked_poses() -> None:
    expressions = np.zeros((3, len(EXPRESSIONS)))
    expressions[2, [EXPRESSIONS.index(n) for n in ("jawOpen", "jawRight", "jawLeft")]] = (
        0.5,
        0.3,
        0.1,
    )
    codes = pose_codes(np.array([[90.0, 0, 0], [0, 30, 0], [0, 0, 45]]), expressions)
    expected = [
        [0, np.pi / 2, 0, 0, 0, 0],
        [-np.pi / 6, 0, 0, 0, 0, 0],
        [0, 0, np.pi / 4, 0.5, 0.2, 0],
    ]
    np.testing.assert_allclose(codes, expected, atol=1e-6)


def test_the_weights_folder_must_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REENACT_WEIGHTS", raising=False)
    with pytest.raises(WeightsError, match="REENACT_WEIGHTS"):
        weights_folder()
    monkeypatch.setenv("REENACT_WEIGHTS", str(tmp_path))
    assert weights_folder() == tmp_path
    with pytest.raises(WeightsError, match="hair_segmentation"):
        load_teachers(tmp_path)
