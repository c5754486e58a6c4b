"""Damaged and hostile files: a result or a MediaError, never anything else."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reenact.errors import MediaError
from reenact.video import VideoReader, VideoWriter, load_image, save_image

from .clips import make_clip, numbered_frame

CLIPS: dict[str, dict[str, Any]] = {
    ".mp4": {"sound": 0.3},
    ".mkv": {},
    ".ts": {},
    ".avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    ".gif": {"codec": "gif", "pix_fmt": "rgb8"},
}
PICTURES = (".png", ".jpg", ".webp", ".tiff", ".bmp")
ROUNDS = [20, pytest.param(400, marks=pytest.mark.slow)]


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Flip, cut off, blank out or double some bytes."""
    changed = bytearray(data)
    begin, length = chance.randrange(len(data)), chance.randint(1, 200)
    kind = chance.choice(["flip", "cut", "blank", "double"])
    if kind == "flip":
        for _ in range(chance.randint(1, 20)):
            changed[chance.randrange(len(data))] = chance.randrange(256)
    elif kind == "cut":
        del changed[begin:]
    elif kind == "blank":
        changed[begin : begin + length] = bytes(len(changed[begin : begin + length]))
    else:
        changed[begin:begin] = changed[begin : begin + length]
    return bytes(changed)


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("suffix", CLIPS)
def test_a_mutated_video_is_copied_or_refused(tmp_path: Path, suffix: str, rounds: int) -> None:
    chance = random.Random(suffix)
    whole = make_clip(tmp_path / f"whole{suffix}", 6, **CLIPS[suffix]).read_bytes()
    clip, out = tmp_path / f"clip{suffix}", tmp_path / "out.mp4"

    def copy() -> None:
        with (
            VideoReader(clip) as frames,
            VideoWriter(out, like=frames.info, audio=clip, preset="ultrafast") as sink,
        ):
            for _, frame, time in zip(range(40), frames, frames.times(), strict=False):
                sink.write(frame, time)

    for _ in range(rounds):
        clip.write_bytes(mutate(whole, chance))
        with suppress(MediaError):
            copy()
        assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("suffix", PICTURES)
def test_a_mutated_picture_is_read_or_refused(tmp_path: Path, suffix: str, rounds: int) -> None:
    chance = random.Random(suffix)
    path = tmp_path / f"picture{suffix}"
    save_image(path, numbered_frame(3))
    whole = path.read_bytes()
    for _ in range(rounds):
        path.write_bytes(mutate(whole, chance))
        with suppress(MediaError):
            assert load_image(path).ndim == 3
