"""How many pairs a second a training configuration reaches, and where the time goes.

    python tools/bench_training.py configs/reenact-s.yaml --data PREPARED --batch 32 48 64

Without --data the pairs are noise, which times the step alone. Every line is one setting: how
steps are run, and the batch size.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import torch

from reenact.config import load_config
from reenact.data.pairs import PairBatch, PairSource
from reenact.motion.equivariance import random_bend
from reenact.training.build import build_augmentation, build_perceptual, launch
from reenact.training.config import Execution, TrainConfig
from reenact.training.material import Material, gather_material
from reenact.training.run import Run

MODES = get_args(Execution)
"""How a step is run."""


class Noise:
    """Pairs without meaning, drawn once."""

    def __init__(self, size: int, device: torch.device) -> None:
        self.size = size
        self.device = device
        self.batches: dict[int, PairBatch] = {}

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        """The same pairs every time."""
        if count not in self.batches:
            self.batches[count] = self._make(count)
        return self.batches[count]

    def _make(self, count: int) -> PairBatch:
        side, device = self.size, self.device
        labels = torch.arange(side, device=device).mul(15).div(side, rounding_mode="floor")
        parsing = labels.to(torch.uint8).view(1, side, 1).repeat(count, 1, side)
        images = torch.rand(2, count, 3, side, side, device=device)
        points = torch.rand(2, count, 478, 2, device=device) * 2 - 1
        pose = torch.randn(2, count, 6, device=device)
        weights = torch.ones(count, 478, device=device)
        return PairBatch(*images, parsing, parsing, *pose, *points, weights)


def main() -> None:
    """Parse the command line and print one line a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--set", nargs="*", default=[], dest="settings")
    parser.add_argument("--batch", type=int, nargs="*", default=[32, 64])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--syncs", action="store_true", help="report where a step waits")
    parser.add_argument("--profile", action="store_true", help="list the slowest operators")
    parser.add_argument("--modes", nargs="*", default=["eager", "graph"], choices=MODES)
    options = parser.parse_args()
    roots = ", ".join(f'"{root.resolve()}"' for root in options.data)
    config = load_config(TrainConfig, options.config, [f"data.roots=[{roots}]", *options.settings])
    fabric = launch(config)
    if options.data:
        material = gather_material(config, fabric.device)
    else:
        material = _without_data(config, fabric.device)
    for mode in options.modes:
        for batch in options.batch:
            torch.compiler.reset()
            setting = replace(config, batch=batch, execution=mode)
            line = measure(
                setting, material, options.steps, syncs=options.syncs, profile=options.profile
            )
            print(f"{mode:8} batch {batch:3}  {line}", flush=True)


def measure(
    config: TrainConfig, material: Material, steps: int, *, syncs: bool, profile: bool
) -> str:
    """Time a few steps after warming up."""
    fabric = launch(config)
    run = Run(config, Path("/nonexistent"), fabric, material, build_perceptual(config.loss))
    augment, device = build_augmentation(config.augmentation, config.model.pose.code), fabric.device
    generator = torch.Generator(device).manual_seed(0)

    def draw() -> PairBatch:
        return augment(material.pairs.draw(config.batch, generator), generator).channels_last()

    def step(batch: PairBatch) -> None:
        bend = random_bend(len(batch), generator)
        share = run.follow_schedules(0.5)
        total, _ = run.module(share, *batch.tensors(), bend.affine, bend.weights, bend.controls)
        fabric.backward(total)
        run.guard.before_step()
        run.stepper.step()
        run.stepper.zero_grad()
        if run.average is not None:
            run.average.update(1000)

    began = time.monotonic()
    batch = draw()
    step(batch)
    _wait(device)
    first = time.monotonic() - began
    for _ in range(3):
        step(draw())
    if syncs and device.type == "cuda":
        torch.cuda.set_sync_debug_mode("warn")  # every wait is a warning with its line
        step(draw())
        torch.cuda.set_sync_debug_mode("default")
    if profile:
        _profile(lambda: step(draw()), device)
    drawing = _timed(lambda: draw(), steps, device)
    stepping = _timed(lambda: step(batch), steps, device)
    both = _timed(lambda: step(draw()), steps, device)
    memory = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0
    return (
        f"{config.batch / both:7.1f} pairs/s  draw {1e3 * drawing:6.1f} ms  "
        f"step {1e3 * stepping:6.1f} ms  first {first:5.1f} s  {memory:5.1f} GiB"
    )


def _timed(work: Callable[[], object], steps: int, device: torch.device) -> float:
    _wait(device)
    began = time.monotonic()
    for _ in range(steps):
        work()
    _wait(device)
    return (time.monotonic() - began) / steps


def _profile(work: Callable[[], object], device: torch.device) -> None:
    """Print where the time of three steps goes, by operator and shape."""
    on_gpu = device.type == "cuda"
    activities = [torch.profiler.ProfilerActivity.CPU]
    activities += [torch.profiler.ProfilerActivity.CUDA] if on_gpu else []
    with torch.profiler.profile(activities=activities, record_shapes=True) as profiler:
        for _ in range(3):
            work()
        _wait(device)
    table = profiler.key_averages(group_by_input_shape=True)
    order = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    print(table.table(sort_by=order, row_limit=40, max_name_column_width=50))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _without_data(config: TrainConfig, device: torch.device) -> Material:
    pairs: PairSource = Noise(config.model.image_size, device)
    width = config.model.pose.width
    mean, deviation = torch.zeros(width, device=device), torch.ones(width, device=device)
    return Material(pairs, None, mean, deviation)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
