"""What is known about every frame of a clip, or about a still: one npz beside it."""

from __future__ import annotations

import os
import struct
import tokenize
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reenact.errors import DataError
from reenact.records import FloatArray

DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy and zipfile raise on damaged and hostile files, each part of them in its own way."""
PARSING_SIZE = 256
"""Pixels on a side of the stored parsing, whatever the size of the picture."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SideCar:
    """Readings of T frames; a still has T = 1."""

    landmarks: FloatArray
    """(T, L, 3) float32, pixels of the picture from its top left corner; NaN where no face."""
    pose: FloatArray
    """(T, 3) float32 yaw, pitch, roll in degrees; NaN where no face."""
    valid: NDArray[np.bool_]
    """(T,) the mesh found a face."""
    detected: NDArray[np.bool_]
    """(T,) a separate detector agrees."""
    fps: float | None = None
    """Frames per second; None for a still."""
    pose_code: FloatArray | None = None
    """(T, P) float32 as read by the pose encoder; None until prepared."""
    parsing: NDArray[np.uint8] | None = None
    """(T, 256, 256) labels; None until prepared."""

    def __post_init__(self) -> None:
        if self.landmarks.ndim != 3:
            raise DataError(
                f"side-car: 'landmarks' has {self.landmarks.ndim} dimensions, expected 3 (frames, "
                "points, coordinates). Prepare the clip again."
            )
        frames = len(self)
        for name in ("pose", "valid", "detected", "pose_code", "parsing"):
            value = getattr(self, name)
            if value is not None and value.shape[:1] != (frames,):
                rows = value.shape[0] if value.ndim else 0
                raise DataError(
                    f"side-car: '{name}' has {rows} rows, expected {frames} like 'landmarks'. "
                    "Prepare the clip again."
                )

    def __len__(self) -> int:
        return len(self.landmarks)

    @property
    def prepared(self) -> bool:
        """Whether the shipped reader's part, pose code and parsing, is there."""
        return self.pose_code is not None and self.parsing is not None


def read_sidecar(path: Path) -> SideCar:
    """Read an npz as written by `write_sidecar` or by the makers of the development clips.

    Raises:
        DataError: Missing, damaged, or without a required key.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            values: dict[str, Any] = {key: stored[key] for key in stored.files}
        return _sidecar(path, values)
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: no side-car there, expected one beside every clip and still. "
            "Run `reenact prepare` on the folder."
        ) from error
    except DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path}: cannot be read as npz ({reason}), expected a whole side-car. "
            "Run `reenact prepare` on the folder again."
        ) from error


def _sidecar(path: Path, values: dict[str, Any]) -> SideCar:
    """The record of what was stored."""
    missing = [key for key in ("landmarks", "pose", "valid") if key not in values]
    if missing:
        raise DataError(
            f"{path}: keys {', '.join(missing)} are missing among {', '.join(sorted(values))}. "
            "Run `reenact prepare` on the folder again."
        )
    valid = np.asarray(values["valid"], dtype=np.bool_)
    return SideCar(
        landmarks=_floats(values["landmarks"]),
        pose=_floats(values["pose"]),
        valid=valid,
        detected=np.asarray(values.get("detected", valid), dtype=np.bool_),
        fps=float(values["fps"]) if "fps" in values else None,
        pose_code=_floats(values["pose_code"]) if "pose_code" in values else None,
        parsing=np.ascontiguousarray(values["parsing"]) if "parsing" in values else None,
    )


def write_sidecar(path: Path, sidecar: SideCar) -> None:
    """Write compressed; the file appears under its name only when whole."""
    values = {f.name: getattr(sidecar, f.name) for f in fields(sidecar)}
    stored = {key: value for key, value in values.items() if value is not None}
    for key in ("landmarks", "pose"):
        # Column-major, time fastest: neighbouring frames are alike and pack better.
        stored[key] = np.asfortranarray(stored[key].astype(np.float16))
    if "fps" in stored:
        stored["fps"] = np.float32(stored["fps"])
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as sink:
            np.savez_compressed(sink, **stored)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _floats(values: Any) -> FloatArray:
    return np.ascontiguousarray(values, dtype=np.float32)
