"""Where the pairs of a run come from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from data.made_up_head import write_assets
from footage import write_footage
from reenact.config import SIZES
from reenact.data.head_pairs import HeadPairs
from reenact.data.pairs import MixedPairs
from reenact.data.pool import PairPool
from reenact.errors import WeightsError
from reenact.training.config import DataConfig, TrainConfig
from reenact.training.material import gather_material, source_shares

CPU = torch.device("cpu")


def config(root: Path, **data: float) -> TrainConfig:
    """A run on made-up footage."""
    roots, held_out = (root,), ("eve",)
    return TrainConfig(
        model=SIZES["tiny"], data=DataConfig(roots=roots, held_out=held_out, still_share=0, **data)
    )


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_footage(tmp_path_factory.mktemp("data"), {"ann": (3,), "eve": (3,)})


def test_heads_leave_clips_and_stills_their_proportion() -> None:
    shares = source_shares(DataConfig(still_share=0.75, head_share=0.2))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["heads"] == pytest.approx(0.2)
    assert shares["stills"] / shares["clips"] == pytest.approx(3)


def test_without_a_share_no_heads_are_asked_for(
    footage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REENACT_WEIGHTS", raising=False)
    pairs = gather_material(config(footage), CPU).pairs
    assert isinstance(pairs, MixedPairs)
    assert len(pairs.sources) == 1


def test_a_share_without_the_weights_folder_names_it(
    footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REENACT_WEIGHTS", raising=False)
    with pytest.raises(WeightsError, match="REENACT_WEIGHTS"):
        gather_material(config(footage, head_share=0.5), CPU)
    monkeypatch.setenv("REENACT_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match="ict_facekit"):
        gather_material(config(footage, head_share=0.5), CPU)


def test_heads_are_drawn_at_their_share_and_used_again(
    footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REENACT_WEIGHTS", str(write_assets(tmp_path)))
    monkeypatch.setattr("reenact.training.material.POSE_SAMPLE", 64)
    settings = config(footage, head_share=1 / 64, head_pool=1)
    pairs = gather_material(settings, CPU).pairs
    assert isinstance(pairs, MixedPairs)
    assert pairs.shares == pytest.approx((63 / 64, 1 / 64))
    pool = pairs.sources[1]
    assert isinstance(pool, PairPool)
    assert isinstance(pool.source, HeadPairs)
    first, second = (pairs.draw(64, torch.Generator().manual_seed(i)) for i in range(2))
    assert first.source.shape == (64, 3, 64, 64)
    assert first.source_points.shape == (64, 478, 2)
    assert torch.equal(first.source[-1], second.source[-1])
