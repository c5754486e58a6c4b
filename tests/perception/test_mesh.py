from __future__ import annotations

import numpy as np
import pytest

from reenact.perception.expressions import EXPRESSIONS, mirror_expressions
from reenact.perception.mesh import (
    LANDMARKS_68,
    NUM_POINTS,
    OUTLINE,
    landmark_order,
    mirror_order,
    outline_box,
)


def test_mirroring_twice_changes_nothing() -> None:
    order = np.array(mirror_order())
    assert (order[order] == np.arange(NUM_POINTS)).all()
    scores = np.array(mirror_expressions())
    assert (scores[scores] == np.arange(len(EXPRESSIONS))).all()


@pytest.mark.parametrize(
    ("right", "left"), [(33, 263), (61, 291), (234, 454), (468, 473), (10, 10), (152, 152)]
)
def test_mirror_pairs_worked_by_hand(right: int, left: int) -> None:
    assert mirror_order()[right] == left


def test_the_mirror_image_of_the_usual_68_is_the_usual_68() -> None:
    assert {mirror_order()[point] for point in LANDMARKS_68} == set(LANDMARKS_68)
    assert {mirror_order()[point] for point in OUTLINE} == set(OUTLINE)


def test_landmarks_are_all_points_of_the_mesh_and_the_usual_68_come_first() -> None:
    order = landmark_order()
    assert tuple(order[:68]) == LANDMARKS_68
    assert sorted(order) == list(range(NUM_POINTS))


def test_outline_box_ignores_points_that_are_not_on_the_outline() -> None:
    points = np.zeros((2, NUM_POINTS, 3))
    points[:, 10] = (3.0, -4.0, 9.0)
    points[:, 1] = (100.0, 100.0, 100.0)
    assert (outline_box(points) == [[0.0, -4.0, 3.0, 0.0]] * 2).all()


def test_left_expressions_mirror_to_right_ones() -> None:
    order = mirror_expressions()
    assert EXPRESSIONS[order[EXPRESSIONS.index("jawLeft")]] == "jawRight"
    assert EXPRESSIONS[order[EXPRESSIONS.index("jawOpen")]] == "jawOpen"
