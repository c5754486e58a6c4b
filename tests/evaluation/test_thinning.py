from itertools import pairwise

import pytest

from reenact.evaluation.thinning import NOT_THINNED, Thinning


def test_all_frames_of_the_protocol_without_a_wish() -> None:
    assert NOT_THINNED.choose(5).tolist() == [1, 2, 3, 4]
    assert NOT_THINNED.choose(500).tolist() == list(range(1, 200))
    assert NOT_THINNED.choose(12, first=0, every=5).tolist() == [0, 5, 10]
    assert NOT_THINNED.label() == NOT_THINNED.label(every=5) == ""


@pytest.mark.parametrize("frames", [1, 3, 7])
def test_fewer_frames_are_spread_over_the_clip(frames: int) -> None:
    chosen = Thinning(frames=frames).choose(101).tolist()
    assert len(set(chosen)) == frames
    assert chosen[0] == 1
    steps = {b - a for a, b in pairwise(chosen)}
    assert all(abs(step - 100 / frames) < 1 for step in steps)


def test_more_frames_than_there_are_is_all_of_them() -> None:
    assert Thinning(frames=9).choose(4).tolist() == [1, 2, 3]


def test_what_is_not_the_protocol_is_said() -> None:
    assert Thinning(every=4).label() == "thinned to every 4 frames: not the protocol's frames"
    assert Thinning(every=4).label(every=4) == ""
    both = Thinning(every=2, frames=8)
    assert both.choose(200).tolist() == [1, 25, 51, 75, 101, 125, 151, 175]
    assert "every 2 frames, at most 8 frames a clip" in both.label()
