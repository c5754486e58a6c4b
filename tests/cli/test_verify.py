from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from reenact.cli import verify as command
from reenact.cli.verify import verify
from reenact.video import VideoWriter, generated_by, save_image

WEIGHTS = "0123456789abcdef" * 4
app = typer.Typer()
app.command()(verify)


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "config_folder", lambda: tmp_path / "config")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A generated picture, one that is not, and a file that is no picture."""
    picture = np.zeros((8, 8, 3), dtype=np.uint8)
    save_image(tmp_path / "made.png", picture, generated_by("reenact-s", WEIGHTS) + ", job j")
    save_image(tmp_path / "photo.png", picture)
    (tmp_path / "text.mp4").write_text("no video")
    return tmp_path / "made.png", tmp_path / "photo.png", tmp_path / "text.mp4"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_exit_codes_say_how_many_are_generated(files: tuple[Path, Path, Path]) -> None:
    made, photo, text = files
    assert run(made).exit_code == run(made, made).exit_code == 0
    assert run(photo).exit_code == 1
    assert run(made, photo).exit_code == 3
    assert run(made, text).exit_code == 1
    assert run().exit_code == 2


def test_patterns_are_expanded(files: tuple[Path, Path, Path]) -> None:
    made, photo, _ = files
    (made.parent / "folder.png").mkdir()
    result = run(made.parent / "*.png")
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [str(made), str(photo)]


def test_a_line_says_by_what(files: tuple[Path, Path, Path]) -> None:
    made, photo, text = files
    result = run(made, photo, text)
    first, second = result.stdout.splitlines()
    assert "model reenact-s" in first
    assert f"weights {WEIGHTS};" in first
    assert "no mark" in second
    assert str(text) in result.stderr


def test_programs_get_one_line_a_file(files: tuple[Path, Path, Path]) -> None:
    told = [json.loads(line) for line in run(*files, "--json").stdout.splitlines()]
    assert [line.get("generated") for line in told] == [True, False, None]
    assert (told[0]["model"], told[0]["weights"]) == ("reenact-s", WEIGHTS)
    assert told[1]["model"] is None
    assert "error" in told[2]


def test_a_sequence_is_all_its_pictures(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "f/%03d.png", comment=generated_by("m")) as sink:
        for _ in range(3):
            sink.write(np.zeros((8, 8, 3), dtype=np.uint8))
    result = run(tmp_path / "f/%03d.png")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 3)
