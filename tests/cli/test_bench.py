from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from reenact import animator, bench
from reenact.bench import Benchmark
from reenact.cli.bench import bench as command
from reenact.errors import ReenactError

app = typer.Typer()
app.command("bench")(command)
RESULT = Benchmark(
    model="stub",
    device="cpu",
    device_name="a processor",
    precision="float32",
    threads=2,
    torch="2.13.0",
    frames=30,
    runs=3,
    video_frames=15,
    batch_size=1,
    source_ms=51.234567,
    network_ms=40.0,
    network_ms_p90=44.0,
    network_fps=25.0,
    end_to_end_fps=20.0,
    framing_ms=150.0,
    running_fps=25.0,
    peak_memory_mb=float("nan"),
    peak_memory_of="unknown on this system",
)


@pytest.fixture(autouse=True)
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animator, "load", lambda *arguments, **options: None)
    monkeypatch.setattr(bench, "measure", lambda *arguments, **options: RESULT)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_people_get_a_line_a_number() -> None:
    lines = run("--model", "stub", "--device", "cpu").stdout.splitlines()
    assert "40.0 ms a frame" in "\n".join(lines)
    assert lines[-2].endswith("150 ms a video to find its face, then 25.0 fps")
    assert lines[-1].split(maxsplit=2) == ["peak", "memory", "unknown on this system"]


def test_programs_get_one_object() -> None:
    result = json.loads(run("--json").stdout)
    assert (result["network_fps"], result["end_to_end_fps"]) == (25.0, 20.0)
    assert result["source_ms"] == 51.23
    assert result["peak_memory_mb"] is None


def test_what_is_no_photo_is_an_error(tmp_path: Path) -> None:
    assert isinstance(run("--photo", str(tmp_path)).exception, ReenactError)
    assert "--device" in str(run("--device", "abacus").exception)
