"""Which clips a model is judged on where the folder or the model says who was trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from reenact.data.clips import validation_identities
from reenact.errors import DataError
from reenact.evaluation.choice import Choice, choose_clips
from reenact.evaluation.history import History, read_history


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """A folder without splits: two clips of ann, one of bob, one of eve."""
    root = tmp_path / "prepared"
    root.mkdir()
    for name in ("ann#1", "ann#2", "bob#1", "eve#1"):
        (root / f"{name}.mp4").touch()
    return root


def history(root: Path, *held_out: str, name: str = "best") -> History:
    return History(name, frozenset({root.resolve()}), frozenset(held_out))


def names(choice: Choice) -> list[str]:
    return [clip.name for clip in choice.footage]


def test_a_folder_without_splits_is_scored_whole_and_says_so(flat: Path) -> None:
    choice = choose_clips(flat, ["test"], [])
    assert names(choice) == ["ann#1", "ann#2", "bob#1", "eve#1"]
    assert choice.remark == "The folder has no splits: all 4 clips."
    assert choose_clips(flat, ["test"], [], limit=3).remark.endswith("3 of 4 clips.")
    assert len(choose_clips(flat, ["test", "other"], []).footage) == 4


def test_people_whom_the_model_was_trained_on_are_left_out(flat: Path) -> None:
    choice = choose_clips(flat, ["test"], [history(flat, "eve")])
    assert names(choice) == ["eve#1"]
    assert choice.remark == (
        "The folder has no splits: 1 of 4 clips, of people whom best did not see in training."
    )


def test_people_are_known_again_where_the_folder_was_moved(flat: Path) -> None:
    elsewhere = flat.parent / "elsewhere"
    assert names(choose_clips(flat, ["test"], [history(elsewhere, "bob", "eve")])) == [
        "bob#1",
        "eve#1",
    ]
    others = choose_clips(flat, ["test"], [history(elsewhere, "bob", "someone")])
    assert others.remark == "The folder has no splits: all 4 clips."


def test_only_people_whom_no_model_was_trained_on_are_left(flat: Path) -> None:
    models = [history(flat, "ann", "eve", name="one"), history(flat, "bob", "eve", name="other")]
    assert names(choose_clips(flat, ["test"], models)) == ["eve#1"]
    models[1] = history(flat, "bob", name="other")
    choice = choose_clips(flat, ["test"], models)
    assert len(choice.footage) == 4
    assert choice.remark == (
        "The folder has no splits: all 4 clips, 4 of them of people whom one or other saw "
        "in training."
    )


def test_clips_of_training_are_scored_where_asked_for(flat: Path) -> None:
    choice = choose_clips(flat, ["train"], [history(flat, "eve")])
    assert len(choice.footage) == 4
    assert "3 of them of people whom best saw in training" in choice.remark


def test_validation_are_the_people_whom_the_model_held_out(flat: Path) -> None:
    choice = choose_clips(flat, ["validation"], [history(flat, "bob")])
    assert names(choice) == ["bob#1"]
    with pytest.raises(DataError, match=r"aldridge.*Choose another --split"):
        choose_clips(flat, ["validation"], [])


def test_splits_that_are_there_are_taken_as_they_are(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / split / f"{split}#1.mp4").touch()
    choice = choose_clips(tmp_path, ["test"], [history(tmp_path, "train")])
    assert (names(choice), choice.remark) == (["test#1"], "")


@pytest.mark.parametrize(
    ("record", "held_out"),
    [
        ({"held_out": ["eve"], "training": {"data": {"held_out": ["bob"]}}}, {"eve"}),
        ({"training": {"data": {"held_out": ["bob"]}}}, {"bob"}),
        ({"training": {"data": {"held_out": None}}}, validation_identities()),
        ({"training": 3, "held_out": "eve"}, validation_identities()),
        ({"held_out": [1, "eve"]}, {"eve"}),
    ],
)
def test_records_tell_who_was_held_out(record: dict[str, object], held_out: set[str]) -> None:
    assert read_history("best", record).held_out == held_out


def test_records_tell_where_training_was(tmp_path: Path) -> None:
    read = read_history("best", {"training": {"data": {"roots": [str(tmp_path), None]}}})
    assert read.roots == {tmp_path}
    assert read.knows(tmp_path, frozenset())
    assert not read_history("best", {}).knows(tmp_path, validation_identities())
