from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from footage import sidecar_of
from reenact.data.sidecar import SideCar, read_sidecar, write_sidecar
from reenact.errors import DataError


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = sidecar_of(3)
    write_sidecar(tmp_path / "clip.npz", written)
    read = read_sidecar(tmp_path / "clip.npz")
    assert read.prepared
    assert read.fps == 25.0
    np.testing.assert_allclose(read.landmarks, written.landmarks, atol=0.13)
    for name in ("pose_code", "parsing", "valid", "detected"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))


def test_column_major_files_are_read_in_row_order(tmp_path: Path) -> None:
    written = sidecar_of(3, prepared=False)
    write_sidecar(tmp_path / "clip.npz", written)
    with np.load(tmp_path / "clip.npz") as stored:
        assert stored["landmarks"].flags.f_contiguous
        assert stored["landmarks"].dtype == np.float16
    read = read_sidecar(tmp_path / "clip.npz")
    assert read.landmarks.flags.c_contiguous
    assert read.landmarks.dtype == np.float32
    assert not read.prepared


def test_frames_without_a_face_stay_unknown(tmp_path: Path) -> None:
    sidecar = sidecar_of(3)
    sidecar.landmarks[1] = np.nan
    write_sidecar(tmp_path / "clip.npz", sidecar)
    unknown = np.isnan(read_sidecar(tmp_path / "clip.npz").landmarks).all((1, 2))
    np.testing.assert_array_equal(unknown, [False, True, False])


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    write_sidecar(tmp_path / "clip.npz", sidecar_of(2))
    assert [path.name for path in tmp_path.iterdir()] == ["clip.npz"]


def test_lengths_must_agree() -> None:
    whole = sidecar_of(3)
    with pytest.raises(DataError, match="'pose' has 2 rows, expected 3"):
        SideCar(
            landmarks=whole.landmarks,
            pose=whole.pose[:2],
            valid=whole.valid,
            detected=whole.detected,
        )


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no side-car there"), (b"PK\x03\x04 torn", "cannot be read as npz")],
)
def test_unreadable_files_are_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "clip.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_sidecar(path)
    assert str(path) in str(error.value)


def test_missing_keys_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "clip.npz", landmarks=np.zeros((1, 478, 3)))
    with pytest.raises(DataError, match="keys pose, valid are missing among landmarks"):
        read_sidecar(tmp_path / "clip.npz")
