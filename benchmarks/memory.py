"""Peak memory of `reenact animate` for a short and a long 1080p video: it must not grow.

    python benchmarks/memory.py photo.jpg talk.mp4 --frames 250 1500
    python benchmarks/memory.py photo.jpg talk.mp4 --frames 250 15000 --stub

Both inputs are enlarged to 1920 x 1080, and the video is repeated to and fro until it is as long as
asked for. With --stub the networks are stand-ins (of the tests), so that ten minutes of video take
minutes: everything around the networks is measured, and memory grows there if anywhere.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np

from reenact.records import Image
from reenact.video import VideoReader, VideoWriter, load_image, save_image

WIDTH, HEIGHT = 1920, 1080
RATE = Fraction(25)
HALF_LOOP = 50
"""Frames of the clip that are taken, before they come back."""
TOLERATED = 1.10
"""Largest peak over the smallest one."""
TESTS = Path(__file__).parents[1] / "tests"


@dataclass(frozen=True)
class Run:
    """One command and what it took."""

    frames: int
    seconds: float
    peak_mb: float
    """Largest resident set of the process, megabytes of 10^6 bytes."""


def main() -> None:
    """Measure, print a table, and exit with 1 if memory grows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("--frames", type=int, nargs="+", default=[250, 1500])
    parser.add_argument("--device", default="cpu", help="of the animation")
    parser.add_argument("--stub", action="store_true", help="stand-ins for the networks")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        save_image(folder / "photo.png", on_screen(load_image(options.photo)))
        runs = []
        for count in options.frames:
            write_driving(folder / "talk.mp4", options.video, count)
            runs.append(measure(folder, count, options.device, stub=options.stub))
            print(row(runs[-1], runs[0]), flush=True)
    sys.exit(max(run.peak_mb for run in runs) > TOLERATED * min(run.peak_mb for run in runs))


def on_screen(picture: Image) -> Image:
    """A picture in the middle of a 1080p one."""
    scale = HEIGHT / picture.shape[0]
    width = min(WIDTH, round(picture.shape[1] * scale))
    screen = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
    left = (WIDTH - width) // 2
    screen[:, left : left + width] = cv2.resize(picture, (width, HEIGHT))
    return screen


def write_driving(path: Path, video: Path, count: int) -> None:
    """So many frames of a clip that is repeated to and fro, in 1080p."""
    loop = path.with_name("loop.mp4")
    with (
        VideoReader(video) as frames,
        VideoWriter(loop, rate=RATE, comment=None, preset="ultrafast") as sink,
    ):
        clip = [on_screen(frame) for frame, _ in zip(frames, range(HALF_LOOP), strict=False)]
        for frame in clip + clip[::-1]:
            sink.write(frame)
    repeat(loop, path, count)


def repeat(loop: Path, path: Path, count: int) -> None:
    """Copy the pictures of a clip, which has no frames that look ahead, over and over."""
    written = 0
    with av.open(str(path), "w") as output:
        while written < count:
            with av.open(str(loop)) as source:
                stream = source.streams.video[0]
                if not output.streams:
                    sink = output.add_stream_from_template(stream)
                step = round(1 / (RATE * stream.time_base))
                for packet in islice((p for p in source.demux(stream) if p.size), count - written):
                    packet.pts = packet.dts = written * step
                    packet.stream = sink
                    output.mux(packet)
                    written += 1


def measure(folder: Path, count: int, device: str, *, stub: bool) -> Run:
    """Run the command in a process of its own."""
    module = "stubbed" if stub else "reenact.cli.main"
    options = ["-q", "-y", "--device", device, "--preset", "ultrafast", "--quality", "30"]
    inputs = [str(folder / "photo.png"), str(folder / "talk.mp4"), "-o", str(folder / "out.mp4")]
    command = [sys.executable, "-m", module, "animate", *inputs, *options]
    if stub:  # no search for a face: compression shifts the red that the stub looks for
        command += ["--no-crop", "--no-detail"]
    path = os.pathsep.join([*sys.path, str(TESTS)])
    begun = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": path}
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(sys.executable, command, environment, file_actions=silent)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Run(count, time.monotonic() - begun, usage.ru_maxrss * 1024 / 1e6)


def row(run: Run, first: Run) -> str:
    """One line of the table."""
    growth = run.peak_mb / first.peak_mb
    return (
        f"{run.frames:6d} frames ({float(run.frames / RATE) / 60:5.2f} min)  {run.seconds:7.1f} s  "
        f"peak {run.peak_mb:7.0f} MB  x {growth:.3f}"
    )


if __name__ == "__main__":
    main()
