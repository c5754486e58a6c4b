from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from reenact.errors import MediaError
from reenact.records import Image
from reenact.video import (
    ResumableWriter,
    VideoReader,
    VideoWriter,
    find_earlier,
    partial_path,
    probe,
)
from reenact.video.formats import LOSSLESS, LOSSLESS_ALPHA, choose_format
from reenact.video.mark import job_of
from reenact.video.pixels import from_rgb

from .clips import make_clip, number_of, numbered_frame

FAST = Fraction(10)
BARS = np.array(
    [(191, 191, 0), (0, 191, 191), (191, 0, 191), (0, 0, 191), (16, 16, 16), (200, 150, 120)],
    dtype=np.uint8,
)
"""Colours that tell one matrix or range from another."""


class Stopped(Exception):  # noqa: N818
    """What ends a run in the middle."""


def write(target: Path, stop: int | None, **options: Any) -> None:
    """Thirty frames with ten a fragment, as far as they are not there, or up to a stop."""
    earlier = find_earlier(target, "job")
    with ResumableWriter(target, job="job", earlier=earlier, rate=FAST, **options) as sink:
        for index in range(earlier.frames if earlier else 0, 30):
            if index == stop:
                raise Stopped
            frame = numbered_frame(index, 64, 64)
            sink.write(with_alpha(frame) if options.get("alpha") else frame)


def with_alpha(frame: Image) -> Image:
    """Left half clear, right half opaque."""
    alpha = np.zeros((*frame.shape[:2], 1), dtype=np.uint8)
    alpha[:, frame.shape[1] // 2 :] = 255
    return np.concatenate([frame, alpha], axis=2)


def numbers(path: Path) -> list[int]:
    with VideoReader(path) as frames:
        return [number_of(frame) for frame in frames]


@pytest.mark.parametrize(
    ("name", "codec", "stored"),
    [
        ("out.webm", None, "vp9"),
        ("out.mp4", "hevc", "hevc"),
        ("out.mkv", "av1", "av1"),
        ("out.avi", None, "mpeg4"),
        ("out.mov", "prores", "prores"),
        ("out.mov", "qtrle", "qtrle"),
        ("out.mkv", "ffv1", "ffv1"),
        ("out.gif", None, "gif"),
    ],
)
def test_every_format_is_whole_marked_and_gone_on_with(
    tmp_path: Path, name: str, codec: str | None, stored: str
) -> None:
    out = tmp_path / name
    with pytest.raises(Stopped):
        write(out, 17, codec=codec, comment="a mark")
    assert [path.name for path in tmp_path.iterdir()] == ["out.partial.mp4"]
    assert numbers(partial_path(out)) == list(range(17))
    write(out, None, codec=codec, comment="a mark")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert numbers(out) == [index % 25 for index in range(30)]
    info = probe(out)
    assert (info.codec, info.rate, info.frames) == (stored, FAST, 30)
    assert job_of(out) == "job"


@pytest.mark.parametrize("name", ["out.webm", "out.mov", "out.mkv", "out.avi"])
def test_transparency_comes_back(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    with pytest.raises(Stopped):
        write(out, 12, alpha=True)
    write(out, None, alpha=True)
    decoder = av.CodecContext.create("libvpx-vp9", "r") if name == "out.webm" else None
    with av.open(str(out)) as container:
        packets = container.demux(video=0)
        frames = [f for p in packets for f in (decoder.decode(p) if decoder else p.decode())]
    assert len(frames) == 30
    alpha = frames[20].reformat(format="rgba").to_ndarray()[..., 3]
    assert alpha[:, :28].max() <= 8
    assert alpha[:, 36:].min() >= 247


def test_a_finished_part_is_kept_as_good_as_the_output_needs_it(tmp_path: Path) -> None:
    assert choose_format(tmp_path / "a.mp4").part == choose_format(tmp_path / "a.mp4").encoding
    for name in ("a.gif", "a/%05d.png"):
        assert choose_format(tmp_path / name).part == LOSSLESS
    assert choose_format(tmp_path / "a.webm", alpha=True).part == LOSSLESS_ALPHA


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.txt", {}, "'.txt' names no format"),
        ("a", {}, "frames/%05d.png"),
        ("a.png", {}, "frames/%05d.png"),
        ("a.mp4", {"codec": "prores"}, "Choose another suffix or --codec"),
        ("a.mp4", {"codec": "nonsense"}, "no encoder for 'nonsense'"),
        ("a.mp4", {"codec": "aac"}, "no encoder for 'aac'"),
        ("a.gif", {"codec": "h264"}, "does not go into gif"),
        ("a.mxf", {}, "keeps no comment"),
        ("a.mp4", {"alpha": True}, "holds no alpha"),
        ("a.gif", {"alpha": True}, "holds no alpha"),
        ("a.mkv", {"alpha": True, "codec": "h264"}, "keeps no alpha"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, name: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(MediaError, match=words):
        choose_format(tmp_path / name, **options)
    with pytest.raises(MediaError, match=words):
        VideoWriter(tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("codec", ["h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg", "prores"])
def test_one_scale_of_quality_serves_all_codecs(tmp_path: Path, codec: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3)).astype(np.uint8)
    sizes = []
    for quality in (2, 45):
        out = tmp_path / f"{quality}.{'mkv' if codec in ('vp9', 'av1') else 'mov'}"
        with VideoWriter(out, codec=codec, quality=quality, preset="ultrafast") as sink:
            for shift in range(3):
                sink.write(np.roll(noise, shift, axis=0))
        sizes.append(out.stat().st_size)
    assert sizes[0] > 1.3 * sizes[1]


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", None), ("a.mp4", "hevc"), ("a.webm", None)])
def test_quality_zero_loses_only_what_yuv_loses(
    tmp_path: Path, name: str, codec: str | None
) -> None:
    grey = np.random.default_rng(0).integers(16, 235, (64, 64, 1)).astype(np.uint8).repeat(3, 2)
    with VideoWriter(tmp_path / name, codec=codec, quality=0) as sink:
        sink.write(grey)
        sink.write(grey)
        sink.write(grey)
    with VideoReader(tmp_path / name) as frames:
        assert np.abs(next(iter(frames)).astype(int) - grey).max() <= 1


def bars(height: int, width: int) -> Image:
    columns = np.repeat(BARS, -(-width // len(BARS)), axis=0)[:width]
    return np.broadcast_to(columns, (height, width, 3)).astype(np.uint8)


def off(frame: Image) -> int:
    """How far the middle of a bar is from its colour, at worst."""
    width = frame.shape[1]
    middles = [round((index + 0.5) * width / len(BARS)) for index in range(len(BARS))]
    return int(np.abs(frame[frame.shape[0] // 2, middles].astype(int) - BARS).max())


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", None), ("a.webm", None), ("a.mov", "prores"), ("a.mov", "qtrle"), ("a.mkv", "ffv1")],
)
def test_odd_sizes_have_clean_edges(tmp_path: Path, name: str, codec: str | None) -> None:
    with VideoWriter(tmp_path / name, codec=codec, quality=2) as sink:
        sink.write(np.full((33, 35, 3), 90, dtype=np.uint8))
    with VideoReader(tmp_path / name) as frames:
        (back,) = list(frames)
    assert back.shape[0] in (33, 34)
    assert back.shape[1] in (35, 36)
    assert np.abs(back.astype(int) - 90).max() <= 3


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv422p10le", "yuv444p10le"])
def test_a_flat_picture_is_stored_flat(pixels: str) -> None:
    flat = np.full((33, 35, 3), 90, dtype=np.uint8)
    for trial in range(200):
        _ = [np.full(400 * size, trial, dtype=np.uint8) for size in range(20)]  # no fresh memory
        stored = from_rgb(flat, pixels)
        for plane in stored.planes:
            values = np.frombuffer(bytes(plane), np.uint16).reshape(plane.height, -1)
            assert np.unique(values[:, : plane.width]).size == 1


@pytest.mark.parametrize("height", [240, 720])
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", None),
        ("a.mp4", "hevc"),
        ("a.webm", None),
        ("a.avi", None),
        ("a.avi", "mjpeg"),
        ("a.mov", "prores"),
        ("a.mov", "qtrle"),
        ("a.gif", None),
    ],
)
def test_colours_survive_every_codec_at_every_size(
    tmp_path: Path, height: int, name: str, codec: str | None
) -> None:
    with VideoWriter(tmp_path / name, codec=codec, quality=2, preset="ultrafast") as sink:
        for _ in range(3):
            sink.write(bars(height, 480))
    with VideoReader(tmp_path / name) as frames:
        assert off(next(iter(frames))) <= 4


@pytest.mark.parametrize("matrix", [1, 5])
@pytest.mark.parametrize("span", [1, 2])
@pytest.mark.parametrize(("codec", "pixels"), [("libx264", "yuv420p"), ("libx265", "yuv420p10le")])
def test_the_matrix_and_range_that_a_file_names_are_obeyed(
    tmp_path: Path, matrix: int, span: int, codec: str, pixels: str
) -> None:
    """1 and 5 are BT.709 and BT.601, 1 and 2 limited and full range (ITU-T H.273, FFmpeg)."""
    path = tmp_path / "in.mp4"
    quiet = {"x265-params": "log-level=none:open-gop=0"} if codec == "libx265" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "2", **quiet})
        stream.height, stream.width, stream.pix_fmt = 240, 480, pixels  # type: ignore[union-attr]
        stream.codec_context.colorspace = matrix  # type: ignore[union-attr]
        stream.codec_context.color_range = span  # type: ignore[union-attr]
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(bars(240, 480), format="rgb24")
            kind = {1: "ITU709", 5: "ITU601"}[matrix]
            frame = frame.reformat(
                format=pixels, dst_colorspace=kind, dst_color_range={1: "MPEG", 2: "JPEG"}[span]
            )
            container.mux(stream.encode(frame))  # type: ignore[union-attr]
        container.mux(stream.encode(None))  # type: ignore[union-attr]
    with VideoReader(path) as frames:
        assert off(next(iter(frames))) <= 4


@pytest.mark.parametrize(("codec", "least"), [("hevc", 16), ("av1", 64)])
def test_pictures_that_a_codec_cannot_hold_are_refused(
    tmp_path: Path, codec: str, least: int
) -> None:
    for side in (least - 1, least):
        sink = VideoWriter(tmp_path / "a.mp4", codec=codec)
        frame = np.full((side, 99, 3), 90, dtype=np.uint8)
        if side < least:
            with pytest.raises(MediaError, match=f"{least} pixels a side"):
                sink.write(frame)
            sink.discard()
        else:
            sink.write(frame)
            sink.close()
    assert probe(tmp_path / "a.mp4").height in (least, least + 1)


def test_sound_goes_where_there_is_room_for_it(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", 20, sound=0.8)
    for name, heard in (("a.webm", True), ("a.mov", True), ("a.gif", False)):
        codec = "prores" if name == "a.mov" else None
        with ResumableWriter(
            tmp_path / name, probe(clip), job="job", audio=clip, codec=codec
        ) as sink:
            for index in range(20):
                sink.write(numbered_frame(index))
        assert probe(tmp_path / name).has_audio is heard
