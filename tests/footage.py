"""Small prepared folders of clips and stills that tests learn from."""

from __future__ import annotations

from fractions import Fraction
from importlib import resources
from pathlib import Path

import numpy as np

from reenact.data.sidecar import SideCar, write_sidecar
from reenact.records import FloatArray, Image
from reenact.video import VideoWriter, save_image

SIZE = 256


def frontal_mesh() -> FloatArray:
    """A face that looks ahead from the middle of the crop: (478, 3) pixels."""
    with resources.files("reenact.data").joinpath("face_mesh.npz").open("rb") as stored:
        vertices = np.load(stored)["vertices"]
    pixels = vertices * np.array([8.0, -8.0, -8.0]) + np.array([128.0, 140.0, 0.0])
    irises = np.repeat(pixels[[159, 386]], 5, axis=0)
    return np.concatenate([pixels, irises]).astype(np.float32)


def frames_of(count: int, seed: int) -> Image:
    """A coloured square that wanders over a plain ground: uint8 (count, 256, 256, 3)."""
    colours = np.random.default_rng(seed).integers(40, 216, (2, 3), dtype=np.uint8)
    frames = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    for number, frame in enumerate(frames):
        frame[:] = colours[0]
        x = 60 + 8 * number
        frame[80:176, x : x + 96] = colours[1]
    return frames


def sidecar_of(count: int, *, prepared: bool = True, fps: float | None = 25.0) -> SideCar:
    """A face that drifts to the right by a pixel a frame; regions in bands from top to bottom."""
    drift = np.arange(count, dtype=np.float32)[:, None, None] * np.array([1.0, 0.0, 0.0])
    bands = np.repeat(np.arange(16, dtype=np.uint8) % 15, 16)
    codes = np.linspace(-0.2, 0.2, 6 * count, dtype=np.float32).reshape(count, 6)
    return SideCar(
        landmarks=(frontal_mesh() + drift).astype(np.float32),
        pose=np.zeros((count, 3), dtype=np.float32),
        valid=np.ones(count, dtype=np.bool_),
        detected=np.ones(count, dtype=np.bool_),
        fps=fps,
        pose_code=codes if prepared else None,
        parsing=np.tile(bands[None, :, None], (count, 1, SIZE)) if prepared else None,
    )


def write_footage(root: Path, people: dict[str, tuple[int, ...]], *, prepared: bool = True) -> Path:
    """A folder in the layout of the development clips: frames of every clip of every person."""
    clips, stills = root / "clips" / "train", root / "stills"
    clips.mkdir(parents=True)
    stills.mkdir()
    rows = ["id,identity"]
    for seed, (person, lengths) in enumerate(people.items()):
        for number, count in enumerate(lengths):
            name = f"{person}-{number:02d}"
            rows.append(f"{name},{person}")
            with VideoWriter(clips / f"{name}.mp4", rate=Fraction(25), comment=None) as sink:
                for frame in frames_of(count, seed):
                    sink.write(frame)
            write_sidecar(clips / f"{name}.npz", sidecar_of(count, prepared=prepared))
        save_image(stills / f"{person}-still.jpg", frames_of(1, seed)[0])
        write_sidecar(stills / f"{person}-still.npz", sidecar_of(1, prepared=prepared, fps=None))
        rows.append(f"{person}-still,{person}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root
