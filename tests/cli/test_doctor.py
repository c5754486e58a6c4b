from __future__ import annotations

import json
from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner, Result

from reenact import doctor
from reenact.cli.doctor import doctor as command
from reenact.doctor import Device, File, Report
from reenact.errors import WeightsError

app = typer.Typer()
app.command("doctor")(command)

MODEL = File(
    name="reenact-s",
    path="/weights/reenact-s.safetensors",
    size=31_900_000,
    sha256="a" * 64,
    state="ok",
    job="model",
    licence="Apache-2.0",
    tier="permissive",
    weights="b" * 64,
)
NETWORK = replace(MODEL, name="vgg19/vgg19.pth", state="absent", sha256="", tier="research")
REPORT = Report(
    versions={"reenact": "1.0", "torch": "2.13.0"},
    device=Device(
        chosen="cpu", cpu="a processor", cores=2, threads=2, gpus=(), gpu_problem="no driver."
    ),
    shipped=(MODEL,),
    others=(NETWORK,),
    folders=("/cache",),
)


def run(monkeypatch: pytest.MonkeyPatch, report: Report, *arguments: str) -> Result:
    monkeypatch.setattr(doctor, "examine", lambda: report)
    return CliRunner().invoke(app, list(arguments))


def test_it_says_versions_devices_weights_and_licences(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, REPORT)
    assert result.exit_code == 0
    for part in ("torch    2.13.0", "no GPU: no driver.", "a" * 64, "b" * 64, "vgg19", "research"):
        assert part in result.stdout


def test_programs_get_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    result = json.loads(run(monkeypatch, REPORT, "--json").stdout)
    assert result["shipped"][0]["sha256"] == "a" * 64
    assert result["device"]["gpu_problem"] == "no driver."


def test_a_face_of_no_photograph_makes_no_sense() -> None:
    result = CliRunner().invoke(app, ["--face", "2"])
    assert result.exit_code == 2
    assert "--face is a face of SOURCE" in " ".join(result.output.split())


def test_damaged_weights_are_an_error_after_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = replace(REPORT, shipped=(replace(MODEL, state="missing"),))
    result = run(monkeypatch, damaged)
    assert isinstance(result.exception, WeightsError)
    assert "1 of 1 shipped files" in str(result.exception)
    assert "vgg19" in result.stdout
