"""The training loop of the face reader: one device, a budget in minutes, nothing from disk."""

from __future__ import annotations

import copy
import csv
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from reenact.perception.reader import FaceReader, save_reader
from reenact.training.guard import GradientGuard
from reenact.training.reader.step import BatchSizes, LossWeights, step_data, step_loss
from reenact.training.reader.store import ReaderStore

logger = logging.getLogger(__name__)

Renew = Callable[[ReaderStore], None]
"""Draws a few synthetic heads into the store."""
Inspect = Callable[[FaceReader], dict[str, float]]
"""Scores the averaged reader on people it is not trained on, and writes the sample sheet."""


@dataclass(frozen=True, kw_only=True)
class ReaderTraining:
    """Budget and optimiser."""

    minutes: float = 8.0
    """Whole budget; the learning rate falls with it."""
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup_steps: int = 200
    average: float = 0.998
    """Decay of the averaged weights, which are what is saved."""
    clip: float = 5.0
    """Largest norm of the gradient."""
    head_share: float = 0.12
    """Share of the time that may go into drawing synthetic heads."""
    log_steps: int = 50
    inspect_minutes: float = 1.5
    save_minutes: float = 2.0
    sizes: BatchSizes = field(default_factory=BatchSizes)
    weights: LossWeights = field(default_factory=LossWeights)


def train_reader(
    reader: FaceReader,
    store: ReaderStore,
    negatives: Tensor,
    config: ReaderTraining,
    generator: torch.Generator,
    out: Path,
    renew: Renew | None = None,
    inspect: Inspect | None = None,
) -> FaceReader:
    """Train in place until the budget is spent; returns the averaged reader, saved at `out`."""
    device = generator.device
    reader.to(device).train().requires_grad_(True)
    reader.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(reader).eval().requires_grad_(False)
    optimizer = _optimizer(reader, config)
    guard = GradientGuard(optimizer, [], None, _statistics(reader))
    followers, leaders = _numbers(averaged), _numbers(reader)
    clock = _Clock(config.minutes * 60)
    last_save = last_look = clock.seconds()
    drawing, step = 0.0, 0
    sums: dict[str, Tensor] = {}
    summed = 0

    def record(step: int) -> dict[str, float]:
        sizes = config.sizes
        crops = sizes.crops + sizes.heads + sizes.empty
        return {
            "steps": step,
            "crops": step * crops,
            "pictures": step * sizes.pictures,
            "minutes": round(clock.seconds() / 60, 1),
            "labelled": store.real,
        }

    while clock.share() < 1:
        if renew is not None and drawing < config.head_share * clock.seconds():
            drawing += _timed(renew, store, device)

        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * _rate(step, clock.share(), config.warmup_steps)
        batch, pictures = step_data(store, negatives, config.sizes, generator)
        total, terms = step_loss(reader, batch, pictures, config.weights)
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        norm = guard.before_step()
        nn.utils.clip_grads_with_norm_(reader.parameters(), config.clip, norm)
        optimizer.step()
        step += 1
        _follow(followers, leaders, min(config.average, (1 + step) / (10 + step)))

        for name, value in {"total": total.detach(), "gradient": norm, **terms}.items():
            sums[name] = sums.get(name, torch.zeros_like(value)) + value
        summed += 1
        if step % config.log_steps == 0 or step in (1, 10):
            means = {name: float(value) / summed for name, value in sums.items()}
            sums = {}
            _log(out.with_suffix(".csv"), step, clock, len(batch), means)
            if guard.check(summed):
                logger.warning("some gradients were not finite: the averaged weights begin anew")
                torch._foreach_copy_(followers, leaders)
            summed = 0
        if clock.seconds() - last_save > config.save_minutes * 60:
            save_reader_whole(averaged, out, record(step))
            last_save = clock.seconds()
        if inspect is not None and clock.seconds() - last_look > config.inspect_minutes * 60:
            logger.info("step %d: %s", step, _line(inspect(averaged)))
            last_look = clock.seconds()

    scores = {} if inspect is None else inspect(averaged)
    save_reader_whole(averaged, out, record(step) | scores)
    logger.info("end, step %d: %s", step, _line(scores))
    return averaged


def save_reader_whole(reader: FaceReader, path: Path, record: Mapping[str, float]) -> None:
    """Write beside, then move: the file is whole whenever it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    save_reader(reader, beside, record)
    beside.replace(path)
    logger.info("saved %s, %.2f MiB", path, path.stat().st_size / 2**20)


class _Clock:
    def __init__(self, budget: float) -> None:
        self._start, self._budget = time.monotonic(), budget

    def seconds(self) -> float:
        return time.monotonic() - self._start

    def share(self) -> float:
        return self.seconds() / self._budget


def _rate(step: int, share: float, warmup: int) -> float:
    """Share of the full learning rate: linear warm-up, then half a cosine over the budget."""
    return min(1.0, (step + 1) / warmup) * (
        0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(share, 1)))
    )


def _optimizer(reader: FaceReader, config: ReaderTraining) -> torch.optim.AdamW:
    """Weight decay on matrices and kernels alone."""
    parameters = list(reader.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.99), fused=True)


@torch.no_grad()
def _follow(averaged: list[Tensor], reader: list[Tensor], decay: float) -> None:
    """Move the averaged weights and statistics a step towards the trained ones."""
    torch._foreach_lerp_(averaged, reader, 1 - decay)


def _numbers(reader: FaceReader) -> list[Tensor]:
    """Weights and running statistics, where they lie."""
    return [tensor for tensor in reader.state_dict().values() if tensor.is_floating_point()]


def _statistics(reader: FaceReader) -> list[Tensor]:
    """Running statistics, which a bad forward pass spoils."""
    return [buffer for buffer in reader.buffers() if buffer.is_floating_point()]


def _timed(renew: Renew, store: ReaderStore, device: torch.device) -> float:
    _wait(device)
    start = time.monotonic()
    renew(store)
    _wait(device)
    return time.monotonic() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _log(path: Path, step: int, clock: _Clock, samples: int, means: dict[str, float]) -> None:
    seconds = clock.seconds()
    row = {
        "step": step,
        "seconds": round(seconds, 1),
        "crops_per_s": samples * step / seconds,
        **means,
    }
    fresh = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" for name, value in row.items()})
    logger.info(
        "step %d, %.0f s, %.0f crops/s: %s", step, seconds, row["crops_per_s"], _line(means)
    )


def _line(values: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.4g}" for name, value in values.items())
