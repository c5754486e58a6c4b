"""Everything that a run holds between two steps, and how it is stored, judged and shown."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import nn

from reenact.checkpoint import save_model
from reenact.config import to_settings
from reenact.data.pairs import PairBatch
from reenact.model import FaceletModel
from reenact.motion.equivariance import random_bend
from reenact.training.average import MovingAverage
from reenact.training.build import (
    build_optimizer,
    build_training_module,
    in_channels_last,
    starting_model,
)
from reenact.training.config import TrainConfig
from reenact.training.guard import GradientGuard
from reenact.training.journal import Journal
from reenact.training.losses import PerceptualLoss
from reenact.training.material import Material
from reenact.training.recording import record
from reenact.training.schedule import Clock, fading, learning_rate, temperature
from reenact.training.sheet import pair_sheet, sample_sheet
from reenact.training.state import RunState, load_state, save_state
from reenact.training.validation import Score, animate, split_batch, turned_pairs, validate

STATE_FILE = "state.pt"
BEST_FILE = "best.safetensors"
LAST_FILE = "last.safetensors"
SHEET_ROWS = 8
"""Pairs on a sheet."""


class Run:
    """Model, optimiser and clock of a run; picks up the state in its folder if there is one."""

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        fabric: Fabric,
        material: Material,
        perceptual: PerceptualLoss,
    ) -> None:
        self.config = config
        self.folder = folder
        self.fabric = fabric
        self.validation = material.validation
        self.held_out = material.held_out

        torch.manual_seed(config.seed)
        model = starting_model(config)
        several = fabric.device.type == "cuda" and fabric.world_size > 1
        if several and config.synchronise_norms:
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        self.model: FaceletModel = model.to(fabric.device)
        in_channels_last(self.model)
        if config.start is None:
            self.model.set_pose_statistics(material.pose_mean, material.pose_deviation)
        decay = config.optimizer.average
        self.average = MovingAverage(self.model, decay) if decay > 0 else None
        self.optimizer = build_optimizer(config.optimizer, self.model)
        self.clock = Clock(config.budget)
        self.best = float("-inf")
        self.resumed = self._resume()
        self.guard = GradientGuard(
            self.optimizer,
            [self.model.keypoint_detector.parameters(), self.model.motion.parameters()],
            config.optimizer.clip,
            statistics=self.model.buffers(),
        )

        module = build_training_module(config.loss, self.model, perceptual)
        if config.execution == "compiled":
            module.compile(dynamic=False)
        if config.execution == "graph" and fabric.device.type == "cuda":
            generator = torch.Generator(fabric.device).manual_seed(config.seed)
            pairs = material.pairs.draw(config.batch // fabric.world_size, generator)
            with fabric.autocast():
                record(module.train(), pairs.channels_last(), random_bend(len(pairs), generator))
        self.module, self.stepper = fabric.setup(module, self.optimizer)
        self.module.train()

    @property
    def kept(self) -> FaceletModel:
        """The model that is judged and written: the moving average where there is one."""
        return self.model if self.average is None else self.average.model

    @property
    def rate(self) -> float:
        """Learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def follow_schedules(self, share: float) -> torch.Tensor:
        """Set what depends on the spent share of the budget; returns what is left of the flow loss.

        The latter as a tensor (), so that a compiled step need not be compiled again.
        """
        settings, until = self.config.optimizer, self.config.loss.flow_until
        rate = learning_rate(
            settings.learning_rate, share, settings.milestones, self.clock.step, settings.warmup
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        initial = self.config.model.compensation.initial_temperature
        if self.config.start is not None:
            initial = 1.0  # the mixtures are learned
        self.model.set_dynamic_temperature(temperature(initial, share, settings.temperature_until))
        return torch.full((), fading(share, until), device=self.fabric.device)

    def judge(self, journal: Journal, batch: PairBatch) -> None:
        """Score the kept model on people held out, show it, and write its weights."""
        step, kept = self.clock.step, self.kept.eval()
        score = validate(kept, self.validation, self.config.validation_frames)
        journal.say("step %d: validation %.2f dB, L1 %.4f", step, score.psnr, score.l1)
        journal.numbers(step, {"validation/psnr": score.psnr, "validation/l1": score.l1})
        for name, pairs in (
            ("validation", turned_pairs(self.validation, SHEET_ROWS)),
            ("training", batch),
        ):
            shown = split_batch(pairs, SHEET_ROWS)[0]
            with torch.no_grad():
                journal.sheet(name, step, sample_sheet(shown, animate(kept, shown)))
        self._write(LAST_FILE, score)
        if score.psnr > self.best:
            self.best = score.psnr
            self._write(BEST_FILE, score)
        self.module.train()

    def show_pairs(self, journal: Journal, batch: PairBatch) -> None:
        """A sheet of what training sees, to be looked at before the run goes far."""
        journal.sheet("pairs", self.clock.step, pair_sheet(split_batch(batch, SHEET_ROWS)[-1]))

    def save(self) -> None:
        """Write the state of the run, from which the same command goes on."""
        state = RunState(
            step=self.clock.step,
            seconds=self.clock.seconds,
            best=self.best,
            config=to_settings(self.config),
            model=self.model.state_dict(),
            average=None if self.average is None else self.average.state_dict(),
            optimizer=self.optimizer.state_dict(),
        )
        save_state(self.folder / STATE_FILE, state)

    def _resume(self) -> bool:
        settings, device = to_settings(self.config), self.fabric.device
        state = load_state(self.folder / STATE_FILE, settings, device)
        if state is None:
            return False
        self.model.load_state_dict(state.model)
        self.optimizer.load_state_dict(state.optimizer)
        if self.average is not None and state.average is not None:
            self.average.load_state_dict(state.average)
        self.clock = Clock(self.config.budget, state.step, state.seconds)
        self.best = state.best
        return True

    def _write(self, name: str, score: Score) -> None:
        record = {
            "step": self.clock.step,
            "pairs": self.clock.step * self.config.batch,
            "minutes": round(self.clock.seconds / 60, 1),
            "validation_psnr": round(score.psnr, 3),
            "held_out": self.held_out,
            "training": to_settings(self.config),
        }
        save_model(self.kept, self.folder / name, self.config.model, record)
