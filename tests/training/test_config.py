from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import get_type_hints

import pytest
import torch

from reenact.config import SIZES, from_settings, load_config, to_settings
from reenact.errors import ConfigError, DataError
from reenact.perception.features import FEATURE_NETWORKS
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
        ("model.size=tiny", r"loss\.pyramid holds 0\.25, which makes 16 pixels .* needs 17"),
        ("loss.pyramid=[0.3]", "one over a whole number"),
        ("loss.pyramid=[]", "at least 1 item"),
        ("loss.perceptual_layers=[1, 1]", r"loss\.perceptual_layers"),
        ("model.pose.code=ours", "how pose.code 'ours' looks in a mirror is not known"),
        ("loss={licence_policy: research, license_policy: research}", "unknown key 'loss.licence"),
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


def test_every_network_starts_from_its_own_weights_and_sizes() -> None:
    vgg = load_config(TrainConfig, None, ["loss.features=vgg19"]).loss
    assert (vgg.perceptual, vgg.pyramid) == (10.0, (1.0, 0.5, 0.25, 0.125))
    chosen = ["loss.features=vgg19", "loss.perceptual=3", "loss.pyramid=[1]"]
    vgg = load_config(TrainConfig, None, chosen).loss
    assert (vgg.perceptual, vgg.pyramid) == (3.0, (1.0,))
    assert TrainConfig().loss.perceptual == 5.0


def test_files_of_old_spell_the_licence_policy_otherwise() -> None:
    old = to_settings(TrainConfig())
    del old["loss"]["license_policy"]
    old["loss"]["licence_policy"] = "research"
    assert from_settings(TrainConfig, old).loss.license_policy == "research"


@pytest.mark.parametrize("name", FEATURE_NETWORKS)
def test_the_smallest_level_of_the_pyramid_is_what_the_network_can_see(name: str) -> None:
    network = FEATURE_NETWORKS[name]()
    smallest = network.SMALLEST
    assert network(torch.rand(1, 3, smallest, smallest))[-1].shape[-1] == 1
    with pytest.raises(RuntimeError, match="too small"):
        network(torch.rand(1, 3, smallest - 1, smallest - 1))


def sections(schema: type) -> Iterator[type]:
    yield schema
    for kind in get_type_hints(schema).values():
        if is_dataclass(kind):
            assert isinstance(kind, type)
            yield from sections(kind)


@pytest.mark.parametrize("section", [*sections(TrainConfig)], ids=lambda section: section.__name__)
def test_a_line_under_each_field_says_what_it_sets(section: type) -> None:
    body = ast.parse(inspect.getsource(section)).body[0]
    assert isinstance(body, ast.ClassDef)
    kinds = get_type_hints(section)
    for field, after in pairwise([*body.body, ast.Pass()]):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            if is_dataclass(kinds[field.target.id]):  # a section: its class says it
                continue
            said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            assert said, field.target.id
