from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from reenact.cli.prepare import prepare as command
from reenact.data import prepare
from reenact.data.prepare import Prepared
from reenact.errors import DataError
from reenact.perception import reader

app = typer.Typer()
app.command()(command)


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, prepared: Prepared) -> Result:
    monkeypatch.setattr(reader, "load_reader", lambda *_: None)
    monkeypatch.setattr(prepare, "prepare_folder", lambda *_: prepared)
    return CliRunner().invoke(app, [str(folder), str(folder / "out"), "-q"])


def test_what_was_left_out_is_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = run(monkeypatch, tmp_path, Prepared((tmp_path / "a.jpg",), ("b.jpg: no face",)))
    assert result.exit_code == 0
    assert result.stderr == "1 prepared, 1 left out\n"
    assert result.stdout.strip() == str(tmp_path / "out")


def test_nothing_prepared_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = run(monkeypatch, tmp_path, Prepared((), ("b.jpg: no face", "c.jpg: no face")))
    assert result.stderr == "0 prepared, 2 left out\n"
    assert result.stdout == ""
    assert isinstance(result.exception, DataError)
    assert "one of the 2 files. The first was left out: b.jpg: no face" in str(result.exception)
