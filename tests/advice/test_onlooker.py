from __future__ import annotations

import numpy as np
import pytest

from reenact.advice.onlooker import Onlooker, find_cuts, thumbnail
from reenact.driving import frame_clip
from reenact.records import Image
from stubs import StubReader, picture_with_face


def shots(*lengths: int) -> list[Image]:
    """Shots of the same face before grounds of other shades."""
    return [
        picture_with_face((40 + index, 40, 80 + index, 90), shade=40 + 60 * number)
        for number, length in enumerate(lengths)
        for index in range(length)
    ]


def test_looking_on_changes_nothing() -> None:
    clip, alone, watched = shots(30), StubReader(), StubReader()
    onlooker = Onlooker(clip, watched)
    here, there = frame_clip(onlooker, onlooker, samples=8), frame_clip(clip, alone, samples=8)
    assert np.array_equal(here.square, there.square)
    assert (here.looked, here.found, watched.looks) == (there.looked, there.found, alone.looks)


def test_it_remembers_which_frames_were_searched() -> None:
    onlooker = Onlooker(shots(20), StubReader())
    frame_clip(onlooker, onlooker, samples=5)
    assert [sighting.index for sighting in onlooker.sightings] == [0, 4, 8, 12, 16]
    lefts = [sighting.face.box[0] for sighting in onlooker.sightings]
    assert lefts == [40, 44, 48, 52, 56]


def test_going_through_again_begins_again() -> None:
    onlooker = Onlooker(shots(4, 4), StubReader())
    for _ in range(2):
        frame_clip(onlooker, onlooker)
    assert len(onlooker.sightings) == 8
    assert onlooker.cuts == [4]


def test_cuts_between_the_frames_searched_are_seen() -> None:
    onlooker = Onlooker(shots(13, 9, 11), StubReader())
    frame_clip(onlooker, onlooker, samples=3)
    assert onlooker.cuts == [13, 22]


@pytest.mark.parametrize(
    ("changes", "cuts"),
    [
        ([], []),
        ([90.0], []),  # two frames: nothing to compare with
        ([1, 1, 60, 1, 1], [3]),
        ([1, 1, 9, 1, 1], []),  # too little
        ([20, 25, 60, 22, 18], []),  # a restless camera
        ([1, 60, 60, 1, 1], []),  # a flash: there and back
        ([60, 1, 1, 1, 60], [1, 5]),
    ],
)
def test_a_cut_is_a_large_change_among_small_ones(changes: list[float], cuts: list[int]) -> None:
    assert find_cuts(np.array(changes, dtype=np.float32)) == cuts


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (48, 64), (1080, 1920)])
def test_a_thumbnail_has_the_mean_of_the_frame(size: tuple[int, int]) -> None:
    rows = np.linspace(0, 250, size[0])[:, None, None]
    frame = np.broadcast_to(rows, (*size, 3)).astype(np.uint8)
    small = thumbnail(frame)
    assert small.shape == (16, 16, 3)
    assert small.mean() == pytest.approx(frame.mean(), abs=3)
