from __future__ import annotations

from pathlib import Path

import pytest

from reenact.config import SIZES, load_config
from reenact.errors import ConfigError, DataError
from reenact.training.config import DataConfig, TrainConfig
from reenact.training.material import find_footage

CONFIGS = Path(__file__).parents[2] / "configs"


def test_the_shipped_configuration_is_the_default_size() -> None:
    config = load_config(TrainConfig, CONFIGS / "reenact-s.yaml")
    assert config.model == SIZES["s"]
    assert config.budget.minutes is not None


def test_defaults_are_the_papers() -> None:
    config = TrainConfig()
    assert (config.optimizer.learning_rate, config.optimizer.betas) == (2e-4, (0.5, 0.999))
    assert config.optimizer.milestones == (0.6, 0.9)
    assert (config.loss.pixel, config.loss.flow, config.optimizer.average) == (0, 0, 0)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("loss.pixels=1", "Did you mean 'loss.pixel'"),
        ("budget={steps: 1, minutes: 1}", "exactly one of steps and minutes"),
        ("batch=7", None),
        ("devices=3", "multiple of devices"),
        ("augmentation.elastic=0.07", r"augmentation\.elastic.*0\.056"),
        ("execution=fast", "'eager', 'graph' or 'compiled'"),
    ],
)
def test_wrong_settings_are_explained(override: str, message: str | None) -> None:
    if message is None:
        assert load_config(TrainConfig, None, [override]).batch == 7
        return
    with pytest.raises(ConfigError, match=message):
        load_config(TrainConfig, None, [override])


def test_a_run_without_data_says_what_to_give() -> None:
    with pytest.raises(DataError, match="Give `--data FOLDER`"):
        find_footage(DataConfig())
