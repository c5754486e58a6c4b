"""The parts of a run, built from its config."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins import MixedPrecision
from lightning.fabric.strategies.ddp import DDPStrategy
from torch import nn
from torch.optim import Adam

from reenact.checkpoint import find_weights, load_model, read_info
from reenact.config import POSE_MIRRORS
from reenact.data.augmentation import Augmentation
from reenact.data.reframing import ReframingRange
from reenact.errors import ConfigError
from reenact.facelet.regions import MIN_AREA
from reenact.model import FaceletModel, build_model
from reenact.perception.features import load_features
from reenact.perception.weights import Tier
from reenact.training.config import (
    AugmentationConfig,
    LossConfig,
    OptimizerConfig,
    TrainConfig,
)
from reenact.training.losses import PerceptualLoss
from reenact.training.step import LossWeights, TrainingModule


class ExactInputs(MixedPrecision):
    """bfloat16 autocast that leaves inputs alone: rounded, a point would move by half a pixel."""

    def convert_input(self, data: Any) -> Any:
        """Nothing is converted; autocast chooses where it matters."""
        return data


def launch(config: TrainConfig) -> Fabric:
    """Start the processes of a run, one a device; returns in each of them."""
    several = config.devices * config.nodes > 1
    on_gpu = config.accelerator != "cpu" and torch.cuda.is_available()
    mixed = config.precision == "bf16-mixed"
    fabric = Fabric(
        accelerator=config.accelerator,
        devices=config.devices,
        num_nodes=config.nodes,
        precision=None if mixed else config.precision,
        plugins=ExactInputs("bf16-mixed", "cuda" if on_gpu else "cpu") if mixed else None,
        strategy=DDPStrategy(gradient_as_bucket_view=True) if several else "auto",
    )
    fabric.launch()
    if config.execution == "compiled":
        # One graph for all gradients: they are small, and cutting it to send them early costs more.
        torch._dynamo.config.optimize_ddp = False
    if fabric.device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
    return fabric


def starting_model(config: TrainConfig) -> FaceletModel:
    """The model of a run before its first step.

    Raises:
        ConfigError: The weights to start from belong to a model of another config.
    """
    if config.start is None:
        return build_model(config.model)
    path = find_weights(config.start)
    if read_info(path).config != config.model:
        raise ConfigError(
            f"start: {path} holds a model of another config, expected the `model` of this run. "
            "Set `model` to what `config.yaml` beside those weights says, or start from chance."
        )
    return load_model(path).train().requires_grad_(True)


def build_augmentation(config: AugmentationConfig, pose_code: str = "reader6") -> Augmentation:
    """Changes of pairs, whose pose codes are of that kind."""
    return Augmentation(
        reverse=config.reverse,
        flip=config.flip,
        brightness=config.brightness,
        contrast=config.contrast,
        saturation=config.saturation,
        hue=config.hue,
        moved=config.moved,
        reframing=ReframingRange(
            turn=config.turn, zoom=config.zoom, stretch=config.stretch, elastic=config.elastic
        ),
        pose_mirror=POSE_MIRRORS.get(pose_code, ()),
    )


def build_perceptual(config: LossConfig) -> PerceptualLoss:
    """The perceptual loss with its frozen feature network, on the CPU.

    Raises:
        WeightsError: The weights of that network are missing or not allowed.
    """
    features = load_features(config.features, Tier(config.license_policy))
    return PerceptualLoss(features, config.pyramid, config.perceptual_layers or ())


def build_training_module(
    config: LossConfig, model: FaceletModel, perceptual: PerceptualLoss | None = None
) -> TrainingModule:
    """The model with its losses, the perceptual one included, which may be there already."""
    device = next(model.parameters()).device
    perceptual = perceptual or build_perceptual(config)
    weights = LossWeights(
        perceptual=config.perceptual,
        equivariance_value=config.equivariance_value,
        equivariance_jacobian=config.equivariance_jacobian,
        localization=config.localization,
        pixel=config.pixel,
        flow=config.flow,
        expressive=config.expressive,
        perceptual_expressive=config.perceptual_expressive,
        below_chin=config.below_chin,
    )
    in_channels_last(perceptual.to(device))
    min_area = MIN_AREA if model.bank is None else model.bank.min_area
    return TrainingModule(model, perceptual, weights, config.localization_sign, min_area)


def build_optimizer(config: OptimizerConfig, model: FaceletModel) -> Adam:
    """Fused Adam, which can skip a step on the device (`GradientGuard`)."""
    return Adam(
        model.parameters(),
        lr=config.learning_rate,
        betas=config.betas,
        weight_decay=config.weight_decay,
        fused=True,
    )


def in_channels_last(module: nn.Module) -> None:
    """Lay out the kernels of a module as convolutions in low precision like them best."""
    nn.utils.convert_conv2d_weight_memory_format(module, torch.channels_last)


def seed_of(run: int, step: int, process: int) -> int:
    """A well-mixed seed for one step of one process."""
    words = np.random.SeedSequence([run, step, process]).generate_state(2, np.uint32)
    return int(words[0]) << 32 | int(words[1])
