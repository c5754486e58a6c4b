from __future__ import annotations

from pathlib import Path

import pytest

from reenact.data.clips import (
    find_clips,
    find_stills,
    has_split,
    identity_of,
    sidecar_path,
    split_by_identity,
    validation_identities,
)
from reenact.errors import DataError


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_development_layout_takes_people_from_the_manifest(tmp_path: Path) -> None:
    touch(tmp_path / "clips/train/b-00.mp4")
    touch(tmp_path / "clips/train/a-00.mp4")
    touch(tmp_path / "clips/train/a-00.npz")
    touch(tmp_path / "clips/test/c-00.mp4")
    touch(tmp_path / "stills/d-00.jpg")
    (tmp_path / "manifest.csv").write_text("id,identity\na-00,ann\nb-00,ann\nd-00,dora\n")
    assert [(c.name, c.identity) for c in find_clips(tmp_path)] == [
        ("a-00", "ann"),
        ("b-00", "ann"),
    ]
    assert [clip.name for clip in find_clips(tmp_path, "test")] == ["c-00"]
    assert [still.identity for still in find_stills(tmp_path)] == ["dora"]


def test_portraits_beside_clips_are_not_the_frames_of_one(tmp_path: Path) -> None:
    touch(tmp_path / "ann.mp4")
    touch(tmp_path / "stills/bob.jpg")
    touch(tmp_path / "cat/0000.png")
    assert [clip.name for clip in find_clips(tmp_path)] == ["ann", "cat"]
    assert [still.name for still in find_stills(tmp_path)] == ["bob"]


@pytest.mark.parametrize(("place", "there"), [("clips/test", 1), ("test", 1), (".", 0)])
def test_a_folder_has_the_splits_that_it_names(tmp_path: Path, place: str, there: int) -> None:
    touch(tmp_path / place / "ann.mp4")
    assert has_split(tmp_path, "test") == bool(there)
    assert not has_split(tmp_path, "train")
    assert [clip.name for clip in find_clips(tmp_path, "test")] == ["ann"]


def test_voxceleb_folders_of_pictures_are_clips(tmp_path: Path) -> None:
    name = "id10001#video#000001#000100.mp4"
    touch(tmp_path / "train" / name / "0000000.png")
    touch(tmp_path / "train" / "id10001b#video#000001#000100.mp4")
    (tmp_path / "train" / "empty").mkdir()
    clips = find_clips(tmp_path)
    assert [clip.identity for clip in clips] == ["id10001", "id10001b"]
    assert clips[0].sidecar == tmp_path / "train" / "id10001#video#000001#000100.npz"


def test_flat_folders_hold_clips_and_stills(tmp_path: Path) -> None:
    touch(tmp_path / "x.mp4")
    touch(tmp_path / "y.JPG")
    touch(tmp_path / ".hidden.mp4")
    assert [clip.name for clip in find_clips(tmp_path)] == ["x"]
    assert [still.name for still in find_stills(tmp_path)] == ["y"]


def test_folders_in_a_folder_are_people(tmp_path: Path) -> None:
    touch(tmp_path / "ann/home/01.mp4")
    touch(tmp_path / "ann/02.mp4")
    touch(tmp_path / "bob/01.mp4")
    touch(tmp_path / "bob/01.npz")
    touch(tmp_path / "bob/portrait.jpg")
    touch(tmp_path / "bob/cat#1.mp4")
    touch(tmp_path / ".cache/03.mp4")
    touch(tmp_path / "eve.mp4")
    assert [(c.name, c.identity) for c in find_clips(tmp_path)] == [
        ("ann/02", "ann"),
        ("ann/home/01", "ann"),
        ("bob/01", "bob"),
        ("bob/cat#1", "cat"),
        ("eve", "eve"),
    ]
    assert [(c.name, c.identity) for c in find_stills(tmp_path)] == [("bob/portrait", "bob")]


def test_people_have_folders_in_a_split_too(tmp_path: Path) -> None:
    touch(tmp_path / "clips/test/ann/01.mp4")
    touch(tmp_path / "stills/bob/01.jpg")
    touch(tmp_path / "stills/bob/01.npz")
    assert [clip.identity for clip in find_clips(tmp_path, "test")] == ["ann"]
    assert [still.name for still in find_stills(tmp_path)] == ["bob/01"]


def test_pictures_beside_videos_and_in_stills_are_not_frames(tmp_path: Path) -> None:
    touch(tmp_path / "clips/train/ann/1.mp4")
    touch(tmp_path / "clips/train/ann/cover.jpg")
    touch(tmp_path / "clips/train/bob/1/0000.png")
    touch(tmp_path / "clips/train/bob/cover.png")
    touch(tmp_path / "clips/train/cat#2.mp4/0000.png")
    touch(tmp_path / "clips/train/cat#2.mp4/0000.npz")
    touch(tmp_path / "stills/ann/1.jpg")
    clips = [(clip.name, clip.identity) for clip in find_clips(tmp_path)]
    assert clips == [("ann/1", "ann"), ("bob/1", "bob"), ("cat#2", "cat")]
    assert [(still.name, still.identity) for still in find_stills(tmp_path)] == [("ann/1", "ann")]


def test_a_list_tells_clips_of_one_name_apart(tmp_path: Path) -> None:
    for name in ("one/01", "two/01", "two/02"):
        touch(tmp_path / f"{name}.mp4")
    (tmp_path / "manifest.csv").write_text("id,identity\none/01,ann\ntwo/01,bob\n02,cat\n")
    assert [clip.identity for clip in find_clips(tmp_path)] == ["ann", "bob", "cat"]


def test_links_that_lead_back_up_are_not_followed(tmp_path: Path) -> None:
    touch(tmp_path / "root/ann/1.mp4")
    (tmp_path / "root/loop").symlink_to(tmp_path / "root")
    (tmp_path / "root/ann/up").symlink_to(tmp_path / "root")
    (tmp_path / "root/bob").symlink_to(tmp_path / "root/ann")
    assert [clip.name for clip in find_clips(tmp_path / "root")] == ["ann/1", "bob/1"]


@pytest.mark.parametrize("place", ["clips/test", "test", "vox/test", "vox/Test", "a/b/clips/test"])
def test_one_split_is_never_taken_for_another(tmp_path: Path, place: str) -> None:
    touch(tmp_path / place / "ann/01.mp4")
    with pytest.raises(DataError, match="no clips there and no split 'train'"):
        find_clips(tmp_path, "train")


def test_nobody_is_on_both_sides_of_a_split(tmp_path: Path) -> None:
    for name in ("a#1", "a#2", "b#1"):
        touch(tmp_path / f"{name}.mp4")
    kept, held_out = split_by_identity(find_clips(tmp_path), frozenset({"a"}))
    assert [clip.name for clip in kept] == ["b#1"]
    assert [clip.name for clip in held_out] == ["a#1", "a#2"]


def test_five_people_are_held_out() -> None:
    expected = {"aldridge", "christie", "man-bald", "man-critic", "woman-redhair"}
    assert validation_identities() == expected


def test_names_end_at_the_first_mark() -> None:
    assert identity_of("id1#abc#2") == "id1"
    assert identity_of("id1") == "id1"


def test_side_cars_lie_beside() -> None:
    assert sidecar_path(Path("a/b.mp4")) == Path("a/b.npz")
    assert sidecar_path(Path("a/b.c")) == Path("a/b.c.npz")


def test_folders_without_clips_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no clips there and no split 'test'"):
        find_clips(tmp_path, "test")
    (tmp_path / "test").mkdir()
    with pytest.raises(DataError, match="test: no clips there, expected"):
        find_clips(tmp_path, "test")
    with pytest.raises(DataError, match="no such folder"):
        find_clips(tmp_path / "missing")
