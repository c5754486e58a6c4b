"""Where the pairs of a run come from."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

from data.made_up_head import write_assets
from footage import write_footage
from reenact.config import SIZES
from reenact.data.clips import Footage
from reenact.data.head_pairs import HeadPairs
from reenact.data.pairs import MixedPairs
from reenact.data.pool import PairPool
from reenact.errors import DataError, WeightsError
from reenact.training import material
from reenact.training.config import DataConfig, LossConfig, TrainConfig
from reenact.training.material import (
    choose_people,
    find_footage,
    gather_material,
    reuses_pairs,
    source_shares,
    training_stills,
)

CPU = torch.device("cpu")


def config(root: Path, **data: float) -> TrainConfig:
    """A run on made-up footage."""
    roots, held_out = (root,), ("eve",)
    return TrainConfig(
        model=SIZES["tiny"],
        loss=LossConfig(pyramid=(1.0,)),
        data=DataConfig(roots=roots, held_out=held_out, still_share=0, **data),
    )


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_footage(tmp_path_factory.mktemp("data"), {"ann": (3,), "eve": (3,)})


def names(footage: Iterable[Footage]) -> set[str]:
    return {item.identity for item in footage}


def test_without_the_shipped_people_some_are_held_out_and_named(
    footage: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        clips, held_out = find_footage(DataConfig(roots=(footage,)), seed=3)
    assert names(clips) | names(held_out) == {"ann", "eve"}
    assert len(names(held_out)) == 1
    assert f"of 2 people: {held_out[0].identity}" in caplog.text
    settings = TrainConfig(
        model=SIZES["tiny"],
        loss=LossConfig(pyramid=(1.0,)),
        data=DataConfig(roots=(footage,), still_share=0),
        seed=3,
    )
    gathered = gather_material(settings, CPU)
    assert gathered.held_out == (held_out[0].identity,)
    assert gathered.validation.names == (held_out[0].name,)


def test_named_people_and_those_of_the_shipped_list_are_held_out_alone(tmp_path: Path) -> None:
    root = write_footage(tmp_path, {"ann": (2,), "bob": (2,), "christie": (2,)})
    assert names(find_footage(DataConfig(roots=(root,)))[1]) == {"christie"}
    assert names(find_footage(DataConfig(roots=(root,), held_out=("bob",)))[1]) == {"bob"}
    with pytest.raises(DataError, match="0 of people held out"):
        find_footage(DataConfig(roots=(root,), held_out=("nobody",)))


def test_a_tenth_of_the_people_is_held_out_by_chance() -> None:
    people = [f"person {number}" for number in range(200)]
    assert [len(choose_people(people[:n], 0)) for n in (1, 3, 19, 20, 49, 200)] == [
        1,
        1,
        1,
        2,
        4,
        5,
    ]
    chosen = choose_people(people, 0)
    assert choose_people(reversed(people), 0) == chosen != choose_people(people, 1)
    assert len(choose_people([*people, "one more"], 0) & chosen) >= 4


def test_stills_of_people_held_out_are_not_trained_on(footage: Path) -> None:
    stills = training_stills(DataConfig(roots=(footage,)), frozenset({"eve"}))
    assert names(stills) == {"ann"}
    stills = training_stills(DataConfig(roots=(footage,), held_out=("ann",)), frozenset())
    assert names(stills) == {"eve"}


def test_a_folder_may_hold_stills_alone(footage: Path, tmp_path: Path) -> None:
    shutil.copytree(footage / "stills", tmp_path / "portraits")
    data = DataConfig(roots=(footage, tmp_path / "portraits"), held_out=("eve",))
    assert names(find_footage(data)[0]) == {"ann"}
    data = DataConfig(roots=(tmp_path / "portraits",))
    with pytest.raises(DataError, match="0 clips to train on"):
        find_footage(data)


def test_missing_stills_are_told_before_clips_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_footage(tmp_path, {"ann": (2,), "eve": (2,)})
    (held_out,) = choose_people({"ann", "eve"}, 0)
    for still in (root / "stills").iterdir():
        if not still.name.startswith(held_out):
            still.unlink()
    monkeypatch.setattr(material, "load_clips", None)
    settings = TrainConfig(
        model=SIZES["tiny"], loss=LossConfig(pyramid=(1.0,)), data=DataConfig(roots=(root,))
    )
    with pytest.raises(DataError, match=r"another --data.*--set data\.still_share=0"):
        gather_material(settings, CPU)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (DataConfig(), False),
        (DataConfig(still_fresh=0.5), True),
        (DataConfig(still_fresh=0.5, still_share=0), False),
        (DataConfig(head_share=0.1), True),
        (DataConfig(head_share=0.1, head_fresh=1), False),
    ],
)
def test_pairs_are_used_again_where_not_all_are_fresh(data: DataConfig, expected: bool) -> None:
    assert reuses_pairs(data) == expected


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
