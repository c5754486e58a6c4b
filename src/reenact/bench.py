"""How fast a model is on this machine, and what it needs: medians, one driving frame at a time."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from reenact.animator import Animator
from reenact.doctor import device_name
from reenact.engine import to_batch
from reenact.motion.transfer import transfer
from reenact.perception.cropping import CROP_SIZE, cut
from reenact.portrait import Portrait
from reenact.records import Animation, Image
from reenact.video import VideoReader, VideoWriter, ahead, behind

WARM_UP = 5
"""Frames before the clock starts."""
MIN_FRAMES = 8
"""Of a video."""
RATE = Fraction(25)


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What was measured, and on what."""

    model: str
    device: str
    device_name: str
    precision: str
    threads: int
    """Of torch on the CPU."""
    torch: str
    frames: int
    """Frames timed one at a time."""
    runs: int
    """Videos made from end to end."""
    video_frames: int
    """Frames of each of them."""
    batch_size: int
    """Frames rendered together end to end; `network_ms` is always at 1."""
    source_ms: float
    """One photograph, from pixels to the state that is kept; its second time."""
    network_ms: float
    """One driving crop at batch 1, from tensor to frame tensor, with the source cached: median."""
    network_ms_p90: float
    """The time that nine of ten frames stay below."""
    network_fps: float
    """1000 / network_ms."""
    end_to_end_fps: float
    """Frames a second from a video file to a video file, finding the face, cropping, pasting back,
    decoding and encoding included, loading and the source not: median."""
    framing_ms: float
    """Milliseconds of the same before the first frame is made: the driving video is decoded once,
    and its face looked for in 48 frames at most; median."""
    running_fps: float
    """Of the same, frames a second from then on: what a long video comes close to; median."""
    peak_memory_mb: float
    """Megabytes (10^6 bytes) at most in use."""
    peak_memory_of: str
    """What they are counted of: tensors on the GPU, or the resident size of the whole process."""


def measure(
    animator: Animator, photo: Image, frames: int = 30, runs: int = 3, role: str = "source"
) -> Benchmark:
    """Time a model.

    Args:
        animator: The model, on its device.
        photo: Picture with a face: the source, and, drifting, the driving video.
        frames: Frames to time one at a time; a video has half as many, and 8 or more.
        runs: Videos to make.
        role: What the picture is, for errors.
    """
    device = animator.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    animator.encode_source(photo, role=role)
    began = _now(device)
    portrait = animator.encode_source(photo)
    source_ms = (_now(device) - began) * 1000
    times = time_network(animator, portrait, drifting(photo, frames))
    count = max(MIN_FRAMES, frames // 2)
    videos = time_videos(animator, portrait, photo, count, runs)
    memory, counted = peak_memory(device)
    network_ms = float(np.median(times)) * 1000
    return Benchmark(
        model=animator.name,
        device=str(device),
        device_name=device_name(device),
        precision="bfloat16" if device.type == "cuda" else "float32",
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        frames=len(times),
        runs=len(videos),
        video_frames=count,
        batch_size=animator.batch_size,
        source_ms=source_ms,
        network_ms=network_ms,
        network_ms_p90=float(np.quantile(times, 0.9)) * 1000,
        network_fps=1000 / network_ms,
        end_to_end_fps=float(np.median([count / (each.framing + each.rest) for each in videos])),
        framing_ms=float(np.median([each.framing for each in videos])) * 1000,
        running_fps=float(np.median([count / each.rest for each in videos])),
        peak_memory_mb=memory / 1e6,
        peak_memory_of=counted,
    )


def time_network(animator: Animator, portrait: Portrait, clip: Iterable[Image]) -> list[float]:
    """Seconds of each driving crop on its own: pose, keypoints, transfer and rendering."""
    device, own = animator.device, portrait.motion
    crops = [to_batch([cut(frame, portrait.square, CROP_SIZE)], device) for frame in clip]
    initial = animator.read_crops(crops[0])

    def step(crop: Tensor) -> Animation:
        driving = animator.read_crops(crop)
        moved = transfer(own.keypoints, own.pose, driving, initial, adapt_scale=True)
        return animator.render(portrait, moved)

    for number in range(WARM_UP):
        step(crops[number % len(crops)])
    return [_seconds(device, step, crop) for crop in crops]


@dataclass(frozen=True)
class VideoTimes:
    """Seconds that a video took, from file to file."""

    framing: float
    """Until its face was found."""
    rest: float
    """From then on."""


def time_videos(
    animator: Animator, portrait: Portrait, photo: Image, count: int, runs: int
) -> list[VideoTimes]:
    """Make videos of so many frames."""
    with tempfile.TemporaryDirectory(prefix="reenact-bench-") as name:
        driving, made = Path(name) / "driving.mp4", Path(name) / "made.mp4"
        with VideoWriter(driving, rate=RATE, comment=None) as sink:
            for frame in drifting(photo, count):
                sink.write(frame)
        return [make_video(animator, portrait, driving, made) for _ in range(runs)]


def make_video(animator: Animator, portrait: Portrait, driving: Path, target: Path) -> VideoTimes:
    """What `reenact animate` does once everything is loaded and the source is encoded."""
    began = _now(animator.device)
    with VideoReader(driving) as frames:
        framing = animator.frame_driving(ahead(frames))
        found = _now(animator.device)
        with (
            closing(ahead(frames)) as driving_frames,
            VideoWriter(target, frames.info) as sink,
            behind(sink.write) as write,
        ):
            for frame in animator.animate(portrait, driving_frames, framing=framing):
                write(frame)
    return VideoTimes(found - began, _now(animator.device) - found)


def drifting(photo: Image, count: int) -> Iterator[Image]:
    """The picture on a slow circle of a fiftieth of its width, as frames with even sides."""
    height, width = (side // 2 * 2 for side in photo.shape[:2])
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = 0.02 * width
    for turn in turns:
        shift = np.array([[1, 0, radius * np.sin(turn)], [0, 1, radius * (1 - np.cos(turn))]])
        moved = cv2.warpAffine(photo, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
        yield np.asarray(moved, dtype=np.uint8)


def peak_memory(device: torch.device) -> tuple[float, str]:
    """Bytes at most in use, and what they are counted of."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device)), "tensors on the GPU"
    try:
        import resource
    except ImportError:  # not on Windows
        return float("nan"), "unknown on this system"
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return float(peak), "resident size of the process"


def _seconds(device: torch.device, work: Callable[..., object], *arguments: object) -> float:
    """How long a call takes, its work on the device included."""
    began = _now(device)
    work(*arguments)
    return _now(device) - began


def _now(device: torch.device) -> float:
    """Seconds on a clock that waits for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
