from __future__ import annotations

import numpy as np
import pytest
import torch

from reenact.layers.rotation import vector_from_euler
from reenact.perception.pose import angles


@pytest.mark.parametrize("euler", [(0.0, 0.0, 0.0), (3.0, -12.0, 25.0), (-8.0, 20.0, -5.0)])
def test_angles_agree_with_the_rotations_of_the_model(euler: tuple[float, ...]) -> None:
    vector = vector_from_euler(torch.tensor(euler, dtype=torch.float64)).numpy()
    assert angles(vector)[1:] == pytest.approx(euler[1:], abs=1e-6)


def test_yaw_keeps_its_sign_and_grows() -> None:
    turns = [angles(np.array([0.0, np.radians(a), 0.0]))[0] for a in (-50, -20, 0, 20, 50)]
    assert turns == sorted(turns)
    assert turns[0] == pytest.approx(-turns[-1], abs=1.0)
    assert abs(turns[-1]) > 50
