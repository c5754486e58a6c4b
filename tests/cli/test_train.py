from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from reenact.cli.main import app
from reenact.cli.train import budget_overrides, data_overrides
from reenact.config import load_config
from reenact.errors import ReenactError
from reenact.training import loop
from reenact.training.config import TrainConfig
from reenact.training.loop import Outcome

CONFIG = Path(__file__).parents[2] / "configs" / "reenact-s.yaml"


@pytest.mark.parametrize(
    ("minutes", "steps", "expected"), [(2.5, None, (None, 2.5)), (None, 7, (7, None))]
)
def test_one_budget_takes_the_place_of_the_files(
    minutes: float | None, steps: int | None, expected: tuple[int | None, float | None]
) -> None:
    budget = load_config(TrainConfig, CONFIG, budget_overrides(minutes, steps)).budget
    assert (budget.steps, budget.minutes) == expected


def test_two_budgets_are_refused() -> None:
    with pytest.raises(typer.BadParameter, match="exclude each other"):
        budget_overrides(1, 1)


def test_folders_are_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [Path("a, b"), Path("c: d")]
    roots = load_config(TrainConfig, None, data_overrides(folders)).data.roots
    assert roots == tuple(tmp_path / folder for folder in folders)


@pytest.mark.parametrize(("share", "said"), [(0.5, "50% done"), (1.0, None)])
def test_the_command_trains_and_prints_the_weights(
    share: float, said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, object] = {}

    def record(config: TrainConfig, folder: Path, *, sitting: float | None) -> Outcome:
        seen.update(config=config, folder=folder, sitting=sitting)
        return Outcome(step=3, share=share, best=20.0, chief=True)

    monkeypatch.setattr(loop, "train", record)
    out = tmp_path / "run"
    command = ["train", str(CONFIG), "-d", str(tmp_path), "-o", str(out), "--sitting", "9"]
    result = CliRunner().invoke(app, [*command, "--set", "batch=8"])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(out / "best.safetensors")
    assert (said in result.stderr) if said else not result.stderr
    assert seen["sitting"] == 9
    config = seen["config"]
    assert isinstance(config, TrainConfig)
    assert (config.batch, config.data.roots) == (8, (tmp_path,))


def test_wrong_settings_are_errors_of_ours() -> None:
    result = CliRunner().invoke(app, ["train", "--set", "batches=8"])
    assert isinstance(result.exception, ReenactError)
    assert "Did you mean 'batch'" in str(result.exception)


def test_preparing_takes_folders(tmp_path: Path) -> None:
    (file := tmp_path / "file").touch()
    for source, target, wrong in ((file, tmp_path / "out", "IN"), (tmp_path, file, "OUT")):
        result = CliRunner().invoke(app, ["prepare", str(source), str(target)])
        assert result.exit_code == 2
        assert f"Invalid value for '{wrong}'" in result.output


def test_preparing_nothing_is_an_error_of_ours(tmp_path: Path) -> None:
    missing = tmp_path / "reader.safetensors"
    command = ["prepare", str(tmp_path), str(tmp_path / "out"), "--estimator", str(missing)]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, ReenactError)
    assert str(missing) in str(result.exception)
