from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from reenact import checkpoint
from reenact.config import SIZES
from reenact.doctor import files
from reenact.doctor.files import examine_file, shipped_files
from reenact.model import build_model
from reenact.perception import weights
from reenact.perception.weights import Tier, WeightsFile

CONTENT = b"numbers"
ENTRY = WeightsFile(
    name="net/net.bin",
    job="a test",
    licence="MIT",
    tier=Tier.PERMISSIVE,
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    origin="somebody",
)


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REENACT_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(weights, "cache_folder", lambda: tmp_path / "cache")
    (tmp_path / "net").mkdir()
    return tmp_path / ENTRY.name


def test_a_file_of_others_is_absent_ok_or_wrong_and_stays_where_it_is(stored: Path) -> None:
    assert (examine_file(ENTRY).state, examine_file(ENTRY).sha256) == ("absent", "")
    stored.write_bytes(CONTENT)
    assert (examine_file(ENTRY).state, examine_file(ENTRY).sha256) == ("ok", ENTRY.sha256)
    assert examine_file(replace(ENTRY, sha256=ENTRY.sha256[:8])).state == "ok"
    stored.write_bytes(b"other")
    assert "wrong hash" in examine_file(ENTRY).state
    assert stored.read_bytes() == b"other"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with one small model, and without a reader."""
    model = build_model(SIZES["tiny"])
    checkpoint.save_model(model, tmp_path / "reenact-s.safetensors", SIZES["tiny"])
    monkeypatch.setattr(files, "shipped_reader", lambda: tmp_path / "reader.safetensors")
    shipped = {"reenact-s": tmp_path / "reenact-s.safetensors"}
    monkeypatch.setattr(checkpoint, "shipped_models", lambda: shipped)
    return tmp_path


def test_shipped_files_are_opened(folder: Path) -> None:
    reader, model = shipped_files()
    assert (reader.job, reader.state) == ("face reader", "missing")
    assert (model.name, model.state, model.tier) == ("reenact-s", "ok", "permissive")
    path = Path(model.path)
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.weights == checkpoint.weights_hash(checkpoint.load_model(path))


def test_damage_is_said(folder: Path) -> None:
    path = folder / "reenact-s.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    (folder / "motion.safetensors").write_bytes(b"no motion")
    _, model, motion = shipped_files()
    assert "cannot be read" in model.state
    assert motion.job == "motion template"
    assert motion.state != "ok"
