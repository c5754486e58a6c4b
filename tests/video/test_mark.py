from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reenact.errors import MediaError
from reenact.video import (
    GENERATED,
    Mark,
    VideoWriter,
    generated_by,
    load_image,
    read_mark,
    save_image,
)
from reenact.video.comments import add_comment, picture_comments
from reenact.video.mark import job_in, with_job

from .clips import make_clip

WEIGHTS = "0123456789abcdef" * 4
words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1)


@given(words, words, st.sampled_from(["", WEIGHTS]), st.one_of(st.just(""), words))
def test_a_mark_says_what_it_was_told(release: str, model: str, weights: str, job: str) -> None:
    mark = Mark(release, model, weights, job)
    assert Mark.parse(str(mark)) == mark


def test_a_job_is_added_to_a_mark_and_to_any_other_comment() -> None:
    mark = Mark.parse(with_job(generated_by("reenact-s", WEIGHTS), "j1"))
    assert mark is not None
    assert (mark.model, mark.weights, mark.job) == ("reenact-s", WEIGHTS, "j1")
    assert job_in(with_job("a comment", "j2")) == "j2"
    assert job_in("a comment") == ""
    assert generated_by("m").startswith(GENERATED)


@pytest.mark.parametrize("text", ["", "made by hand", f"{GENERATED}ment"])
def test_what_says_less_is_no_mark(text: str) -> None:
    assert Mark.parse(text) is None


def test_a_video_is_marked_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    for name, options in (("marked.mp4", {}), ("plain.mp4", {"comment": None})):
        with VideoWriter(tmp_path / name, **options) as sink:
            sink.write(np.zeros((32, 32, 3), np.uint8))
    assert read_mark(tmp_path / "marked.mp4") == Mark()
    assert read_mark(tmp_path / "plain.mp4") is None


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_keeps_its_mark_and_its_pixels(tmp_path: Path, suffix: str) -> None:
    image = np.random.default_rng(0).integers(0, 255, (8, 9, 3)).astype(np.uint8)
    plain, marked = tmp_path / f"plain{suffix}", tmp_path / f"marked{suffix}"
    save_image(plain, image)
    save_image(marked, image, generated_by("mödel", WEIGHTS))
    assert np.array_equal(load_image(plain), load_image(marked))
    assert read_mark(plain) is None
    found = read_mark(marked)
    assert found is not None
    assert (found.model, found.weights) == ("mödel", WEIGHTS)


def test_an_old_text_chunk_is_read_as_well(tmp_path: Path) -> None:
    import struct
    import zlib

    save_image(tmp_path / "a.png", np.zeros((2, 2, 3), np.uint8))
    data = (tmp_path / "a.png").read_bytes()
    body = b"tEXtComment\0here"
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    assert picture_comments(data[:33] + chunk + data[33:]) == ["here"]


def test_other_formats_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a PNG, JPEG or GIF"):
        add_comment(b"BM......", "a comment")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@given(cut=st.integers(0, 400), at=st.integers(0, 400), byte=st.integers(0, 255))
def test_damage_is_read_without_an_error(suffix: str, cut: int, at: int, byte: int) -> None:
    import cv2

    data = bytearray(cv2.imencode(suffix, np.zeros((4, 4, 3), np.uint8))[1].tobytes())
    data = bytearray(add_comment(bytes(data), "a comment"))
    data[min(at, len(data) - 1)] = byte
    picture_comments(bytes(data[:cut]))
    picture_comments(bytes(data))


def test_videos_of_others_carry_no_mark(tmp_path: Path) -> None:
    assert read_mark(make_clip(tmp_path / "a.mp4", 2)) is None
    texts = [tmp_path / f"b.{suffix}" for suffix in ("mp4", "jpg", "png", "webp", "bmp", "tif")]
    for path in texts:
        path.write_text("neither picture nor video")
    for path in (*texts, tmp_path / "gone.mp4", tmp_path):
        with pytest.raises(MediaError):
            read_mark(path)
