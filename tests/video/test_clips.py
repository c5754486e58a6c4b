from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from reenact.errors import MediaError
from reenact.video import (
    Clip,
    Excerpt,
    ImageSequence,
    VideoReader,
    VideoWriter,
    load_frame,
    picture_files,
    probe,
    save_image,
)

from .clips import make_clip, number_of, numbered_frame, sound_packets


def seen(clip: Clip) -> list[tuple[int, Fraction]]:
    times = clip.times()
    return [(number_of(frame), next(times)) for frame in clip]


@pytest.mark.parametrize(
    ("begin", "end", "first", "count"),
    [("0", None, 0, 20), ("0.2", "0.6", 5, 10), ("0.21", None, 6, 14), ("0.76", "9", 19, 1)],
)
def test_an_excerpt_holds_what_is_shown_in_its_time(
    tmp_path: Path, begin: str, end: str | None, first: int, count: int
) -> None:
    with VideoReader(make_clip(tmp_path / "in.mp4", 20)) as whole:
        part = Excerpt(whole, Fraction(begin), Fraction(end) if end else None)
        expected = [(first + index, Fraction(index, 25)) for index in range(count)]
        assert len(part) == count
        assert seen(part) == expected
        assert seen(part) == expected  # as often as wanted
        assert [part.info.time(index) for index in range(count)] == [t for _, t in expected]


def test_an_excerpt_of_varying_rate_keeps_its_steps(tmp_path: Path) -> None:
    ticks = [0, 3003, 6006, 13000, 14000, 90001]
    clip = make_clip(tmp_path / "in.mp4", 6, ticks=ticks, time_base=Fraction(1, 90000))
    with VideoReader(clip) as whole:
        part = Excerpt(whole, Fraction(1, 20), Fraction(1, 2))
        assert [time * 90000 for _, time in seen(part)] == [0, 13000 - 6006, 14000 - 6006]
        assert all((time / part.info.tick).denominator == 1 for _, time in seen(part))


def test_the_sound_of_an_excerpt_begins_with_it(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", 25, sound=1.0)
    with VideoReader(clip) as whole:
        part = Excerpt(whole, Fraction(1, 5), Fraction(3, 5))
        with VideoWriter(tmp_path / "out.mp4", part.info, audio=part.sound) as sink:
            for frame in part:
                sink.write(frame)
    packets, all_packets = sound_packets(tmp_path / "out.mp4"), sound_packets(clip)
    assert packets == [packet for packet in all_packets if packet in packets]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(packets) == pytest.approx(0.4 * 16000 / 1024, abs=1.01)
        first = next(container.demux(audio=0))
        assert first.pts is not None
        assert 0 <= first.pts * first.time_base < 1024 / 16000
    assert probe(tmp_path / "out.mp4").frames == 10


def test_an_excerpt_of_nothing_is_an_error(tmp_path: Path) -> None:
    with (
        VideoReader(make_clip(tmp_path / "in.mp4", 5)) as whole,
        pytest.raises(MediaError, match=r"in\.mp4: no frame.*--driving-from"),
    ):
        Excerpt(whole, Fraction(9))


def test_pictures_are_a_clip_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for index in (10, 2, 1):
        save_image(tmp_path / f"{index}.png", numbered_frame(index))
    (tmp_path / "notes.txt").write_text("no picture")
    for place in (tmp_path, tmp_path / "*.png"):
        clip = ImageSequence(picture_files(place) or [])
        assert seen(clip) == [(1, 0), (2, Fraction(1, 25)), (10, Fraction(2, 25))]
    assert picture_files(tmp_path / "2.png") == [tmp_path / "2.png"]
    assert picture_files(tmp_path / "notes.txt") is None
    assert picture_files(tmp_path / "gone.png") is None


def test_pictures_that_make_no_clip_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no picture"):
        picture_files(tmp_path)
    with pytest.raises(MediaError, match="no picture"):
        picture_files(tmp_path / "*.png")
    with pytest.raises(MediaError, match="no pictures"):
        ImageSequence([])
    save_image(tmp_path / "1.png", numbered_frame(1))
    save_image(tmp_path / "2.png", np.zeros((9, 9, 3), dtype=np.uint8))
    with pytest.raises(MediaError, match="one size"):
        list(ImageSequence(picture_files(tmp_path) or []))


def test_one_frame_of_a_video(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", 7)
    assert [number_of(load_frame(clip, number)) for number in (1, 4, 7)] == [0, 3, 6]
    with pytest.raises(MediaError, match="7 frames"):
        load_frame(clip, 8)
