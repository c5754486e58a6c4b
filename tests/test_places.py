from __future__ import annotations

import os
from pathlib import Path

import pytest

from reenact.errors import MediaError
from reenact.places import exists, is_file, is_folder, require_file


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
