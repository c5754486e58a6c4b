from __future__ import annotations

import random
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from reenact.errors import MediaError
from reenact.video import ResumableWriter, VideoReader, find_earlier, partial_path, probe
from reenact.video.fragments import whole_fragments
from reenact.video.mark import job_of

from .clips import make_clip, number_of, numbered_frame, sound_packets

FAST = Fraction(10)
"""Frames per second so low that a fragment holds ten frames."""
WRITE_FOR_EVER = """
import sys
sys.path[:0] = {path!r}
from fractions import Fraction
from pathlib import Path
from reenact.video import ResumableWriter, find_earlier
from video.clips import numbered_frame
target = Path(sys.argv[1])
earlier = find_earlier(target, "job")
more = {{"rate": Fraction(10), "audio": sys.argv[2]}}
with ResumableWriter(target, job="job", earlier=earlier, **more) as sink:
    print("ready", flush=True)
    for index in range(earlier.frames if earlier else 0, 10**9):
        sink.write(numbered_frame(index))
        if len(sys.argv) > 3 and index == 40:
            import resource
            limit = Path(sink.partial).stat().st_size + int(sys.argv[3])
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
"""


def numbers(path: Path) -> list[int]:
    with VideoReader(path) as frames:
        return [number_of(frame) for frame in frames]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Stopped(Exception):  # noqa: N818
    """What ends a run in the middle."""


def write_until(target: Path, stop: int, total: int, clip: Path | None = None, **more: str) -> None:
    """One run: goes on where the last one ended, up to the frame before which it is stopped."""
    earlier = find_earlier(target, "job")
    like = probe(clip) if clip else None
    with ResumableWriter(
        target, like, job="job", earlier=earlier, rate=FAST, audio=clip, **more
    ) as sink:
        for index in range(earlier.frames if earlier else 0, total):
            if index == stop:
                raise Stopped
            sink.write(numbered_frame(index))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_an_undisturbed_run_is_whole_and_leaves_no_part(tmp_path: Path, suffix: str) -> None:
    clip = make_clip(tmp_path / "in.mp4", 60, rate=Fraction(30000, 1001), sound=2.0)
    out = tmp_path / f"out{suffix}"
    write_until(out, -1, 60, clip, comment="a mark")
    assert names(tmp_path) == sorted(["in.mp4", out.name])
    assert numbers(out) == [index % 25 for index in range(60)]
    assert probe(out).rate == probe(clip).rate
    assert sound_packets(out) == sound_packets(clip)
    assert job_of(out) == "job"
    with av.open(str(out)) as container:
        assert "a mark, job job" in container.metadata.values()


@pytest.mark.parametrize("stop", [1, 2, 3, 9, 10, 11, 33])
def test_what_is_finished_stays_playable_and_is_gone_on_from(tmp_path: Path, stop: int) -> None:
    out = tmp_path / "out.mp4"
    with pytest.raises(Stopped):
        write_until(out, stop, 40)
    assert names(tmp_path) == ["out.partial.mp4"]
    assert numbers(partial_path(out)) == [index % 25 for index in range(stop)]
    write_until(out, -1, 40)
    assert names(tmp_path) == ["out.mp4"]
    assert numbers(out) == [index % 25 for index in range(40)]
    assert probe(out).rate == FAST


def test_times_and_sound_survive_many_stops(tmp_path: Path) -> None:
    chance = random.Random(0)
    ticks = list(np.cumsum([chance.randint(500, 9000) for _ in range(80)]))
    clip = make_clip(
        tmp_path / "in.mp4",
        80,
        ticks=[int(t) for t in ticks],
        time_base=Fraction(1, 90000),
        sound=3,
    )
    out = tmp_path / "out.mp4"
    for stop in (7, 30, 31, 70):
        with pytest.raises(Stopped):
            write_until(out, stop, 80, clip)
    write_until(out, -1, 80, clip)
    assert numbers(out) == [index % 25 for index in range(80)]
    assert sound_packets(out) == sound_packets(clip)
    assert [probe(out).time(i) for i in range(80)] == [probe(clip).time(i) for i in range(80)]


def test_a_part_that_lacks_only_its_name_is_finished_without_a_frame(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with pytest.raises(Stopped):
        write_until(out, 20, 21)
    write_until(out, -1, 20)
    assert names(tmp_path) == ["out.mp4"]
    assert len(numbers(out)) == 20


def test_stopped_before_the_first_frame_leaves_things_as_they_were(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with pytest.raises(Stopped):
        write_until(out, 0, 9)
    assert names(tmp_path) == []
    with pytest.raises(Stopped):
        write_until(out, 5, 9)
    before = partial_path(out).read_bytes()
    with pytest.raises(Stopped):
        write_until(out, 5, 9)
    assert partial_path(out).read_bytes() == before
    with pytest.raises(MediaError, match="no frame"):
        write_until(tmp_path / "none.mp4", 9, 0)
    assert names(tmp_path) == ["out.partial.mp4"]


def test_what_killed_runs_leave_goes_with_the_last_of_them(tmp_path: Path) -> None:
    (tmp_path / ".out.partial.0123abcd.partial.mp4").touch()
    write_until(tmp_path / "out.mp4", -1, 3)
    assert names(tmp_path) == ["out.mp4"]


def test_another_job_does_not_go_on(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        write_until(tmp_path / "out.mp4", 5, 9)
    with pytest.raises(MediaError, match="--overwrite"):
        find_earlier(tmp_path / "out.mp4", "another")


@pytest.mark.parametrize("content", [b"", b"no video", b"\0\0\0\x28mdat" * 3])
def test_a_part_without_a_picture_is_no_part(tmp_path: Path, content: bytes) -> None:
    partial_path(tmp_path / "out.mp4").write_bytes(content)
    assert find_earlier(tmp_path / "out.mp4", "job") is None


def test_a_part_that_this_program_did_not_make_is_an_error(tmp_path: Path) -> None:
    partial_path(tmp_path / "out.mp4").write_bytes(b"\0\0\0\x08mdat" * 3)
    with pytest.raises(MediaError, match="expected what an earlier run left"):
        find_earlier(tmp_path / "out.mp4", "job")


def test_cut_anywhere_a_part_is_whole_up_to_there(tmp_path: Path) -> None:
    """The law behind a kill: any prefix of the file gives a prefix of the frames."""
    out = tmp_path / "out.mp4"
    with pytest.raises(Stopped):
        write_until(out, 45, 99)
    data = partial_path(out).read_bytes()
    counts = []
    for length in range(0, len(data) + 1, max(1, len(data) // 60)):
        partial_path(out).write_bytes(data[:length])
        earlier = find_earlier(out, "job")
        assert (earlier is None) == (whole_fragments(partial_path(out))[0] == 0)
        counts.append(earlier.frames if earlier else 0)
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] >= 40
    write_until(out, -1, 50)
    assert numbers(out) == [index % 25 for index in range(50)]


def start(target: Path, clip: Path, *limit: int) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    code = WRITE_FOR_EVER.format(path=[str(root / "src"), str(root / "tests")])
    return subprocess.Popen(
        [sys.executable, "-c", code, str(target), str(clip), *map(str, limit)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_program_leaves_a_playable_part(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", 3, sound=4)
    out, length = tmp_path / "out.mp4", 0
    for wait in (0.3, 0.1):
        program = start(out, clip)
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        while program.poll() is None and not partial_path(out).exists():
            time.sleep(0.02)
        time.sleep(wait)
        program.kill()
        program.communicate(timeout=20)
        assert not out.exists()
        made = numbers(partial_path(out))
        assert made == [index % 25 for index in range(len(made))]
        assert len(made) >= max(length, 1)
        length = len(made)


def test_a_full_disk_leaves_a_playable_part(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", 3, sound=3)
    out = tmp_path / "out.mp4"
    with pytest.raises(Stopped):
        write_until(out, 20, 99)
    program = start(out, clip, 9000)
    _, errors = program.communicate(timeout=60)
    assert "writing failed" in errors
    assert not out.exists()
    made = numbers(partial_path(out))
    assert made == [index % 25 for index in range(len(made))]
    assert len(made) >= 20


def test_only_whole_fragments_count(tmp_path: Path) -> None:
    box = b"\0\0\0\x0cmdat1234"
    (tmp_path / "a").write_bytes(b"\0\0\0\x08moof" + box + b"\0\0\0\x08moof" + box[:-1])
    assert whole_fragments(tmp_path / "a") == (1, 20)
