"""Every awkward input comes to what is expected of it, through the command itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from reenact import animator, checkpoint
from reenact.animator import Animator
from reenact.cli.animate import animate
from reenact.errors import ReenactError
from reenact.video import load_image, probe, save_image
from stubs import StubModel, StubReader
from video.clips import make_clip, numbered_frame

from . import commands, models, motions, sources, videos
from .case import CASES, Case, Failed, Made, Nonsense, Refused
from .models import whole_model

app = typer.Typer(add_completion=False)
app.command()(animate)

FRAMES = 3
"""Of the usual driving video."""
MODULES = (sources, videos, motions, models, commands)


@pytest.fixture(autouse=True)
def stub_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, device: object, batch_size: int | None = None) -> Animator:
        if name != "reenact-s":
            checkpoint.load(name)
        return Animator(StubModel(), StubReader(), name="stub", batch_size=batch_size or 4)

    monkeypatch.setattr(animator, "load", load)
    monkeypatch.setattr(checkpoint, "weights_hash", lambda model: motions.WEIGHTS)


@pytest.fixture(scope="module")
def fine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph and a driving video that are fine."""
    place = tmp_path_factory.mktemp("fine")
    save_image(place / "photo.png", numbered_frame(3))
    make_clip(place / "talk.mp4", FRAMES)
    return place


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fine: Path) -> Path:
    """Where commands run, with copies of what is fine."""
    place = shutil.copytree(fine, tmp_path / "desk")
    monkeypatch.chdir(place)
    return place


def words(case: Case, made: Path | list[str], out: Path) -> list[str]:
    """What a case asks of `animate`."""
    output = ["-o", str(out)]
    if isinstance(made, list):
        return made if case.role == "words" else [*made, *output]
    inputs = {
        "source": [str(made), "talk.mp4"],
        "driving": ["photo.png", str(made)],
        "model": ["photo.png", "talk.mp4", "--model", str(made)],
    }
    return [*inputs[case.role], *output]


def tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_awkward_input_comes_to_what_is_expected(case: Case, tmp_path: Path, desk: Path) -> None:
    (tmp_path / "in").mkdir()
    made, out = case.make(tmp_path / "in"), tmp_path / "out.mp4"
    before = tree(tmp_path)
    quick = [*case.options, "--preset", "ultrafast", "-q"]
    result = CliRunner().invoke(app, [*quick, *words(case, made, out)])
    new = tree(tmp_path) - before
    if isinstance(case.outcome, Made):
        check_video(case, case.outcome, made, result, new)
    elif isinstance(case.outcome, Refused):
        check_error(case.outcome, result)
        assert not new
    else:
        assert result.exit_code == (1 if isinstance(case.outcome, Failed) else 2)
        assert case.outcome == Nonsense() or case.outcome.words in result.stderr
        assert not new


def check_video(
    case: Case, outcome: Made, made: Path | list[str], result: Result, new: set[Path]
) -> None:
    assert result.exit_code == 0, result.output + repr(result.exception)
    (out,) = new
    info = probe(out)
    assert info.frames == (outcome.frames or FRAMES)
    if outcome.size is not None:
        assert (info.width, info.height) == outcome.size
    if outcome.rate is not None:
        assert info.rate == outcome.rate
    if outcome.colour is not None:
        assert isinstance(made, Path)
        mean = load_image(made).reshape(-1, 3).mean(axis=0)
        assert np.allclose(mean, outcome.colour, atol=4), mean


def check_error(outcome: Refused, result: Result) -> None:
    error = result.exception
    assert isinstance(error, ReenactError), result.output + repr(error)
    assert type(error) is outcome.error
    assert outcome.words in str(error)
    assert any(word in str(error) for word in ("xpected", "should be", "Did you mean"))
    assert str(error).endswith(".")


def test_the_corpus_is_large_and_its_names_are_its_own() -> None:
    assert MODULES
    names = [case.name for case in CASES]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


def test_a_model_that_is_whole_is_taken(tmp_path: Path, desk: Path) -> None:
    path = whole_model(tmp_path)
    inputs = ["photo.png", "talk.mp4", "--model", str(path), "-o", "o.mp4"]
    result = CliRunner().invoke(app, [*inputs, "--no-crop"])
    assert result.exit_code == 0, repr(result.exception)
