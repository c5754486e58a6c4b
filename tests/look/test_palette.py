from __future__ import annotations

import numpy as np

from reenact.look.palette import (
    REGION_COLOURS,
    direction_colours,
    keypoint_colour,
    region_palette,
)
from reenact.records import REGIONS


def test_every_region_has_a_colour_of_its_own() -> None:
    assert tuple(REGION_COLOURS) == REGIONS
    palette = region_palette().astype(int)
    apart = np.abs(palette[:, None] - palette).sum(axis=-1) + 1000 * np.eye(len(REGIONS))
    assert apart.min() >= 60


def test_the_left_is_darker_than_the_right() -> None:
    for part in ("brow", "eye", "ear"):
        assert sum(REGION_COLOURS[f"left {part}"]) < sum(REGION_COLOURS[f"right {part}"])


def test_keypoints_differ() -> None:
    assert len({keypoint_colour(index, 10) for index in range(10)}) == 10


def test_no_step_is_white_and_the_longest_is_in_full_colour() -> None:
    steps = np.array([[[0, 0], [0.1, 0], [-0.1, 0], [9, 0]]], dtype=np.float32)
    still, right, left, far = direction_colours(steps, longest=0.1)[0]
    assert still.tolist() == [255, 255, 255]
    assert right.tolist() == far.tolist() == [255, 64, 64]
    assert left.tolist() == [0, 191, 191]
