from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from reenact.errors import MediaError
from reenact.video import (
    ResumableWriter,
    VideoWriter,
    find_earlier,
    load_image,
    load_opacity,
    partial_path,
    read_mark,
)
from reenact.video.mark import generated_by, job_of
from reenact.video.sequence import is_numbered, numbered, numbered_files

from .clips import numbered_frame


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("%05d.png", True),
        ("f%d.PNG", True),
        ("a.png", False),
        ("%d-%d.png", False),
        ("%d.jpg", False),
    ],
)
def test_a_number_makes_a_sequence(name: str, is_one: bool) -> None:
    assert is_numbered(Path("frames") / name) is is_one


def test_frames_become_pictures_bit_by_bit(tmp_path: Path) -> None:
    out = tmp_path / "frames/%03d.png"
    with VideoWriter(out, comment=generated_by("m")) as sink:
        for index in range(5):
            sink.write(numbered_frame(index, 47, 63))
    assert names(tmp_path) == ["frames", *(f"frames/{n:03d}.png" for n in range(1, 6))]
    for index, path in enumerate(numbered_files(out)):
        assert np.array_equal(load_image(path), numbered_frame(index, 47, 63))
        assert read_mark(path) is not None


def test_pictures_keep_their_opacity(tmp_path: Path) -> None:
    frame = np.random.default_rng(0).integers(0, 255, (6, 7, 4)).astype(np.uint8)
    with VideoWriter(tmp_path / "%d.png", alpha=True) as sink:
        sink.write(frame)
    kept = load_opacity(tmp_path / "1.png")
    assert kept is not None
    assert np.array_equal(kept, frame[..., 3])


def test_a_stop_leaves_a_part_beside_the_folder_and_no_folder(tmp_path: Path) -> None:
    out = tmp_path / "frames/%05d.png"
    more = {"job": "job", "rate": Fraction(10)}
    sink = ResumableWriter(out, **more)  # type: ignore[arg-type]
    for index in range(12):
        sink.write(numbered_frame(index))
    sink.stop()
    assert names(tmp_path) == ["frames.partial.mp4"]
    assert partial_path(out) == tmp_path / "frames.partial.mp4"
    earlier = find_earlier(out, "job")
    assert earlier is not None
    with ResumableWriter(out, earlier=earlier, **more) as sink:  # type: ignore[arg-type]
        for index in range(earlier.frames, 15):
            sink.write(numbered_frame(index))
    assert len(numbered_files(out)) == 15
    assert job_of(numbered(out, 1)) == "job"
    assert not partial_path(out).exists()


def test_other_files_of_the_folder_stay_and_a_longer_sequence_goes(tmp_path: Path) -> None:
    out = tmp_path / "a%02d.png"
    (tmp_path / "b01.png").write_bytes(b"other")
    for count in (4, 2):
        with VideoWriter(out) as sink:
            for index in range(count):
                sink.write(numbered_frame(index))
    assert names(tmp_path) == ["a01.png", "a02.png", "b01.png"]


def test_sequences_in_one_folder_have_parts_of_their_own(tmp_path: Path) -> None:
    assert partial_path(tmp_path / "f/a%d.png") != partial_path(tmp_path / "f/b%d.png")


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "frames").write_text("a file")
    with pytest.raises(MediaError), VideoWriter(tmp_path / "frames/%d.png") as sink:
        sink.write(numbered_frame(0))
    assert names(tmp_path) == ["frames"]
