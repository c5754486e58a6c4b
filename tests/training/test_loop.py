from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from torch.testing import assert_close

from reenact.checkpoint import load_model, read_info
from reenact.config import from_settings
from reenact.errors import ConfigError, DataError, TrainingError, WeightsError
from reenact.perception.features import load_features
from reenact.training.build import seed_of
from reenact.training.config import BudgetConfig, DataConfig, TrainConfig
from reenact.training.loop import train
from reenact.training.material import Material
from reenact.training.run import BEST_FILE, STATE_FILE
from stubs import Pixels

Gather = Callable[[TrainConfig, torch.device], Material]


def final_state(folder: Path) -> dict[str, torch.Tensor]:
    stored = torch.load(folder / STATE_FILE, weights_only=True)
    state: dict[str, torch.Tensor] = stored["model"]
    return state | {f"average.{name}": value for name, value in stored["average"].items()}


@pytest.fixture
def stopping_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes a sitting end at the first look after so many steps."""
    from reenact.training import loop

    def stop(steps: int) -> None:
        class Time:
            looks = 0

            @classmethod
            def monotonic(cls) -> float:
                cls.looks += 1
                # The first call sets the deadline, the others are looks: after steps 1, 2, 4.
                return 0.0 if cls.looks <= {1: 1, 2: 2, 4: 3}[steps] else 1e9

        monkeypatch.setattr(loop, "time", Time)

    return stop


@pytest.mark.parametrize("steps", [2])
def test_stopping_and_going_on_equals_going_straight_on(
    steps: int,
    tiny: TrainConfig,
    gather: Gather,
    stopping_after: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    with monkeypatch.context():
        train(tiny, straight, gather=gather)
    stopping_after(steps)
    first = train(tiny, broken, sitting=1.0, gather=gather)
    assert (first.step, first.share) == (steps, pytest.approx(steps / 6))
    monkeypatch.undo()
    monkeypatch.setattr("reenact.training.build.load_features", lambda name, policy: Pixels())
    second = train(tiny, broken, gather=gather)
    assert second.share == 1
    expected = final_state(straight)
    for name, value in final_state(broken).items():
        assert torch.equal(value, expected[name]), name


def test_a_run_leaves_weights_numbers_settings_and_sheets(
    tiny: TrainConfig, gather: Gather, run_folder: Path
) -> None:
    outcome = train(tiny, run_folder, gather=gather)
    assert outcome.step == 6
    model = load_model(run_folder / BEST_FILE)
    record = read_info(run_folder / BEST_FILE).record
    assert record["validation_psnr"] == pytest.approx(outcome.best, abs=1e-3)
    assert from_settings(TrainConfig, record["training"]) == tiny
    assert record["held_out"] == ["eve"]
    assert float(model.compensation.temperature) == 1.0  # type: ignore[union-attr]
    settings = yaml.safe_load((run_folder / "config.yaml").read_text())
    assert from_settings(TrainConfig, settings) == tiny
    lines = [json.loads(line) for line in (run_folder / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 4, 6]
    assert all(line["skipped"] == 0 for line in lines if "loss" in line)
    sheets = {path.name for path in (run_folder / "sheets").iterdir()}
    assert {"pairs-0000001.png", "validation-0000006.png", "training-0000006.png"} <= sheets


def test_pose_statistics_go_into_the_model(
    tiny: TrainConfig, gather: Gather, run_folder: Path
) -> None:
    train(replace(tiny, budget=BudgetConfig(steps=1)), run_folder, gather=gather)
    material = gather(tiny, torch.device("cpu"))
    model = load_model(run_folder / BEST_FILE)
    assert_close(model.pose_mean, material.pose_mean)
    assert_close(model.pose_deviation, material.pose_deviation)


def test_without_data_there_is_no_folder(tiny: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="roots is empty"):
        train(replace(tiny, data=DataConfig()), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_missing_feature_weights_are_told_before_data_is_read(
    tiny: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reenact.training.build.load_features", load_features)
    monkeypatch.setattr("reenact.perception.weights.folders", lambda: (tmp_path / "nothing",))
    gathered: list[TrainConfig] = []

    def gather(config: TrainConfig, device: torch.device) -> Material:
        gathered.append(config)
        raise AssertionError

    with pytest.raises(WeightsError, match="weights fetch squeezenet_v1_1"):
        train(tiny, tmp_path / "run", gather=gather)
    assert not gathered
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("fresh", "said"), [(0.5, True), (1.0, False)])
def test_going_on_with_reused_pairs_says_that_numbers_differ(
    fresh: float,
    said: bool,
    tiny: TrainConfig,
    gather: Gather,
    run_folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = replace(
        tiny, data=DataConfig(head_share=0.5, head_fresh=fresh), budget=BudgetConfig(steps=1)
    )
    with caplog.at_level("INFO"):
        train(settings, run_folder, gather=gather)
        assert "made anew" not in caplog.text
        train(settings, run_folder, gather=gather)
    assert ("made anew: numbers will differ" in caplog.text) == said


def test_a_run_of_an_older_release_goes_on(
    tiny: TrainConfig, gather: Gather, run_folder: Path
) -> None:
    settings = replace(tiny, budget=BudgetConfig(steps=1))
    train(settings, run_folder, gather=gather)
    stored = torch.load(run_folder / STATE_FILE, weights_only=True)
    del stored["config"]["model"]["decoder"]["pose_aware"]
    stored["config"]["loss"]["licence_policy"] = stored["config"]["loss"].pop("license_policy")
    torch.save(stored, run_folder / STATE_FILE)
    assert train(settings, run_folder, gather=gather).step == 1


def test_another_run_in_the_same_folder_is_refused(
    tiny: TrainConfig, gather: Gather, run_folder: Path
) -> None:
    train(replace(tiny, budget=BudgetConfig(steps=1)), run_folder, gather=gather)
    with pytest.raises(TrainingError, match=r"another budget\.steps, seed"):
        train(replace(tiny, seed=5), run_folder, gather=gather)


def test_a_finished_run_is_not_repeated(
    tiny: TrainConfig, gather: Gather, run_folder: Path
) -> None:
    one = replace(tiny, budget=BudgetConfig(steps=1))
    train(one, run_folder, gather=gather)
    before = (run_folder / STATE_FILE).stat().st_mtime_ns
    assert train(one, run_folder, gather=gather).step == 1
    assert (run_folder / STATE_FILE).stat().st_mtime_ns == before


def test_torn_states_are_named(tiny: TrainConfig, gather: Gather, run_folder: Path) -> None:
    run_folder.mkdir()
    (run_folder / STATE_FILE).write_bytes(b"torn")
    with pytest.raises(TrainingError, match=r"state\.pt: cannot be read"):
        train(tiny, run_folder, gather=gather)


def test_minutes_end_a_run(tiny: TrainConfig, gather: Gather, run_folder: Path) -> None:
    short = replace(tiny, budget=BudgetConfig(minutes=1e-4), log_every=1)
    outcome = train(short, run_folder, gather=gather)
    assert outcome.share == 1
    assert outcome.step <= 5


def test_seeds_differ_by_run_step_and_process() -> None:
    seeds = {seed_of(run, step, rank) for run in (0, 1) for step in range(50) for rank in range(4)}
    assert len(seeds) == 400


def test_a_run_can_start_from_the_weights_of_another(
    tiny: TrainConfig, gather: Gather, tmp_path: Path
) -> None:
    train(tiny, tmp_path / "first", gather=gather)
    weights = tmp_path / "first" / BEST_FILE
    frozen = replace(
        tiny,
        start=str(weights),
        budget=BudgetConfig(steps=1),
        optimizer=replace(tiny.optimizer, learning_rate=1e-30, average=0.0),
    )
    train(frozen, tmp_path / "second", gather=gather)
    expected = dict(load_model(weights).named_parameters())
    for name, value in load_model(tmp_path / "second" / BEST_FILE).named_parameters():
        assert_close(value, expected[name], msg=name)


def test_weights_of_another_shape_are_refused(
    tiny: TrainConfig, gather: Gather, tmp_path: Path
) -> None:
    train(replace(tiny, budget=BudgetConfig(steps=1)), tmp_path / "first", gather=gather)
    other = replace(
        tiny,
        start=str(tmp_path / "first" / BEST_FILE),
        model=replace(tiny.model, bank=replace(tiny.model.bank, enabled=False)),
    )
    with pytest.raises(ConfigError, match="another config"):
        train(other, tmp_path / "second", gather=gather)
