from __future__ import annotations

from pathlib import Path

import pytest
import torch

from reenact.errors import WeightsError
from reenact.evaluation.networks import load_networks
from reenact.evaluation.protocols import Protocol
from reenact.perception import weights
from reenact.perception.identity import MobileFaceNet

CPU = torch.device("cpu")
RECONSTRUCTION, OCCLUSION, CROSS = Protocol.RECONSTRUCTION, Protocol.OCCLUSION, Protocol.CROSS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where weights are looked for, and nowhere else."""
    monkeypatch.setattr(weights, "folders", lambda: (tmp_path,))
    return tmp_path


def test_what_is_missing_is_said_of_the_tables_that_lack_it(folder: Path) -> None:
    networks = load_networks([RECONSTRUCTION, CROSS], CPU)
    assert (networks.features, networks.landmarker, networks.identity) == (None, None, None)
    reconstruction, cross = map(" ".join, map(networks.remarks, (RECONSTRUCTION, CROSS)))
    assert "Left out: sqz_dist" in reconstruction
    assert "Left out: csim_mfn" in reconstruction
    assert "judge of faces" not in reconstruction, "nobody would ask it"
    assert "reenact weights fetch mobilefacenet" in cross
    assert "mediapipe_face_landmarker" in cross
    assert "sqz_dist" not in cross


@pytest.mark.usefixtures("folder")
def test_what_nobody_asks_for_is_not_missed() -> None:
    assert load_networks([OCCLUSION], CPU).missing == ()
    assert load_networks([RECONSTRUCTION], CPU, sqz_dist=False, identity=False).missing == ()


def test_weights_that_are_there_are_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / MobileFaceNet.FILE
    path.parent.mkdir()
    torch.save(MobileFaceNet().state_dict(), path)
    monkeypatch.setattr(weights, "check_hash", lambda entry, path: None)
    networks = load_networks([RECONSTRUCTION], CPU, sqz_dist=False)
    assert isinstance(networks.identity, MobileFaceNet)
    assert networks.hashes().keys() == {MobileFaceNet.FILE}
    (remark,) = networks.remarks(RECONSTRUCTION)
    assert "judge of faces" in remark


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_wrong_weights_are_an_error_and_no_remark(folder: Path, content: bytes) -> None:
    path = folder / MobileFaceNet.FILE
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="SHA-256"):
        load_networks([RECONSTRUCTION], CPU, sqz_dist=False)
