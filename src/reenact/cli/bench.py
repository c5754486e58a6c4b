"""`reenact bench`: how fast a model is on this machine."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reenact.cli.device import choose_device
from reenact.cli.options import DeviceOption, ModelOption

if TYPE_CHECKING:
    from reenact.bench import Benchmark


def bench(
    model: ModelOption = "reenact-s",
    device: DeviceOption = "auto",
    photo: Annotated[
        Path | None,
        typer.Option(help="Photograph to animate.", show_default="the astronaut of scikit-image"),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Driving frames to time.")] = 30,
    runs: Annotated[int, typer.Option(min=1, help="Videos to make from end to end.")] = 3,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Frames rendered together end to end.", show_default="1, or 8 on a GPU"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure milliseconds a frame, frames a second, and memory.

    network: one driving crop at a time, from tensor to frame, the source cached: pose, keypoints,
    motion, drawing. end to end: from video file to video file, as `animate` does it, without
    loading; a short video takes longer a frame, as its face is found first. Numbers are medians.

    Examples:

      reenact bench --model reenact-s --device cpu

      reenact bench --device cuda --json
    """
    from reenact.animator import load  # torch takes a while: --help need not wait for it
    from reenact.bench import measure
    from reenact.video import load_image

    picture = None if photo is None else load_image(photo)
    if picture is None:
        from skimage.data import astronaut

        picture = astronaut()
    animator = load(model, device=choose_device(device), batch_size=batch_size)
    role = str(photo or "astronaut")
    result = measure(animator, picture, frames=frames, runs=runs, role=role)
    typer.echo(json.dumps(plain(result)) if as_json else text(result))


def plain(result: Benchmark) -> dict[str, object]:
    """For programs: numbers to four digits, null where there is none."""
    return {name: _rounded(value) for name, value in asdict(result).items()}


def text(result: Benchmark) -> str:
    """For people: a line a number."""
    memory = f"{result.peak_memory_mb:.0f} MB, {result.peak_memory_of}"
    lines = {
        "model": result.model,
        "device": f"{result.device} ({result.device_name})",
        "runs as": f"{result.precision}, {result.threads} CPU threads, torch {result.torch}",
        "source": f"{result.source_ms:.1f} ms, once per photograph",
        "network": f"{result.network_ms:.1f} ms a frame (90 % below {result.network_ms_p90:.1f}), "
        f"{result.network_fps:.1f} fps; {result.frames} frames, batch 1, source cached",
        "end to end": f"{result.end_to_end_fps:.1f} fps; {result.runs} videos of "
        f"{result.video_frames} frames, batch {result.batch_size}",
        "of that": f"{result.framing_ms:.0f} ms a video to find its face, then "
        f"{result.running_fps:.1f} fps",
        "peak memory": memory if math.isfinite(result.peak_memory_mb) else result.peak_memory_of,
    }
    return "\n".join(f"{name:<13}{value}" for name, value in lines.items())


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value
