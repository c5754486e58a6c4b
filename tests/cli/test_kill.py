"""A kill at any moment: the output is absent or whole, its part absent or playable."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest

import stubbed
from reenact.records import Image
from reenact.video import VideoReader, save_image
from stubs import picture_with_face
from video.clips import make_clip, sound_packets

FRAMES = 100
PAUSE = 0.01
"""Seconds that the stub takes for a frame: about a second for the clip."""
MOMENTS = 20

Start = Callable[..., BaseProcess]


@pytest.fixture(scope="module")
def start() -> Start:
    """Starts the command in a process of its own, with everything imported before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["stubbed"])

    def begin(*arguments: object) -> BaseProcess:
        words = [str(argument) for argument in arguments]
        process = context.Process(target=stubbed.run, args=(words, PAUSE))
        process.start()
        return process

    return begin


def pictures(path: Path) -> list[Image]:
    with VideoReader(path) as frames:
        return list(frames)


def same(here: list[Image], there: list[Image]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(here, there, strict=True))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # forks beside threads
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_kill_leaves_nothing_or_what_plays(tmp_path: Path, start: Start, suffix: str) -> None:
    photo, talk = tmp_path / "photo.png", tmp_path / "talk.mp4"
    save_image(photo, picture_with_face())
    make_clip(talk, FRAMES, sound=FRAMES / 25)
    options = ("--no-crop", "-q", "--quality", 0)  # lossless
    whole_path = tmp_path / f"whole{suffix}"
    start("animate", photo, talk, "-o", whole_path, *options).join()  # warms everything up
    begun = time.monotonic()
    start("animate", photo, talk, "-o", whole_path, *options, "-y").join()
    duration = time.monotonic() - begun
    whole = pictures(whole_path)
    assert len(whole) == FRAMES

    moments = random.Random(suffix)
    parts, made = 0, 0
    for number in range(MOMENTS):
        place = tmp_path / f"run-{number}"
        place.mkdir()
        out, part = place / f"out{suffix}", place / "out.partial.mp4"
        command = ("animate", photo, talk, "-o", out, *options)
        process = start(*command)
        time.sleep(moments.uniform(0.2, 1.1) * duration)
        process.kill()
        process.join()
        shown = {path.name for path in place.iterdir() if not path.name.startswith(".")}
        assert shown <= {out.name, part.name}
        if part.exists():
            parts += 1
            finished = pictures(part)
            assert finished
            assert same(finished, whole[: len(finished)])
        if out.exists():
            made += 1
            assert same(pictures(out), whole)
        resumed = start(*command, "--resume")
        resumed.join()
        assert resumed.exitcode == 0
        assert same(pictures(out), whole)
        assert sound_packets(out) == sound_packets(whole_path)
        assert [path.name for path in place.iterdir()] == [out.name]
    assert parts >= MOMENTS // 4
    assert parts + made < 2 * MOMENTS
