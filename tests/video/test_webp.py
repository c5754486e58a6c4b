from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from reenact.errors import MediaError
from reenact.video import AnimatedWebp
from reenact.video import webp as module
from reenact.video.webp import is_animated

from .clips import make_clip, number_of, numbered_frame


@pytest.fixture
def animation(tmp_path: Path) -> Path:
    ticks = [0, 100, 150, 400, 420, 500]
    return make_clip(
        tmp_path / "a.webp",
        6,
        ticks=ticks,
        time_base=Fraction(1, 1000),
        codec="libwebp_anim",
        pix_fmt="bgra",
    )


def test_all_frames_come_with_their_times(animation: Path) -> None:
    clip = AnimatedWebp(animation)
    for _ in range(2):
        assert [number_of(frame) for frame in clip] == list(range(6))
    assert [1000 * time for time in clip.times()][:5] == [0, 100, 150, 400, 420]
    assert len(clip) == 6


def test_frames_are_decoded_piece_by_piece(
    animation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 4)
    assert [number_of(frame) for frame in AnimatedWebp(animation)] == list(range(6))


def test_a_still_is_no_animation(tmp_path: Path, animation: Path) -> None:
    still = tmp_path / "still.webp"
    still.write_bytes(bytes(cv2.imencode(".webp", numbered_frame(0))[1]))
    assert not is_animated(still)
    assert is_animated(animation)
    assert not is_animated(animation.rename(tmp_path / "a.png"))
    with pytest.raises(MediaError, match="animated WebP"):
        AnimatedWebp(still)


def test_a_damaged_animation_is_refused(animation: Path) -> None:
    whole = animation.read_bytes()
    animation.write_bytes(whole[:-40])
    with pytest.raises(MediaError, match="cannot be decoded"):
        list(AnimatedWebp(animation))
