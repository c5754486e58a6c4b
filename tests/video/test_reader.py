from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorTrc

from reenact.errors import MediaError
from reenact.video import VideoReader

from .clips import make_clip, number_of, numbered_frame

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize("rate", [Fraction(25), NTSC, Fraction(24000, 1001), Fraction(15)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_info_knows_count_and_rate_before_decoding(
    tmp_path: Path, rate: Fraction, suffix: str
) -> None:
    with VideoReader(make_clip(tmp_path / f"clip{suffix}", rate=rate)) as frames:
        assert len(frames) == 12
        assert frames.info.rate == rate
        assert frames.info.timestamps is None
        assert frames.info.duration == 12 / rate


@pytest.mark.parametrize(
    ("colours", "said"),
    [
        ((ColorPrimaries.BT2020, ColorTrc.SMPTE2084), ["clip.mp4: its colours (HDR, PQ, BT.2020)"]),
        ((ColorPrimaries.BT709, ColorTrc.ARIB_STD_B67), ["clip.mp4: its colours (HDR, HLG)"]),
        ((ColorPrimaries.BT709, ColorTrc.BT709), []),
        (None, []),
    ],
)
def test_colours_that_are_not_mapped_are_told(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    colours: tuple[ColorPrimaries, ColorTrc] | None,
    said: list[str],
) -> None:
    with VideoReader(make_clip(tmp_path / "clip.mp4", colours=colours)) as frames:
        assert len(list(frames)) == 12
    assert [text.partition(" are not")[0].rpartition("/")[2] for text in caplog.messages] == said


def test_frames_come_in_order_with_their_times(tmp_path: Path) -> None:
    with VideoReader(make_clip(tmp_path / "clip.mp4", rate=NTSC)) as frames:
        times = frames.times()
        seen = [(number_of(frame), time) for frame, time in zip(frames, times, strict=True)]
    assert seen == [(index, index / NTSC) for index in range(12)]


def test_times_wait_for_a_consumer_that_reads_ahead(tmp_path: Path) -> None:
    with VideoReader(make_clip(tmp_path / "clip.mp4")) as frames:
        times = frames.times()
        list(frames)
        assert list(times) == [Fraction(index, 25) for index in range(12)]


def test_variable_rate_keeps_every_time(tmp_path: Path) -> None:
    ticks = [0, 40, 80, 200, 220, 260, 500]
    clip = make_clip(tmp_path / "clip.mp4", 7, ticks=ticks, time_base=Fraction(1, 1000))
    with VideoReader(clip) as frames:
        assert frames.info.timestamps is not None
        times = frames.times()
        shown = [time for _, time in zip(frames, times, strict=True)]
        assert shown == [Fraction(tick, 1000) for tick in ticks]
        assert [frames.info.time(index) for index in range(7)] == shown
        assert frames.info.rate == Fraction(6 * 1000, 500)


def test_a_dropped_frame_makes_the_rate_vary(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", 5, ticks=[0, 1, 3, 4, 5])
    with VideoReader(clip) as frames:
        assert frames.info.timestamps is not None


def test_each_iteration_begins_anew(tmp_path: Path) -> None:
    with VideoReader(make_clip(tmp_path / "clip.mp4")) as frames:
        first = next(iter(frames))
        again = next(iter(frames))
    assert np.array_equal(first, again)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_metadata_is_obeyed(tmp_path: Path, rotation: int) -> None:
    upright = make_clip(tmp_path / "upright.mp4", 1)
    turned = make_clip(tmp_path / "turned.mp4", 1, rotation=rotation)
    with VideoReader(upright) as plain, VideoReader(turned) as frames:
        assert frames.info.rotation == rotation
        expected = np.rot90(next(iter(plain)), rotation // 90)
        assert (frames.info.height, frames.info.width) == expected.shape[:2]
        assert np.array_equal(next(iter(frames)), expected)


def test_ten_bit_video_is_read_as_eight(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", 3, codec="ffv1", pix_fmt="yuv444p10le")
    with VideoReader(clip) as frames:
        for index, frame in enumerate(frames):
            assert np.abs(frame.astype(int) - numbered_frame(index)).max() <= 2


def test_a_failing_consumer_ends_the_reader(tmp_path: Path) -> None:
    with VideoReader(make_clip(tmp_path / "clip.mp4")) as frames:
        running = iter(frames)
        next(running)
    with pytest.raises(StopIteration):
        next(running)
    with pytest.raises(ValueError, match="closed"):
        iter(frames)


def test_a_damaged_frame_is_skipped_and_the_times_say_where(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = make_clip(tmp_path / "clip.avi", 6, codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(clip.read_bytes())
    pictures = [i for i in range(len(data)) if data[i : i + 3] == b"\xff\xd8\xff"]
    damaged = slice(pictures[2], pictures[3] - 8)  # up to the header of the next chunk
    data[damaged] = bytes(len(data[damaged]))
    clip.write_bytes(data)
    with VideoReader(clip) as frames:
        times = frames.times()
        shown = [time * 25 for _, time in zip(frames, times, strict=True)]
    assert shown == [0, 1, 3, 4, 5]
    assert "damaged" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.mp4", None, "found nothing"),
        ("empty.mp4", b"", "cannot be read"),
        ("text.mp4", b"not a video at all\n" * 50, "cannot be read"),
        ("list.mp4", b"#EXTM3U\n#EXTINF:1,\nhttp://localhost/a.ts\n", "cannot be read"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match=message) as caught:
        VideoReader(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_truncated_video_is_refused(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    clip.write_bytes(clip.read_bytes()[:-300])  # the index is at the end
    with pytest.raises(MediaError):
        VideoReader(clip)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    from .clips import make_sound

    with pytest.raises(MediaError, match="expected pictures"):
        VideoReader(make_sound(tmp_path / "sound.mp4"))
