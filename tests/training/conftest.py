from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from footage import write_footage
from reenact.config import SIZES
from reenact.data.clips import find_clips, split_by_identity
from reenact.data.readings import Readers
from reenact.data.sampling import ClipPairs
from reenact.data.store import ClipStore, load_clips
from reenact.training import build
from reenact.training.config import BudgetConfig, LossConfig, OptimizerConfig, TrainConfig
from reenact.training.material import Material, pose_statistics
from stubs import Pixels

CPU = torch.device("cpu")


def no_readers() -> Readers:
    raise AssertionError("side-cars are complete: nothing is to be read")


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[ClipStore, ClipStore]:
    root = write_footage(tmp_path_factory.mktemp("data"), {"ann": (4,), "bob": (3,), "eve": (4,)})
    kept, held_out = split_by_identity(find_clips(root), frozenset({"eve"}))
    return load_clips(kept, 64, CPU, no_readers), load_clips(held_out, 64, CPU, no_readers)


@pytest.fixture
def gather(stores: tuple[ClipStore, ClipStore]) -> Callable[[TrainConfig, torch.device], Material]:
    def make(config: TrainConfig, device: torch.device) -> Material:
        pairs = ClipPairs(stores[0])
        mean, deviation = pose_statistics(pairs, device, config.seed)
        return Material(pairs, stores[1], mean, deviation, ("eve",))

    return make


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> TrainConfig:
    """A run of six steps of the smallest model, with stand-in features."""
    monkeypatch.setattr(build, "load_features", lambda name, policy: Pixels())
    return TrainConfig(
        model=SIZES["tiny"],
        loss=LossConfig(pyramid=(1.0,), pixel=1.0, flow=1.0),
        optimizer=OptimizerConfig(average=0.9, warmup=2),
        budget=BudgetConfig(steps=6),
        batch=2,
        accelerator="cpu",
        precision="32-true",
        log_every=2,
        validate_every=0.5,
        validation_frames=2,
        save_every=0.5,
        tensorboard=False,
    )


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return tmp_path / "run"
