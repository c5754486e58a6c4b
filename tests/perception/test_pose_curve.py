"""Mesh degrees and true degrees of yaw."""

import itertools

import pytest
import torch
from torch.testing import assert_close

from reenact.perception.pose_curve import MAX_YAW, MESH_YAW, TRUE_YAW, mesh_yaw, true_yaw


def test_there_and_back() -> None:
    true = torch.linspace(-95, 95, 39)
    back = torch.tensor([true_yaw(float(value)) for value in mesh_yaw(true)])
    assert_close(back, true, atol=1e-3, rtol=0)


def test_the_curve_rises_and_is_alike_on_both_sides() -> None:
    assert all(a < b for a, b in itertools.pairwise(MESH_YAW))
    assert len(MESH_YAW) == len(TRUE_YAW)
    true = torch.linspace(0, 90, 19)
    assert_close(mesh_yaw(-true), -mesh_yaw(true))


def test_straight_ahead_stays_straight_ahead() -> None:
    assert true_yaw(0.0) == 0.0
    assert mesh_yaw(torch.zeros(2)).abs().max() == 0


@pytest.mark.parametrize("mesh", [-500.0, 500.0])
def test_no_reading_leaves_the_sensible_range(mesh: float) -> None:
    assert abs(true_yaw(mesh)) == MAX_YAW
