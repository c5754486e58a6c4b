from __future__ import annotations

import os
from pathlib import Path

import pytest

from reenact.errors import MediaError
from reenact.places import exists, is_file, is_folder, make_folder, require_file


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "gone"])
def test_names_that_nothing_has_are_names_of_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert (is_file(path), is_folder(path), exists(path)) == (False, False, False)


def test_what_is_there_is_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    os.mkfifo(tmp_path / "pipe")
    require_file(file, "a picture")
    assert (is_file(file), is_folder(tmp_path), exists(tmp_path / "pipe")) == (True, True, True)
    assert not is_file(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (".", "a folder"),
        ("pipe", "no regular file"),
        ("gone", "nothing, expected"),
        ("x" * 300, "nothing (file name too long)"),
        ("a\0b", "nothing (embedded null byte)"),
        ("loop", "nothing (too many levels of symbolic links)"),
    ],
)
def test_the_error_says_what_was_found(tmp_path: Path, name: str, found: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(MediaError, match="expected a picture") as error:
        require_file(tmp_path / name, "a picture")
    assert f"found {found}" in str(error.value)


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(tmp_path / "a/b", "one to write to")
    assert is_folder(tmp_path / "a/b")


@pytest.mark.parametrize("name", ["file", "file/inside", "x" * 300, "a\0b"])
def test_what_cannot_be_a_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match=r"cannot be a folder .*, expected one to write to"):
        make_folder(tmp_path / name, "one to write to")
