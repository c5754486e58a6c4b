from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reenact.config import POSE_MIRRORS, SIZES, ModelConfig, load_config
from reenact.data.pairs import PairBatch
from reenact.data.reframing import ReframingRange
from reenact.model import build_model
from reenact.motion.equivariance import random_bend
from reenact.training import build, step
from reenact.training.build import (
    build_augmentation,
    build_optimizer,
    build_perceptual,
    build_training_module,
)
from reenact.training.config import AugmentationConfig, LossConfig, OptimizerConfig
from stubs import Pixels


def test_pairs_are_reframed_by_the_limits_of_the_config() -> None:
    config = AugmentationConfig(moved=0.5, turn=1.0, zoom=0.2, stretch=0.3, elastic=0.04)
    augmentation = build_augmentation(config)
    assert augmentation.moved == 0.5
    assert augmentation.reframing == ReframingRange(turn=1.0, zoom=0.2, stretch=0.3, elastic=0.04)


def test_pairs_are_changed_by_the_chances_of_the_config() -> None:
    config = AugmentationConfig(
        reverse=0.11, flip=0.22, brightness=0.33, contrast=0.44, saturation=0.55, hue=0.4
    )
    augmentation = build_augmentation(config)
    for name in ("reverse", "flip", "brightness", "contrast", "saturation", "hue"):
        assert getattr(augmentation, name) == getattr(config, name), name


def test_every_loss_has_its_own_weight_of_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "load_features", lambda name, policy: Pixels())
    config = LossConfig(
        pyramid=(1.0, 0.5),
        perceptual=2.0,
        equivariance_value=3.0,
        equivariance_jacobian=5.0,
        localization=7.0,
        localization_sign="printed",
        pixel=11.0,
        flow=13.0,
        expressive=0.5,
        perceptual_expressive=1.5,
        below_chin=2.5,
    )
    module = build_training_module(config, build_model(SIZES["tiny"]))
    for name, weight in module.weights._asdict().items():
        assert weight == getattr(config, name), name
    assert module.localization_sign == "printed"
    assert [shrink.stride for shrink in module.perceptual.pyramid] == [1, 2]


def test_adam_is_that_of_the_config() -> None:
    config = OptimizerConfig(learning_rate=3e-3, betas=(0.3, 0.7), weight_decay=0.02)
    model = build_model(SIZES["tiny"])
    (group,) = build_optimizer(config, model).param_groups
    assert group["lr"] == 3e-3
    assert group["betas"] == (0.3, 0.7)
    assert group["weight_decay"] == 0.02
    assert len(group["params"]) == len([*model.parameters()])


def test_pairs_are_mirrored_by_the_pose_code_of_the_model() -> None:
    for code, signs in POSE_MIRRORS.items():
        assert build_augmentation(AugmentationConfig(), code).pose_mirror == signs


def test_maps_count_what_the_config_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "load_features", lambda name, policy: Pixels())
    layers = (1.0, 0.0, 2.0, 3.0, 4.0)
    assert build_perceptual(LossConfig(perceptual_layers=layers)).layers == layers


def one_region(side: int) -> PairBatch:
    """A pair that shows one region: a square of so many of 64 pixels; 8 are 1024 at 256 x 256."""
    labels = torch.zeros(1, 64, 64, dtype=torch.uint8)
    labels[:, :side, :side] = 1
    images, points = torch.rand(2, 1, 3, 64, 64), torch.zeros(1, 3, 2)
    pose = torch.zeros(1, 6)
    return PairBatch(*images, labels, labels, pose, pose, points, points, torch.ones(1, 3))


def some_bend() -> tuple[Tensor, ...]:
    bend = random_bend(1, torch.Generator().manual_seed(0))
    return bend.affine, bend.weights, bend.controls


def test_the_loss_of_attention_counts_the_regions_that_the_bank_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(build, "load_features", lambda name, policy: Pixels())
    for min_area, counts in (1024, True), (1025, False):
        overrides = ["size=tiny", f"bank.min_area={min_area}"]
        model = build_model(load_config(ModelConfig, overrides=overrides)).eval()
        module = build_training_module(LossConfig(pyramid=(1.0,)), model)
        _, terms = module(torch.ones(()), *one_region(8).tensors(), *some_bend())
        assert bool(terms["localization"] > 0) is counts


def test_the_guard_of_the_determinant_reaches_the_loss_of_affines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[float] = []
    zero = torch.zeros(())

    def loss(original: object, bent: object, bend: object, guard: float) -> tuple[Tensor, Tensor]:
        given.append(guard)
        return zero, zero

    monkeypatch.setattr(build, "load_features", lambda name, policy: Pixels())
    monkeypatch.setattr(step, "equivariance_loss", loss)
    overrides = ["size=tiny", "motion.min_determinant=5"]
    model = build_model(load_config(ModelConfig, overrides=overrides))
    module = build_training_module(LossConfig(pyramid=(1.0,)), model.eval())
    module(torch.ones(()), *one_region(8).tensors(), *some_bend())
    assert given == [5]
