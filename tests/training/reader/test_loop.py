"""The loop of the face reader's training: a tiny run, and one that goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from reenact.errors import TrainingError
from reenact.perception.reader import FaceReader, load_reader
from reenact.training.reader.compose import compose_pictures
from reenact.training.reader.inspection import Inspection
from reenact.training.reader.loop import ReaderTraining, train_reader
from reenact.training.reader.step import BatchSizes
from reenact.training.reader.store import ReaderStore
from training.reader.labelled import SMALL, negatives


def test_the_loss_falls_and_the_file_is_whole(
    store: ReaderStore, generator: torch.Generator, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    reader = FaceReader(SMALL)
    sizes = BatchSizes(crops=2, heads=1, empty=2, pictures=2)
    pictures = compose_pictures(store, negatives(), 2, generator)
    inspect = Inspection(store.batch(torch.arange(2)), pictures, tmp_path / "sheet.png")
    config = ReaderTraining(minutes=0.02, sizes=sizes, log_steps=1, save_minutes=0.01)
    averaged = train_reader(
        reader, store, negatives(), config, generator, tmp_path / "r.safetensors", inspect=inspect
    )
    again = load_reader(tmp_path / "r.safetensors")
    bias = averaged.crop_reader.heat.bias
    assert_close(again.crop_reader.heat.bias, bias.half().float(), atol=0, rtol=0)
    assert (tmp_path / "sheet.png").is_file()
    assert "points" in (tmp_path / "r.csv").read_text().splitlines()[0]
    assert not list(tmp_path.glob("*.part"))


def test_bad_gradients_stay_out_of_the_weights_and_end_the_training(
    store: ReaderStore, generator: torch.Generator, tmp_path: Path
) -> None:
    store.points.fill_(torch.nan)
    reader = FaceReader(SMALL)
    before = [parameter.clone() for parameter in reader.parameters()]
    config = ReaderTraining(sizes=BatchSizes(crops=2, heads=1, empty=2, pictures=2), log_steps=1)
    with pytest.raises(TrainingError, match="not finite in any of the last 1 steps"):
        train_reader(reader, store, negatives(), config, generator, tmp_path / "r.safetensors")
    assert_close(list(reader.parameters()), before, atol=0, rtol=0)
