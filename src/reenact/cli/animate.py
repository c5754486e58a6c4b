"""`reenact animate`: a photograph and a face video in, a video of the photograph out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reenact.cli.device import choose_device
from reenact.cli.progress import Counted, frame_progress
from reenact.errors import MediaError

if TYPE_CHECKING:
    from fractions import Fraction

    from rich.progress import Progress

    from reenact.animator import Animator, MotionMode
    from reenact.portrait import Portrait
    from reenact.records import Image
    from reenact.template import MotionTemplate
    from reenact.video import Timing, VideoReader

TEMPLATE_SUFFIX = ".safetensors"


class Motion(StrEnum):
    """How the driving face's motion is taken over."""

    RELATIVE = "relative"
    ABSOLUTE = "absolute"


def animate(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="SOURCE", help="Photograph of a face, any size.", show_default=False
        ),
    ] = None,
    driving: Annotated[
        Path | None,
        typer.Argument(
            metavar="DRIVING", help="Face video or motion template.", show_default=False
        ),
    ] = None,
    source_option: Annotated[
        Path | None,
        typer.Option("-s", "--source", "--source_image", help="SOURCE, by name."),
    ] = None,
    driving_option: Annotated[
        Path | None,
        typer.Option("-d", "--driving", "--driving_video", help="DRIVING, by name."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            "--result_video",
            help="Video to write (.mp4, .m4v, .mov, .mkv).",
            show_default="SOURCE-DRIVING.mp4",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("-m", "--model", help="A shipped model's name, or a checkpoint's path.")
    ] = "reenact-s",
    device: Annotated[
        str, typer.Option(help="cpu, cuda or cuda:N; auto takes a GPU if there is one.")
    ] = "auto",
    motion: Annotated[
        Motion,
        typer.Option(
            help="relative: what the driving face does since its first frame. "
            "absolute: its own place and shape too."
        ),
    ] = Motion.RELATIVE,
    relative: Annotated[
        bool, typer.Option("--relative", help="The same as --motion relative.")
    ] = False,
    adapt_scale: Annotated[
        bool,
        typer.Option(
            "--adapt-scale/--no-adapt-scale",
            "--adapt_scale",
            help="Fit relative motion to the size of the face.",
        ),
    ] = True,
    best_frame: Annotated[
        bool,
        typer.Option(
            "--find-best-frame",
            "--find_best_frame",
            help="Start relative motion from the driving frame that looks most like the source, "
            "not from the first.",
        ),
    ] = False,
    crop: Annotated[
        bool,
        typer.Option(help="Find and cut out both faces; without, both are taken for face crops."),
    ] = True,
    paste_back: Annotated[
        bool, typer.Option(help="Write the whole photograph; without, the bare 256 x 256 square.")
    ] = True,
    detail: Annotated[
        bool, typer.Option(help="Put the photograph's own fine detail back into the frames.")
    ] = True,
    audio: Annotated[bool, typer.Option(help="Keep the sound of the driving video.")] = True,
    quality: Annotated[
        int, typer.Option(min=0, max=51, help="Constant rate factor of H.264; less is better.")
    ] = 18,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Frames rendered together.", show_default="1, or 8 on a GPU"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("-y", "--overwrite", help="Replace an output that exists.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show no progress.")] = False,
) -> None:
    """Animate a portrait with any face video.

    The photograph stays whole, the video's sound and frame times are kept.

    Examples:

      reenact animate photo.jpg talk.mp4 -o out.mp4

      reenact animate photo.jpg talk.mp4 --motion absolute --no-paste-back

      reenact animate photo.jpg motion.safetensors -o out.mp4
    """
    source_path, driving_path = pair_inputs((source, driving), source_option, driving_option)
    if relative and motion is Motion.ABSOLUTE:
        raise typer.BadParameter("--relative and --motion absolute exclude each other.")
    if best_frame and (not crop or driving_path.suffix.lower() == TEMPLATE_SUFFIX):
        raise typer.BadParameter(
            "--find-best-frame reads faces: it goes neither with --no-crop nor with a template."
        )
    target = output or Path(f"{source_path.stem}-{driving_path.stem}.mp4")
    check_target(target, (source_path, driving_path), overwrite)

    from reenact.animator import load  # torch takes a while: --help need not wait for it
    from reenact.video import load_image

    photo = load_image(source_path)
    with open_driving(driving_path) as frames:
        chosen = choose_device(device)
        animator = load(model, device=chosen, batch_size=batch_size)
        if not quiet:
            typer.echo(f"{animator.name} on {chosen}", err=True)
        with frame_progress(quiet) as progress:
            write_animation(
                animator,
                animator.encode_source(photo, crop=crop),
                frames,
                target,
                progress,
                motion=motion.value,
                adapt_scale=adapt_scale,
                best_frame=best_frame,
                crop=crop,
                paste_back=paste_back,
                detail=detail,
                audio=audio,
                quality=quality,
            )
    typer.echo(target)


def write_animation(
    animator: Animator,
    portrait: Portrait,
    driving: VideoReader | MotionTemplate,
    target: Path,
    progress: Progress,
    *,
    motion: MotionMode = "relative",
    adapt_scale: bool = True,
    best_frame: bool = False,
    crop: bool = True,
    paste_back: bool = True,
    detail: bool = True,
    audio: bool = True,
    quality: int = 18,
) -> None:
    """Animate a portrait into a video file that has the driving video's times and sound."""
    from reenact.template import MotionTemplate
    from reenact.video import VideoWriter, ahead, generated_by

    total, framing, sound = len(driving), None, None
    if isinstance(driving, MotionTemplate):
        frames: Iterable[Image] | MotionTemplate = driving
        timing: Timing = driving
        times: Iterator[Fraction] = (driving.time(index) for index in range(total))
    else:
        if crop:
            framing = animator.frame_driving(
                Counted(driving, total, progress, "finding the face"),
                like=portrait if best_frame else None,
            )
        sound = driving.path if audio else None
        timing, times, frames = driving.info, driving.times(), ahead(driving)
    made = animator.animate(
        portrait,
        frames,
        motion,
        adapt_scale=adapt_scale,
        crop=crop,
        paste_back=paste_back,
        detail=detail,
        framing=framing,
    )
    mark = generated_by(animator.name)
    with (
        VideoWriter(target, timing, audio=sound, comment=mark, quality=quality) as sink,
        closing(ahead(made)) as ready,
    ):
        for frame, time in zip(Counted(ready, total, progress, "animating"), times, strict=False):
            sink.write(frame, time)


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


def pair_inputs(
    positional: tuple[Path | None, Path | None], source: Path | None, driving: Path | None
) -> tuple[Path, Path]:
    """Source and driving from what was given by name and, for the rest, by place."""
    by_place = [path for path in positional if path is not None]
    pair = [path or (by_place.pop(0) if by_place else None) for path in (source, driving)]
    if pair[0] is None or pair[1] is None:
        missing = "SOURCE" if pair[0] is None else "DRIVING"
        raise typer.BadParameter(f"{missing} is missing: give a photograph and a face video.")
    if by_place:
        raise typer.BadParameter(f"{by_place[0]} is one input too many.")
    return pair[0], pair[1]


def check_target(target: Path, inputs: Iterable[Path], overwrite: bool) -> None:
    """Refuse, before any work, to write over an input or over a file with something in it.

    Raises:
        MediaError: The output is an input, or exists and may not be replaced.
    """
    from reenact.video.partial import PartialFile

    if not target.exists():
        PartialFile(target).discard()  # fails where no file can be written
        return
    if any(path.exists() and target.samefile(path) for path in inputs):
        raise MediaError(
            f"{target}: found an input of this run, expected another file. Choose another output."
        )
    if target.is_dir():
        raise MediaError(f"{target}: found a folder, expected a file name. Add one.")
    if target.stat().st_size and not overwrite:
        raise MediaError(
            f"{target}: exists already, expected a new name. Choose one, or give --overwrite."
        )
