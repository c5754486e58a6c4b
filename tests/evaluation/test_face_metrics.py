import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from reenact.evaluation.face_metrics import (
    ACTION_UNITS,
    action_unit_distance,
    action_units,
    expression_distance,
    geodesic_distance,
    identity_similarity,
    rotation_distance,
)
from reenact.layers.rotation import matrix_from_euler
from reenact.perception.expressions import EXPRESSIONS


def turned(*euler: float) -> Tensor:
    return matrix_from_euler(torch.tensor([euler], dtype=torch.float64))


def expression(**scores: float) -> Tensor:
    return torch.tensor([[scores.get(name, 0.0) for name in EXPRESSIONS]])


def test_a_face_equals_itself() -> None:
    embedding = F.normalize(torch.randn(3, 128, generator=torch.Generator().manual_seed(0)), dim=1)
    assert_close(identity_similarity(embedding, embedding), torch.ones(3))
    rotation = turned(30, -10, 5).float()
    assert rotation_distance(rotation, rotation) == 0
    assert geodesic_distance(rotation, rotation) == 0
    smile = expression(mouthSmileLeft=0.8)
    assert expression_distance(smile, smile) == 0
    assert action_unit_distance(smile, smile) == 0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_turn_about_one_axis_is_a_third_of_it_and_all_of_the_geodesic(axis: int) -> None:
    euler = [0.0, 0.0, 0.0]
    euler[axis] = 12.0
    assert rotation_distance(turned(*euler), turned(0, 0, 0)).item() == pytest.approx(4.0)
    assert geodesic_distance(turned(*euler), turned(0, 0, 0)).item() == pytest.approx(12.0)


def test_angles_are_wrapped() -> None:
    one, other = turned(0, 0, 179), turned(0, 0, -179)
    assert rotation_distance(one, other).item() == pytest.approx(2 / 3)
    assert geodesic_distance(one, other).item() == pytest.approx(2.0)


def test_the_neutral_score_is_not_an_expression() -> None:
    still = expression()
    assert expression_distance(expression(_neutral=1.0), still) == 0
    assert expression_distance(expression(jawOpen=0.51), still).item() == pytest.approx(0.01)


def test_either_side_shows_an_action_unit() -> None:
    units = list(ACTION_UNITS)
    assert len(units) == 18
    for wink in ("eyeBlinkLeft", "eyeBlinkRight"):
        shown = action_units(expression(**{wink: 0.9}))[0]
        assert [unit for unit, there in zip(units, shown, strict=True) if there] == [45]
    both = action_units(expression(jawOpen=0.5))[0]
    assert [unit for unit, there in zip(units, both, strict=True) if there] == [25, 26]
    assert action_unit_distance(expression(jawOpen=0.5), expression()).item() == pytest.approx(
        1 / 9
    )
    assert not action_units(expression(jawOpen=0.2)).any()


def test_every_action_unit_has_its_scores() -> None:
    for parts in ACTION_UNITS.values():
        assert all(any(name.startswith(part) for name in EXPRESSIONS) for part in parts)
