from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from reenact.video import VideoReader, VideoWriter, generated_by, read_mark

from .clips import numbered_frame


def delays(path: Path) -> list[int]:
    """Hundredths of a second that the pictures of a GIF are shown, as the file says it."""
    controls = path.read_bytes().split(b"!\xf9\x04")[1:]
    return [int.from_bytes(control[1:3], "little") for control in controls]


@pytest.mark.parametrize(
    ("rate", "count", "wanted"),
    [(25, 9, [4] * 9), (10, 5, [10] * 5), (30, 7, [3, 4, 3, 3, 4, 3, 3])],
)
def test_times_are_as_near_as_hundredths_allow(
    tmp_path: Path, rate: int, count: int, wanted: list[int]
) -> None:
    with VideoWriter(tmp_path / "a.gif", rate=Fraction(rate)) as sink:
        for index in range(count):
            sink.write(numbered_frame(index))
    assert delays(tmp_path / "a.gif") == wanted


def test_no_picture_is_so_short_that_players_slow_down(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.gif", rate=Fraction(100)) as sink:
        for index in range(20):
            sink.write(numbered_frame(index))
    assert delays(tmp_path / "a.gif") == [2] * 10


def test_few_colours_are_kept_exactly_and_many_nearly(tmp_path: Path) -> None:
    flat = np.zeros((32, 32, 3), dtype=np.uint8)
    flat[:16], flat[16:] = (200, 30, 90), (10, 220, 130)
    ramp = np.stack(np.meshgrid(np.arange(64) * 4, np.arange(64) * 2), axis=2)
    smooth = np.dstack([ramp, np.full((64, 64), 128)]).astype(np.uint8)
    for picture, most in ((flat, 0.0), (smooth, 6.0)):
        with VideoWriter(tmp_path / "a.gif") as sink:
            sink.write(picture)
            sink.write(picture)
        with VideoReader(tmp_path / "a.gif") as frames:
            back = next(iter(frames)).astype(int)
        assert np.abs(back - picture).mean() <= most


def test_a_gif_runs_for_ever_and_says_who_made_it(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.gif", comment=generated_by("m" * 300)) as sink:
        for index in range(3):
            sink.write(numbered_frame(index))
    mark = read_mark(tmp_path / "a.gif")
    assert mark is not None
    assert mark.model == "m" * 300
    assert b"NETSCAPE2.0\x03\x01\x00\x00" in (tmp_path / "a.gif").read_bytes()
    with VideoReader(tmp_path / "a.gif") as frames:
        assert len(list(frames)) == 3
