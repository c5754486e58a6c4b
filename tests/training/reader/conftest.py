"""What the tests of the face reader's training share."""

from __future__ import annotations

import pytest
import torch

from reenact.training.reader.batch import ReaderBatch
from reenact.training.reader.store import ReaderStore
from training.reader.labelled import labelled


@pytest.fixture
def store() -> ReaderStore:
    return ReaderStore(labelled(), synthetic=2, device=torch.device("cpu"))


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def batch(store: ReaderStore) -> ReaderBatch:
    return store.batch(torch.arange(4))
