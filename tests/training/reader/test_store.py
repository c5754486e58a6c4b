"""The label pack in memory."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch.testing import assert_close

from reenact.training.reader.store import read_labelled, to_unit
from training.reader.labelled import labelled


def test_a_pack_is_read_back(tmp_path: Path) -> None:
    data = labelled(2)
    (tmp_path / "stills").mkdir()
    picture = cv2.resize(data.images[0], (512, 512))
    cv2.imwrite(str(tmp_path / "stills" / "a.jpg"), picture)
    files = [cv2.imencode(".png", label)[1].ravel() for label in data.labels]
    np.savez(
        tmp_path / "stills.npz",
        bytes=np.concatenate(files),
        offsets=np.cumsum([0, *map(len, files)]),
        clip=np.array(["stills/a", "stills/a"]),
        identity=np.array(["x", "y"]),
        frame=np.zeros(2, np.int32),
        square=np.array([[0, 0, 512], [100, 100, 200]], np.float32),
        landmarks=data.landmarks.astype(np.float16),
        pose=data.pose,
        expression=data.expression,
        pose_code=np.zeros((2, 6), np.float32),
    )
    read = read_labelled(tmp_path / "stills.npz", tmp_path, workers=1)
    assert (read.labels == data.labels).all()
    assert np.abs(read.images[0].astype(int) - data.images[0]).mean() < 10
    assert read.identity == ["x", "y"]
    assert_close(to_unit(torch.tensor([[0.5, 255.5, 127.5]])), torch.tensor([[-1.0, 1.0, 1.0]]))
