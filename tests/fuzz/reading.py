"""How files of every kind are read: all the way, as commands do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import torch

from reenact.checkpoint import load_model
from reenact.cli.rendering import open_clip, read_source
from reenact.data.sidecar import read_sidecar
from reenact.template import MotionTemplate, load_template
from reenact.video import VideoWriter, load_opacity
from reenact.video.fragments import read_unfinished

MOST = 40
"""Frames that are read of a clip, at most: a damaged header may promise any number."""


def copy_clip(path: Path) -> None:
    """Read pictures, times and sound of a clip, and write them again."""
    with open_clip(path) as clip:
        assert not isinstance(clip, MotionTemplate)
        out = path.with_name("copy.mp4")
        writer = VideoWriter(out, like=clip.info, audio=clip.sound, preset="ultrafast")
        with writer as sink:
            times = clip.times()
            for frame in islice(clip, MOST):
                sink.write(frame, next(times))
        out.unlink()


def read_picture(path: Path) -> None:
    """Read a picture and its transparency."""
    assert read_source(path, None).ndim == 3
    load_opacity(path)


def read_template(path: Path) -> None:
    """Read a template and go through its motion."""
    motion = load_template(path)
    deque((motion.time(index) for index in range(min(MOST, len(motion)))), maxlen=0)
    deque(islice(motion.batches(2, torch.device("cpu")), MOST), maxlen=0)


def read_part(path: Path) -> None:
    """Read what a stopped run left."""
    found = read_unfinished(path)
    if found is not None:
        deque(islice(found.packets(), MOST), maxlen=0)


READERS: dict[str, Callable[[Path], object]] = {
    "png": read_picture,
    "jpeg": read_picture,
    "webp": read_picture,
    "tiff": read_picture,
    "unfinished": read_part,
    "template": read_template,
    "sidecar": read_sidecar,
    "checkpoint": load_model,
}
"""By kind; all others are clips."""


def read(kind: str, path: Path) -> object:
    """Read a file of a kind."""
    return READERS.get(kind, copy_clip)(path)
