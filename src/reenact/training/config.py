"""What can be set about a training run; read by the machinery of `reenact.config`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from reenact.config import POSE_MIRRORS, STRICT, ModelConfig, Positive, Settings
from reenact.perception.features import FEATURE_NETWORKS

Share = Annotated[float, Field(ge=0, le=1)]
"""Of the budget of a run, or a chance."""
Weight = Annotated[float, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Size = Annotated[float, Field(gt=0, le=1)]
"""One over a whole number: shrinking takes every so many-th pixel."""
Execution = Literal["eager", "graph", "compiled"]
"""How a step is run."""
VGG19_DEFAULTS: Settings = {"perceptual": 10.0, "pyramid": (1.0, 0.5, 0.25, 0.125)}
"""What `loss` starts from with that network, the paper's."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BudgetConfig:
    """How long to train: exactly one of the two; all schedules are shares of it."""

    steps: AtLeastOne | None = None
    """Optimiser steps; a run of these can be repeated bit by bit on a CPU."""
    minutes: Positive | None = None
    """Wall clock from the end of the first step, validation and checkpoints included."""

    @model_validator(mode="after")
    def _check(self) -> BudgetConfig:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError("give exactly one of steps and minutes")
        return self


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DataConfig:
    """Where pairs come from."""

    roots: tuple[Path, ...] = ()
    """Folders of clips and stills, in any layout of `reenact.data.clips`."""
    held_out: tuple[str, ...] | None = None
    """People kept for validation; None takes the shipped list or, where none of it is there, a
    tenth of the people, one to five, chosen by the seed."""
    reader: Path | None = None
    """Face reader for side-cars without parsing and pose; None takes the shipped one."""
    far_share: Share = 0.0
    """Share of the pairs of clips that are chosen for a large turn of the head between them."""
    follow_shoulders: bool = False
    """Follow points below the chin through clips; they count in the flow loss as the face's do."""
    still_share: Share = 0.5
    """Share of the pairs that come from re-rendered stills."""
    still_fresh: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the still pairs of a batch that is drawn anew; the others are recent ones, which
    are not stored: below 1, a run that was stopped goes on with others."""
    still_pool: AtLeastOne = 2048
    """Recent still pairs kept where some are used again."""
    head_share: Share = 0.0
    """Share of the pairs that are synthetic heads drawn twice; needs ict_facekit and makehuman_cc0
    in the folder that REENACT_WEIGHTS names. Clips and stills divide the rest as before."""
    head_fresh: Annotated[float, Field(gt=0, le=1)] = 0.15
    """Share of the head pairs of a batch that is drawn anew, as above: drawing heads is dear."""
    head_pool: AtLeastOne = 1024
    """Recent head pairs kept where some are used again."""
    max_clips: AtLeastOne | None = None
    """Use no more training clips than this, for trials."""
    max_stills: AtLeastOne | None = None
    """Use no more stills than this, for trials."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class AugmentationConfig:
    """Changes of a pair (method.md 13)."""

    reverse: Share = 0.5
    """Chance that source and driving swap places."""
    flip: Share = 0.5
    """Chance of mirroring a pair that was not reversed."""
    brightness: Share = 0.1
    """Half width of the change, as of the next two."""
    contrast: Share = 0.1
    """About the mean grey of the pair."""
    saturation: Share = 0.1
    """About the grey of each pixel."""
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """In turns of the colour circle."""
    moved: Share = 0.0
    """Chance of framing a pair otherwise, by no more than the next four; not in the paper."""
    turn: Weight = 12.0
    """In the picture, degrees."""
    zoom: Weight = 0.3
    """Natural logarithm of the largest scale; it only grows."""
    stretch: Weight = 0.1
    """Natural logarithm of the width over the height."""
    elastic: Annotated[float, Field(ge=0, le=0.056)] = 0.0
    """Largest push of each of four waves that bend the picture, in half widths."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LossConfig:
    """Weights of the losses (method.md 12)."""

    features: Literal["squeezenet", "vgg19"] = "squeezenet"
    """Network of the perceptual loss; its weights are looked for in REENACT_WEIGHTS."""
    license_policy: Literal["permissive", "research"] = "permissive"
    """What the licence of that network may ask for: vgg19 needs `research`."""
    pyramid: Annotated[tuple[Size, ...], Field(min_length=1)] = (1.0, 0.5, 0.25)
    """Sizes at which it looks, as shares of the picture; for vgg19 one more by default, 0.125."""
    perceptual: Weight = 5.0
    """Of every map at every size; 10 by default for vgg19."""
    perceptual_layers: tuple[Weight, Weight, Weight, Weight, Weight] | None = None
    """What each of its five maps counts in that, finest first; None takes 1 for all."""
    equivariance_value: Weight = 10.0
    """Of keypoints that do not follow when the picture is bent."""
    equivariance_jacobian: Weight = 10.0
    """Of their affines that do not."""
    localization: Weight = 1.0
    """Of attention outside its region (eq. 12)."""
    localization_sign: Literal["corrected", "printed"] = "corrected"
    """`printed` is the paper's, which pushes attention out of its region."""
    pixel: Weight = 0.0
    """Of the mean absolute difference; not in the paper."""
    flow: Weight = 0.0
    """Of known flow at the points of the face, when training starts; not in the paper."""
    expressive: Weight = 0.0
    """Extra weight of eyes and mouth in these two losses: they are small, and people look there."""
    perceptual_expressive: Weight = 0.0
    """The same in the perceptual loss."""
    below_chin: Weight = 0.0
    """Extra weight in the flow loss of points below the chin: they are few beside the face's."""
    flow_until: Share = 0.5
    """Share of the budget over which that weight falls to zero, evenly."""

    @staticmethod
    def upgrade(settings: Settings) -> Settings:
        """Settings in the names of today, with the defaults of their own feature network."""
        old = "licence_policy"
        if old in settings and "license_policy" not in settings:
            settings = {("license_policy" if k == old else k): v for k, v in settings.items()}
        return VGG19_DEFAULTS | settings if settings.get("features") == "vgg19" else settings


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BendConfig:
    """The random transform of the equivariance loss (method.md 12)."""

    sigma_affine: Weight = 0.05
    """Deviation of the six numbers of its affine part from those of the identity."""
    sigma_bend: Weight = 0.005
    """Deviation of the weights of the control points from zero."""
    points: Annotated[int, Field(ge=2)] = 5
    """Control points along each side."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class OptimizerConfig:
    """Adam and its schedule (method.md 13)."""

    learning_rate: Positive = 2e-4
    """After the warm-up and before the first milestone."""
    betas: tuple[Share, Share] = (0.5, 0.999)
    """Decay of the averages of the gradient and of its square."""
    weight_decay: Weight = 0.0
    """Times the weights, added to the gradient."""
    warmup: AtLeastOne = 1
    """Steps over which the learning rate rises from zero."""
    milestones: tuple[Share, ...] = (0.6, 0.9)
    """Shares of the budget at which the learning rate drops to a tenth."""
    clip: Positive | None = 10.0
    """Largest gradient of the keypoint and of the mask network (infinity norm)."""
    temperature_until: Share = 0.1
    """Share of the budget over which the temperature of the dynamic layers falls to 1."""
    average: Share = 0.0
    """Decay of the moving average of the weights that is validated and kept; 0 for none."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TrainConfig:
    """A whole run."""

    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    loss: LossConfig = LossConfig()
    bend: BendConfig = BendConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    start: str | None = None
    """Weights to go on from, a shipped name or a file; None starts from chance."""
    budget: BudgetConfig = BudgetConfig(steps=100_000)
    batch: AtLeastOne = 32
    """Pairs a step, over all devices together."""
    seed: int = 0
    """Of the first weights and of all that is drawn by chance."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; auto takes a GPU where there is one."""
    devices: AtLeastOne = 1
    """Processes on this machine, one a GPU."""
    nodes: AtLeastOne = 1
    """Machines, each with as many devices."""
    precision: Literal["bf16-mixed", "32-true"] = "bf16-mixed"
    """32-true computes in float32 throughout (convolutions in TF32 on a GPU)."""
    synchronise_norms: bool = True
    """Take batch statistics over all GPUs; off where a share of the batch is enough, and to compile
    the step as one graph."""
    execution: Execution = "eager"
    """How a step is run: operator by operator; recorded once as a CUDA graph and replayed, which
    leaves the processor free; or compiled as one graph, which takes minutes before it starts."""
    log_every: AtLeastOne = 50
    """Steps between two looks at the device: logs, clock, decisions to stop, save, validate."""
    validate_every: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the budget between two validations, each with a sheet of samples."""
    validation_frames: AtLeastOne = 24
    """Driven frames of each validation clip."""
    save_every: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the budget between two checkpoints."""
    tensorboard: bool = True
    """Write scalars and sheets for TensorBoard, besides log.jsonl and the PNG files."""

    @model_validator(mode="after")
    def _check(self) -> TrainConfig:
        if self.batch % (self.devices * self.nodes):
            raise ValueError(f"batch {self.batch} must be a multiple of devices times nodes")
        self._check_pyramid()
        code = self.model.pose.code
        if self.augmentation.flip > 0 and code not in POSE_MIRRORS:
            raise ValueError(
                f"augmentation.flip is {self.augmentation.flip}, but how pose.code {code!r} looks "
                f"in a mirror is not known, expected one of: {', '.join(POSE_MIRRORS)}. "
                "Set augmentation.flip=0"
            )
        return self

    def _check_pyramid(self) -> None:
        size, needed = self.model.image_size, FEATURE_NETWORKS[self.loss.features].SMALLEST
        for share in self.loss.pyramid:
            shrink = round(1 / share)
            if abs(share * shrink - 1) > 0.01:
                raise ValueError(
                    f"loss.pyramid holds {share}, expected shares like 1, 0.5 or 0.25, one over a "
                    "whole number. Change it"
                )
            if -(-size // shrink) < needed:
                raise ValueError(
                    f"loss.pyramid holds {share}, which makes {-(-size // shrink)} pixels of "
                    f"model.image_size {size}, but {self.loss.features} needs {needed}. Leave it "
                    "out, for example loss.pyramid=[1]"
                )
