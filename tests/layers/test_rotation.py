import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.testing import assert_close

from reenact.config import POSE_MIRRORS
from reenact.layers.rotation import (
    euler_from_vector,
    matrix_from_euler,
    matrix_from_vector,
    vector_from_euler,
    vector_from_matrix,
)

NOSE = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
CROWN = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)


def vectors(longest: float) -> st.SearchStrategy[Tensor]:
    number = st.floats(-longest / 2, longest / 2)
    return st.tuples(number, number, number).map(lambda v: torch.tensor(v, dtype=torch.float64))


def rotate(yaw: float, pitch: float, roll: float, point: Tensor) -> Tensor:
    return matrix_from_euler(torch.tensor([yaw, pitch, roll], dtype=torch.float64)) @ point


def test_signs_of_the_angles() -> None:
    """x to the right of the picture, y up, z to the viewer."""
    assert rotate(30, 0, 0, NOSE)[0] > 0.4, "yaw > 0: nose to the right of the picture"
    assert rotate(0, 30, 0, NOSE)[1] > 0.4, "pitch > 0: looking up"
    assert rotate(0, 0, 30, CROWN)[0] < -0.4, "roll > 0: counter-clockwise in the picture"


def test_roll_does_not_move_the_nose() -> None:
    assert_close(rotate(35, -20, 50, NOSE), rotate(35, -20, 0, NOSE))


def test_small_turns_name_the_axes() -> None:
    vector = vector_from_euler(torch.tensor([2.0, 3.0, 4.0], dtype=torch.float64))
    assert_close(torch.rad2deg(vector), torch.tensor([-3.0, 2.0, 4.0]).double(), atol=0.15, rtol=0)


def test_angles_are_read_as_in_the_usual_library() -> None:
    euler = 80 * (2 * torch.rand(50, 3, dtype=torch.float64) - 1)
    yaw, pitch, roll = euler.unbind(-1)
    usual = Rotation.from_euler("YXZ", torch.stack([yaw, -pitch, roll], -1), degrees=True)
    assert_close(matrix_from_euler(euler), torch.from_numpy(usual.as_matrix()))


@given(vectors(longest=3.5))
def test_matrix_agrees_with_the_usual_library(vector: Tensor) -> None:
    usual = torch.from_numpy(Rotation.from_rotvec(vector.numpy()).as_matrix())
    assert_close(matrix_from_vector(vector), usual)


@given(vectors(longest=3.5))
def test_vector_round_trip(vector: Tensor) -> None:
    matrix = matrix_from_vector(vector)
    back = vector_from_matrix(matrix)
    assert back.norm() <= math.pi + 1e-9
    assert_close(matrix_from_vector(back), matrix, atol=1e-6, rtol=0)


@given(st.tuples(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179)))
def test_angle_round_trip(angles: tuple[float, float, float]) -> None:
    euler = torch.tensor(angles, dtype=torch.float64)
    assert_close(euler_from_vector(vector_from_euler(euler)), euler, atol=1e-4, rtol=0)


@given(vectors(longest=3.0))
def test_mirrored_picture(vector: Tensor) -> None:
    flip = torch.diag(torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64))
    mirrored = matrix_from_vector(vector * torch.tensor(POSE_MIRRORS["deca_rot3"]))
    assert_close(mirrored, flip @ matrix_from_vector(vector) @ flip)
    yaw, pitch, roll = euler_from_vector(vector).unbind(-1)
    expected = matrix_from_euler(torch.stack([-yaw, pitch, -roll]))
    assert_close(mirrored, expected, atol=1e-7, rtol=0)


@pytest.mark.parametrize("angle", [0.0, 1e-20, 1e-8, 1e-4, math.pi - 1e-4, math.pi])
def test_single_precision_holds_at_the_ends(angle: float) -> None:
    vector = torch.tensor([[angle, 0.0, 0.0], [0.0, angle, 0.0], [0.6 * angle, 0.0, 0.8 * angle]])
    back = vector_from_matrix(matrix_from_vector(vector))
    assert_close(matrix_from_vector(back), matrix_from_vector(vector), atol=2e-6, rtol=0)
    assert_close(back.norm(dim=-1), vector.norm(dim=-1), atol=2e-6, rtol=0)


def test_no_rotation_has_a_finite_gradient() -> None:
    vector = torch.zeros(3, requires_grad=True)
    vector_from_matrix(matrix_from_vector(vector)).sum().backward()
    assert vector.grad is not None
    assert vector.grad.isfinite().all()
