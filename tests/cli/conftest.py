"""Commands on stand-ins of the networks, and a photograph for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reenact import animator, checkpoint
from reenact.animator import Animator
from reenact.perception import reader
from reenact.video import save_image
from stubs import StubModel, StubReader, picture_with_face


@pytest.fixture
def stub_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have commands load a model and a reader whose answers are known."""

    def load(name: str, device: object, batch_size: int | None = None) -> Animator:
        return Animator(StubModel(), StubReader(), name=name, batch_size=batch_size or 4)

    monkeypatch.setattr(animator, "load", load)
    monkeypatch.setattr(reader, "load_reader", lambda device: StubReader())
    monkeypatch.setattr(checkpoint, "weights_hash", lambda model: "c" * 64)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A file with a face in it, as the stand-in reader sees it."""
    save_image(tmp_path / "photo.png", picture_with_face())
    return tmp_path / "photo.png"
