"""One animation from start to end: driving motion to a file that is whole or can be continued."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal

import typer

from reenact import __version__
from reenact.cli.progress import Counted
from reenact.errors import MediaError

if TYPE_CHECKING:
    from fractions import Fraction

    from rich.progress import Progress

    from reenact.animator import Animator, MotionMode
    from reenact.portrait import Portrait
    from reenact.records import Image
    from reenact.template import MotionTemplate
    from reenact.video import Clip, Sound, Timing, VideoReader

TEMPLATE_SUFFIX = ".safetensors"
STOPPED = 130
"""Exit code after Ctrl-C or a request to end, as of shells."""
ENDS = 1 << 20
"""Bytes at each end of an input that tell it from others."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the frames of an animation depend on, beside its inputs and the model."""

    motion: MotionMode = "relative"
    adapt_scale: bool = True
    best_frame: bool = False
    crop: bool = True
    paste_back: bool = True
    detail: bool = True
    audio: Literal["source", "driving", "none"] = "driving"
    quality: int = 18
    preset: str = "medium"
    face: int = 1
    source_frame: int | None = None
    driving_from: float = 0.0
    driving_to: float | None = None


def write_animation(
    animator: Animator,
    portrait: Portrait,
    driving: Clip | MotionTemplate,
    target: Path,
    progress: Progress,
    settings: Settings,
    *,
    source: Path,
    job: str,
    resume: bool = False,
) -> None:
    """Animate a portrait into a video file that has the driving video's times."""
    from reenact.template import MotionTemplate
    from reenact.video import ResumableWriter, ahead, find_earlier, generated_by

    earlier = find_earlier(target, job) if resume else None
    done = earlier.frames if earlier else 0
    total, framing = len(driving), None
    if isinstance(driving, MotionTemplate):
        frames: Iterable[Image] | MotionTemplate = driving
        timing: Timing = driving
        times: Iterator[Fraction] = (driving.time(index) for index in range(total))
    else:
        if settings.crop:
            framing = animator.frame_driving(
                Counted(driving, total, progress, "finding the face"),
                like=portrait if settings.best_frame else None,
            )
        timing, times, frames = driving.info, driving.times(), ahead(driving)
    made = animator.animate(
        portrait,
        frames,
        settings.motion,
        adapt_scale=settings.adapt_scale,
        crop=settings.crop,
        paste_back=settings.paste_back,
        detail=settings.detail,
        framing=framing,
        skip=done,
    )
    with (
        ResumableWriter(
            target,
            timing,
            job=job,
            earlier=earlier,
            audio=choose_sound(settings.audio, source, driving),
            comment=generated_by(animator.name),
            quality=settings.quality,
            preset=settings.preset,
        ) as sink,
        closing(ahead(made)) as ready,
    ):
        counted = Counted(ready, total, progress, "animating", done)
        for frame, time in zip(counted, islice(times, done, None), strict=False):
            sink.write(frame, time)


def choose_sound(
    whose: Literal["source", "driving", "none"], source: Path, driving: Clip | MotionTemplate
) -> Sound | None:
    """The sound of an output; None where nothing is to be heard.

    Raises:
        MediaError: The source is to be heard, and is none that can have sound.
    """
    from reenact.template import MotionTemplate
    from reenact.video import PICTURES, Sound

    if whose == "source":
        if source.suffix.lower() in PICTURES:
            raise MediaError(
                f"{source}: found a picture, expected a video for --audio source. "
                "Choose --audio driving or none."
            )
        return Sound(source)
    return None if whose == "none" or isinstance(driving, MotionTemplate) else driving.sound


@contextmanager
def open_driving(path: Path) -> Iterator[VideoReader | MotionTemplate]:
    """A video, or a motion template by its suffix."""
    from reenact.template import load_template
    from reenact.video import VideoReader

    if path.suffix.lower() == TEMPLATE_SUFFIX:
        yield load_template(path)
    else:
        with VideoReader(path) as frames:
            yield frames


@contextmanager
def open_clip(
    path: Path, begin: float = 0.0, end: float | None = None
) -> Iterator[Clip | MotionTemplate]:
    """Like `open_driving`, or the pictures of a folder, a pattern or one file as a clip.

    Only what is shown from `begin` on and before `end`, in seconds, is there.
    """
    from fractions import Fraction

    from reenact.template import MotionTemplate
    from reenact.video import Excerpt, ImageSequence, picture_files

    first, last = Fraction(str(begin)), None if end is None else Fraction(str(end))
    files = picture_files(path)
    with open_driving(path) if files is None else nullcontext(ImageSequence(files)) as whole:
        if not begin and end is None:
            yield whole
        elif isinstance(whole, MotionTemplate):
            yield whole.between(first, last)
        else:
            yield Excerpt(whole, first, last)


def read_source(path: Path, frame: int | None) -> Image:
    """A picture, or the frame of a video that was asked for; the first one otherwise."""
    from reenact.video import load_frame, load_image

    return load_image(path) if frame is None else load_frame(path, frame)


@contextmanager
def stoppable(target: Path) -> Iterator[None]:
    """End on Ctrl-C or a request to end with what is finished in place, and say where.

    Raises:
        typer.Exit: Stopped; with code 130.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if main else None
    try:
        yield
    except KeyboardInterrupt:
        from reenact.video import partial_path

        part = partial_path(target)
        found = f"{part} is finished; --resume goes on" if part.exists() else "nothing is finished"
        typer.echo(f"reenact: stopped: {found}", err=True)
        raise typer.Exit(STOPPED) from None
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def job_key(inputs: Sequence[Path], model: str, settings: Settings) -> str:
    """A word for all that the frames of an animation and their encoding depend on."""
    import av

    parts = [__version__, av.__version__, model, json.dumps(asdict(settings), sort_keys=True)]
    shipped = Path(__file__).parents[1] / "weights"
    paths = [*inputs, Path(model), shipped / f"{model}.safetensors", shipped / "reader.safetensors"]
    paths += [file for path in inputs for file in _files(path)]
    return hashlib.sha256("\n".join(parts + [_mark(path) for path in paths]).encode()).hexdigest()


def is_done(target: Path, job: str) -> bool:
    """Whether the output of a job is there, whole."""
    from reenact.video.fragments import job_of

    return target.is_file() and job_of(target) == job


def _files(place: Path) -> list[Path]:
    """What is in a folder or matches a pattern."""
    from reenact.video.images import expand, is_pattern

    if place.is_dir():
        return sorted(place.iterdir())
    return expand(place) if is_pattern(place) else []


def _mark(path: Path) -> str:
    """Size and ends of a file, which tell it from others; empty where there is none."""
    if not path.is_file():
        return ""
    size = path.stat().st_size
    with path.open("rb") as file:
        ends = file.read(ENDS)
        file.seek(max(file.tell(), size - ENDS), os.SEEK_SET)
        ends += file.read(ENDS)
    return f"{size} {hashlib.sha256(ends).hexdigest()}"
