"""Whole files of every kind that is read, small, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2

from awkward.models import whole_model
from awkward.motions import template
from footage import sidecar_of
from reenact.data.sidecar import write_sidecar
from reenact.video import ResumableWriter
from video.clips import make_clip, numbered_frame


def _picture(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"picture{suffix}"
        path.write_bytes(bytes(cv2.imencode(suffix, numbered_frame(3))[1]))
        return path

    return make


def _sidecar(folder: Path) -> Path:
    write_sidecar(folder / "clip.npz", sidecar_of(2))
    return folder / "clip.npz"


def _unfinished(folder: Path) -> Path:
    writer = ResumableWriter(folder / "clip.mp4", rate=Fraction(4), job="fuzz", preset="ultrafast")
    for index in range(12):
        writer.write(numbered_frame(index))
    writer.stop()
    return folder / "clip.partial.mp4"


SPECIMENS: dict[str, Callable[[Path], Path]] = {
    "mp4": lambda folder: make_clip(folder / "clip.mp4", 6, sound=0.3),
    "hevc": lambda folder: make_clip(folder / "clip.mov", 6, codec="libx265"),
    "mkv": lambda folder: make_clip(folder / "clip.mkv", 6, sound=0.2),
    "ts": lambda folder: make_clip(folder / "clip.ts", 6),
    "webm": lambda folder: make_clip(folder / "clip.webm", 6, codec="libvpx-vp9"),
    "avi": lambda folder: make_clip(folder / "a.avi", 6, codec="mjpeg", pix_fmt="yuvj420p"),
    "gif": lambda folder: make_clip(folder / "a.gif", 6, codec="gif", pix_fmt="rgb8"),
    "animation": lambda folder: make_clip(
        folder / "a.webp", 6, codec="libwebp_anim", pix_fmt="bgra"
    ),
    "png": _picture(".png"),
    "jpeg": _picture(".jpg"),
    "webp": _picture(".webp"),
    "tiff": _picture(".tiff"),
    "unfinished": _unfinished,
    "template": template,
    "sidecar": _sidecar,
    "checkpoint": whole_model,
}
"""Kinds, each with what writes a file of it into a folder."""

SHARES: dict[str, int] = {
    "mp4": 400,
    "gif": 150,
    "png": 150,
    "jpeg": 200,
    "webp": 100,
    "animation": 150,
    "template": 200,
    "sidecar": 150,
    "checkpoint": 100,
    "unfinished": 100,
    "mkv": 100,
    "ts": 50,
    "hevc": 50,
    "webm": 50,
    "avi": 25,
    "tiff": 25,
}
"""Mutated files of every kind, 2,000 in all."""
