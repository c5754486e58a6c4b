"""The training loop: from a config and a folder to weights, on a CPU or any number of GPUs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from reenact.config import to_settings
from reenact.motion.equivariance import random_bend
from reenact.training.build import build_augmentation, build_perceptual, launch, seed_of
from reenact.training.config import TrainConfig
from reenact.training.journal import Journal
from reenact.training.material import Material, gather_material, reuses_pairs
from reenact.training.meter import Meter
from reenact.training.run import Run
from reenact.training.schedule import Every
from reenact.training.validation import repeat_source

REUSED_PAIRS = (
    "pairs to be used again are made anew: numbers will differ from those of a run that never "
    "stopped (data.still_fresh and data.head_fresh below 1)"
)


@dataclass(frozen=True)
class Outcome:
    """Where a sitting ended."""

    step: int
    share: float
    """Of the budget; 1 when the run is over."""
    best: float
    """Best validation PSNR, decibels."""
    chief: bool
    """Whether this is the process that judges, saves and speaks."""


def train(
    config: TrainConfig,
    folder: Path,
    *,
    sitting: float | None = None,
    gather: Callable[[TrainConfig, torch.device], Material] = gather_material,
) -> Outcome:
    """Train a model, or go on with a run: its state is in the folder.

    Args:
        config: The run. Going on takes the same one, devices and the like aside.
        folder: Where state, weights, logs and sheets go.
        sitting: Minutes from now after which to save and return, whatever is left of the budget.
        gather: Makes pairs and validation clips of a config on a device.
    """
    deadline = float("inf") if sitting is None else time.monotonic() + 60 * sitting
    fabric = launch(config)
    chief, device = fabric.is_global_zero, fabric.device
    perceptual = build_perceptual(config.loss)  # its weights may be missing: read nothing before
    material = gather(config, device)
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(config, folder, fabric, material, perceptual)
    augment = build_augmentation(config.augmentation, config.model.pose.code)
    generator = torch.Generator(device)
    validation_due = Every(config.validate_every, run.clock.share)
    saving_due = Every(config.save_every, run.clock.share)
    meter = Meter()

    with Journal(folder, speaks=chief, tensorboard=config.tensorboard) as journal:
        journal.open(to_settings(config))
        if run.resumed:
            journal.say("going on at step %d", run.clock.step)
            if reuses_pairs(config.data):
                journal.say(REUSED_PAIRS)
        else:
            still = repeat_source(material.validation, config.validation_frames)
            journal.say("repeating the source: %.2f dB, L1 %.4f", still.psnr, still.l1)

        share, stop = run.clock.share, False
        while share < 1 and not stop:
            # Chance is a function of run, step and process, so that going on changes nothing.
            generator.manual_seed(seed_of(config.seed, run.clock.step, fabric.global_rank))
            batch = material.pairs.draw(config.batch // fabric.world_size, generator)
            batch = augment(batch, generator).channels_last()
            bend = random_bend(
                len(batch),
                generator,
                sigma_affine=config.bend.sigma_affine,
                sigma_bend=config.bend.sigma_bend,
                points=config.bend.points,
            )

            # Up to the look below, nothing waits for the device.
            flow_share = run.follow_schedules(share)
            total, terms = run.module(
                flow_share, *batch.tensors(), bend.affine, bend.weights, bend.controls
            )
            fabric.backward(total)
            norm = run.guard.before_step()
            run.stepper.step()
            run.stepper.zero_grad()
            run.clock.tick()
            if run.average is not None:
                run.average.update(run.clock.step)
            meter.add({"loss": total.detach(), **terms, "gradient": norm}, config.batch)
            if run.clock.counts_steps:
                share = run.clock.share
            if run.clock.step % config.log_every and run.clock.step > 1 and share < 1:
                continue

            # A look: read the numbers, agree on the time, now and then judge and save.
            skipped = run.guard.check(meter.steps)
            numbers = {**meter.read(), "skipped": skipped, "rate": run.rate}
            share, stop = fabric.broadcast((run.clock.share, time.monotonic() > deadline))
            journal.numbers(run.clock.step, {**numbers, "share": share})
            journal.progress(run.clock, numbers)
            if run.clock.step == 1:
                run.show_pairs(journal, batch)
            if validation_due(share) and chief:
                run.judge(journal, batch)
            if (saving_due(share) or stop) and chief:
                run.save()
            fabric.barrier()
            meter.restart()
    return Outcome(run.clock.step, share, run.best, chief)
