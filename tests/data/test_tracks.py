"""Shoulders followed through a clip: known motion, what is lost, and what is not there."""

import numpy as np
import pytest
from numpy.typing import NDArray

from reenact.data.tracks import NUM_TRACKS, follow_shoulders

SIZE, CHIN = 128, 60.0
STEP = (1.5, -0.75)
"""Pixels to the right and down from frame to frame."""


def moving_clip(count: int = 9) -> NDArray[np.uint8]:
    """Smooth random texture that moves by STEP each frame; (T, S, S, 3)."""
    chance = np.random.default_rng(0)
    waves = chance.normal(size=(40, 2)) * 0.35
    phases, strengths = chance.uniform(0, 2 * np.pi, 40), chance.uniform(5, 12, 40)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    frames = []
    for number in range(count):
        across, down = x - STEP[0] * number, y - STEP[1] * number
        angles = waves[:, 0, None, None] * across + waves[:, 1, None, None] * down
        value = 128 + (strengths[:, None, None] * np.sin(angles + phases[:, None, None])).sum(0)
        frames.append(np.repeat(value.clip(0, 255).astype(np.uint8)[..., None], 3, axis=-1))
    return np.stack(frames)


def test_points_move_as_the_picture_does() -> None:
    frames = moving_clip()
    tracks = follow_shoulders(frames, np.full(len(frames), CHIN, np.float32))
    always = tracks.known.all(0)
    assert always.sum() > NUM_TRACKS / 2
    moved = tracks.points[-1, always] - tracks.points[0, always]
    expected = np.array(STEP) * (len(frames) - 1)
    error = np.abs(moved - expected)
    assert np.median(error) < 0.05
    assert error.max() < 1.0
    assert (tracks.points[len(frames) // 2, always, 1] >= CHIN).all()


def test_what_is_covered_is_lost_for_good() -> None:
    frames = moving_clip()
    middle = len(frames) // 2
    frames[middle + 2] = 0
    tracks = follow_shoulders(frames, np.full(len(frames), CHIN, np.float32))
    assert tracks.known[: middle + 2].any(1).all()
    assert not tracks.known[middle + 2 :].any()


@pytest.mark.parametrize("chin", [np.nan, SIZE - 4.0])
def test_without_a_chin_or_room_below_it_nothing_is_followed(chin: float) -> None:
    frames = moving_clip(3)
    tracks = follow_shoulders(frames, np.full(3, chin, np.float32))
    assert not tracks.known.any()
    assert tracks.points.shape == (3, NUM_TRACKS, 2)


def test_a_picture_without_texture_gives_no_points() -> None:
    frames = np.full((3, SIZE, SIZE, 3), 90, np.uint8)
    assert not follow_shoulders(frames, np.full(3, CHIN, np.float32)).known.any()
