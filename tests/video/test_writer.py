from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from reenact.errors import MediaError
from reenact.video import GENERATED, VideoReader, VideoWriter, generated_by, probe

from .clips import make_clip, number_of, numbered_frame, sound_packets, sound_samples

NTSC = Fraction(30000, 1001)


def copy(clip: Path, out: Path, **options: object) -> Path:
    with VideoReader(clip) as frames, VideoWriter(out, like=frames.info, **options) as sink:  # type: ignore[arg-type]
        for frame in frames:
            sink.write(frame)
    return out


def times_of(clip: Path) -> list[Fraction]:
    with VideoReader(clip) as frames:
        times = frames.times()
        return [time for _, time in zip(frames, times, strict=True)]


@pytest.mark.parametrize("rate", [Fraction(25), NTSC, Fraction(1350, 61)])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_clip_keeps_count_order_times_and_rate(
    tmp_path: Path, rate: Fraction, suffix: str
) -> None:
    clip = make_clip(tmp_path / "in.mp4", 30, rate=rate)
    out = copy(clip, tmp_path / f"out{suffix}")
    assert probe(out).rate == rate
    rounding = Fraction(1, 1000) if suffix == ".mkv" else 0  # Matroska counts milliseconds
    pairs = zip(times_of(out), times_of(clip), strict=True)
    assert all(abs(here - there) <= rounding for here, there in pairs)
    with VideoReader(out) as frames:
        assert [number_of(frame) for frame in frames] == [i % 25 for i in range(30)]


def test_a_variable_rate_is_kept_tick_by_tick(tmp_path: Path) -> None:
    ticks = [0, 3003, 6006, 13000, 14000, 90001]
    clip = make_clip(tmp_path / "in.mp4", 6, ticks=ticks, time_base=Fraction(1, 90000))
    out = copy(clip, tmp_path / "out.mp4")
    assert times_of(out) == times_of(clip) == [Fraction(tick, 90000) for tick in ticks]


def test_given_times_win_over_those_of_the_model_clip(tmp_path: Path) -> None:
    info = probe(make_clip(tmp_path / "in.mp4", 3))
    with VideoWriter(tmp_path / "out.mp4", like=info) as sink:
        for index in (0, 2, 7):
            sink.write(numbered_frame(index), Fraction(index, 25))
    assert times_of(tmp_path / "out.mp4") == [0, Fraction(2, 25), Fraction(7, 25)]


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_sound_is_copied_bit_by_bit(tmp_path: Path, suffix: str) -> None:
    clip = make_clip(tmp_path / "in.mp4", 12, sound=0.6)
    out = copy(clip, tmp_path / f"out{suffix}", audio=clip)
    assert sound_packets(out) == sound_packets(clip)
    assert np.array_equal(sound_samples(out), sound_samples(clip))


def test_sound_that_the_format_cannot_hold_is_encoded_again(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", 12, sound=0.5, audio_codec="pcm_s16le")
    out = copy(clip, tmp_path / "out.mp4", audio=clip)
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
    before, after = sound_samples(clip)[0] / 2**15, sound_samples(out)[0]
    assert abs(len(before) - len(after)) <= 1024
    inner = slice(2000, 6000)
    assert np.abs(before[inner] - after[inner]).max() < 0.05


def test_a_silent_clip_stays_silent(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4")
    assert not probe(copy(clip, tmp_path / "out.mp4", audio=clip)).has_audio


def test_sound_and_pictures_keep_their_distance(tmp_path: Path) -> None:
    ticks = list(range(5, 17))
    clip = make_clip(tmp_path / "in.mp4", 12, ticks=ticks, sound=0.7)
    assert probe(clip).start == Fraction(1, 5)
    out = copy(clip, tmp_path / "out.mp4", audio=clip)
    assert times_of(out) == times_of(clip)


@pytest.mark.parametrize("size", [(48, 64), (47, 64), (48, 63), (33, 35), (1, 1)])
def test_odd_sizes_gain_a_repeated_line(tmp_path: Path, size: tuple[int, int]) -> None:
    frame = np.full((*size, 3), 90, dtype=np.uint8)
    with VideoWriter(tmp_path / "out.mp4", quality=0) as sink:
        sink.write(frame)
    with VideoReader(tmp_path / "out.mp4") as frames:
        (back,) = list(frames)
    height, width = size
    assert back.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(back.astype(int) - 90).max() <= 1


@pytest.mark.parametrize("size", [(64, 64), (720, 64)])
def test_colours_survive(tmp_path: Path, size: tuple[int, int]) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 150, 120)]
    with VideoWriter(tmp_path / "out.mp4", quality=1) as sink:
        for colour in colours:
            sink.write(np.full((*size, 3), colour, dtype=np.uint8))
    with VideoReader(tmp_path / "out.mp4") as frames:
        for frame, colour in zip(frames, colours, strict=True):
            assert np.abs(frame.astype(int) - colour).max() <= 4
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (1, 1, 1)
        assert frame.format.name == "yuv420p"


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_generated_video_says_so(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    with VideoWriter(out, comment=generated_by("reenact-s")) as sink:
        sink.write(numbered_frame(0))
    with av.open(str(out)) as container:
        metadata = {key.lower(): value for key, value in container.metadata.items()}
    assert metadata["comment"].startswith(GENERATED)
    assert metadata["comment"].endswith("reenact-s")


def test_the_file_appears_only_when_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with VideoWriter(out) as sink:
        sink.write(numbered_frame(0))
        assert not out.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize("written", [0, 1, 40])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failing_consumer_leaves_nothing_behind(
    tmp_path: Path, written: int, error: type[BaseException]
) -> None:
    clip = make_clip(tmp_path / "in.mp4", 12, sound=0.5)
    (tmp_path / "out.mp4").write_bytes(b"what was there")

    def consume() -> None:
        with VideoWriter(tmp_path / "out.mp4", audio=clip) as sink:
            for index in range(written):
                sink.write(numbered_frame(index))
            raise error

    with pytest.raises(error):
        consume()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]
    assert (tmp_path / "out.mp4").read_bytes() == b"what was there"


def test_no_frame_is_an_error_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no frame"), VideoWriter(tmp_path / "out.mp4"):
        pass
    assert not list(tmp_path.iterdir())


def test_frames_of_another_size_or_type_are_refused(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "out.mp4") as sink:
        sink.write(numbered_frame(0))
        with pytest.raises(MediaError, match="one size"):
            sink.write(numbered_frame(1, height=50))
        with pytest.raises(MediaError, match="uint8"):
            sink.write(np.zeros((48, 64, 3), dtype=np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["out.xyz", "out", "nowhere/out.mp4"])
def test_an_output_that_cannot_be_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError, match=name.split("/")[-1]):
        VideoWriter(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_what_stands_still_beside_what_moves_does_not_flicker(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    photo = cv2.resize(noise.integers(0, 256, (24, 36, 3), dtype=np.uint8), (288, 192))
    with VideoWriter(tmp_path / "out.mp4") as sink:
        for index in range(12):
            frame = photo.copy()
            frame[:, :144] = np.roll(photo[:, :144], 2 * index, axis=0)
            sink.write(frame)
    still = np.stack([frame[:, 160:] for frame in VideoReader(tmp_path / "out.mp4")]).astype(float)
    assert np.abs(still[1:-1] - (still[:-2] + still[2:]) / 2).mean() < 0.002
