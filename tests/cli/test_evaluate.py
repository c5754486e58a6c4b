"""`reenact evaluate` from files to tables, with the shipped reader and a model of no training."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from footage import write_footage
from reenact.checkpoint import save_model
from reenact.cli.main import app
from reenact.config import ModelConfig, load_config
from reenact.data.decode import decode_still
from reenact.model import build_model
from reenact.perception import weights


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = load_config(ModelConfig, overrides=["size=tiny"])
    save_model(build_model(config), tmp_path / "tiny.safetensors", config)
    return tmp_path / "tiny.safetensors"


def test_tables_files_and_a_sheet_come_out(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_footage(tmp_path / "data", {"ann": (4,), "bob": (4,)})
    monkeypatch.setattr(weights, "folders", lambda: (tmp_path / "nothing",))
    command = ["evaluate", str(model), str(data), "--split", "train", "--frames", "1", "--quiet"]
    outputs = ["--out", str(tmp_path / "out"), "--sheet", str(tmp_path / "sheet.png")]
    protocols = ["-p", "cross", "-p", "reconstruction", "--stills", str(data), "--pairs", "2"]
    result = CliRunner().invoke(app, [*command, *outputs, *protocols])
    assert result.exception is None, result.output
    assert "**Cross-identity reenactment (thinned to at most 1 frames a clip" in result.stdout
    assert "**Same-identity reconstruction (thinned" in result.stdout
    assert "Left out: csim_mfn (mobilefacenet" in result.stdout
    assert "Left out: sqz_dist (squeezenet" in result.stdout
    with (tmp_path / "out/cross.csv").open(newline="") as stored:
        rows = list(csv.DictReader(stored))
    assert len({row["clip"] for row in rows}) == 2
    assert {row["source"] for row in rows} == {"ann-still", "bob-still"}
    assert all(row["source"][:3] != row["driving"][:3] for row in rows)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    tables = {"cross.csv", "cross-clips.csv", "reconstruction.csv", "reconstruction-clips.csv"}
    assert names == tables | {"summary.json"}
    assert decode_still(tmp_path / "sheet.png").shape[0] == 3
