from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from reenact.records import Image


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = Path(__file__).parents[2] / "tools/border_flicker.py"
    spec = importlib.util.spec_from_file_location("border_flicker", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def grey(level: int) -> Image:
    return np.full((40, 40, 3), level, dtype=np.uint8)


def test_standing_still_and_fading_evenly_are_no_flicker(tool: ModuleType) -> None:
    everywhere = np.ones((40, 40), dtype=bool)
    assert tool.flicker([grey(9)] * 5, everywhere) == [0]
    assert tool.flicker([grey(10 * n) for n in range(6)], everywhere) == [0]
    assert tool.flicker([grey(10 * (n % 2)) for n in range(6)], everywhere) == [10]


def test_a_place_without_pixels_has_no_flicker_and_no_share_of_the_mean(tool: ModuleType) -> None:
    nowhere = np.zeros((40, 40), dtype=bool)
    assert np.isnan(tool.flicker([grey(9)] * 5, nowhere)).all()
    rows = [tool.Flicker(1, outside, 1, 1, 1) for outside in (3, np.nan)]
    assert tool._means(rows).tolist() == [1, 3, 1, 1, 1]


def test_the_border_is_where_the_square_ends_inside_the_picture(tool: ModuleType) -> None:
    distance = tool.border_distance((40, 60), np.array([-5.0, 10.0, 30.0]))
    assert distance[20, 24] == 0.5  # the right side lies at x = 25
    assert distance[20, 25] == -0.5
    assert distance[10, 5] == 0.5
    assert distance[25, 0] > 10  # the left side lies outside the picture


def test_only_the_side_with_a_step_counts(tool: ModuleType) -> None:
    change = np.zeros((40, 40), dtype=np.float32)
    change[10:30, 10:30] = 6
    steps = list(tool._side_steps(change, np.array([10, 10, 20])))
    assert steps == [6, 6, 6, 6]
    assert next(tool._side_steps(change, np.array([5, 5, 10]))) == 0
