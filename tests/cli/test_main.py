from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reenact import __version__
from reenact.cli import main
from reenact.cli.main import app
from reenact.errors import ReenactError
from reenact.perception import weights
from reenact.perception.weights import Tier, WeightsFile

COMMANDS = (
    "animate",
    "template",
    "look",
    "prepare",
    "train",
    "evaluate",
    "bench",
    "doctor",
    "weights",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    if command == "weights":
        result = CliRunner().invoke(app, [command, "fetch", "--help"])
    assert f"reenact {command}" in result.output


def test_the_version_is_shown() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout.strip() == f"reenact {__version__}"


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys, reenact.cli.main; sys.exit('torch' in sys.modules)"
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=places, check=False).returncode == 0


def test_the_package_is_the_command() -> None:
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "reenact", "--version"]
    said = subprocess.run(command, env=places, check=True, capture_output=True, text=True).stdout
    assert said.strip() == f"reenact {__version__}"


def test_a_request_to_end_is_taken_for_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(main, "app", lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt):
        main.run()
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_error_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ReenactError("photo.jpg: found\n  nothing. Look again.")

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit) as stop:
        main.run()
    assert stop.value.code == 1
    assert capsys.readouterr().err == "reenact: photo.jpg: found nothing. Look again.\n"


def test_other_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(ZeroDivisionError):
        main.run()


def test_evaluating_nothing_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", "reenact-s", str(tmp_path)])
    assert isinstance(result.exception, ReenactError)
    assert "no clips there" in str(result.exception)


class TestWeights:
    @pytest.fixture(autouse=True)
    def one_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A catalogue of one file, and an empty folder to look for it in."""
        entry = WeightsFile(
            name="net/net.bin",
            job="a test",
            licence="MIT",
            tier=Tier.RESEARCH,
            size=7,
            sha256="0" * 64,
            origin="somebody",
        )
        monkeypatch.setattr(weights, "catalogue", lambda: (entry,))
        monkeypatch.setenv("REENACT_WEIGHTS", str(tmp_path))
        monkeypatch.setattr(weights, "cache_folder", lambda: tmp_path / "cache")
        (tmp_path / "net").mkdir()
        return tmp_path / "net/net.bin"

    def test_list_tells_what_a_file_is_and_where(self, one_file: Path) -> None:
        assert "MIT" in CliRunner().invoke(app, ["weights", "list"]).stdout
        one_file.write_bytes(b"numbers")
        assert str(one_file) in CliRunner().invoke(app, ["weights", "list"]).stdout

    def test_fetch_obeys_the_licence_policy(self) -> None:
        result = CliRunner().invoke(app, ["weights", "fetch", "net"])
        assert "research tier" in str(result.exception)

    def test_verify_refuses_a_wrong_file(self, one_file: Path) -> None:
        one_file.write_bytes(b"other")
        result = CliRunner().invoke(app, ["weights", "verify"])
        assert "SHA-256" in str(result.exception)
        assert not one_file.exists()

    def test_verify_says_that_none_is_there(self, one_file: Path) -> None:
        result = CliRunner().invoke(app, ["weights", "verify"])
        assert (result.exit_code, result.stdout) == (0, "")
        assert "reenact weights fetch" in result.stderr

    def test_verify_names_what_is_missing(self) -> None:
        result = CliRunner().invoke(app, ["weights", "verify", "net"])
        assert "net/net.bin: not there" in str(result.exception)


def test_the_page_of_commands_is_that_of_the_help() -> None:
    root = Path(__file__).parents[2]
    spec = importlib.util.spec_from_file_location("cli_docs", root / "tools/make_cli_docs.py")
    assert spec is not None
    assert spec.loader is not None
    cli_docs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cli_docs)
    written = (root / "docs/cli.md").read_text(encoding="utf-8")
    assert written == cli_docs.render(), "run `make docs`"
    for command in COMMANDS:
        assert f"`reenact {command}`" in written
