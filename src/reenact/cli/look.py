"""`reenact look`: what the model saw and did, as one picture and one short video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reenact.cli.animate import Motion
from reenact.cli.device import choose_device
from reenact.cli.options import (
    CropOption,
    DeviceOption,
    MaxTurnOption,
    ModelOption,
    QuietOption,
)
from reenact.cli.progress import Counted, frame_progress
from reenact.cli.rendering import Settings, open_clip
from reenact.cli.targets import check_target
from reenact.errors import MediaError

if TYPE_CHECKING:
    from rich.progress import Progress

    from reenact.animator import Animator, MotionMode
    from reenact.look import Sheet
    from reenact.portrait import Portrait
    from reenact.records import Image
    from reenact.template import MotionTemplate
    from reenact.video import Clip

QUALITY = 20
"""Constant rate factor of the video: thin lines stay clear."""


def look(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="Photograph of a face.", show_default=False)
    ],
    driving: Annotated[
        Path | None,
        typer.Argument(
            metavar="DRIVING",
            help="Face video, GIF, folder or pattern of pictures, or motion template.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Picture to write (.png, .jpg); the video lies next to it as .mp4.",
            show_default="SOURCE-look.png",
        ),
    ] = None,
    frame: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Driving frame of the picture, from 0; the middle of the video.",
            show_default="the one that moves most",
        ),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Length of the video.")] = 50,
    model: ModelOption = "reenact-s",
    device: DeviceOption = "auto",
    motion: Annotated[
        Motion, typer.Option(help="How the motion is taken over, as in `animate`.")
    ] = Motion.RELATIVE,
    adapt_scale: Annotated[
        bool, typer.Option(help="Fit relative motion to the size of the face.")
    ] = True,
    max_turn: MaxTurnOption = Settings.max_turn,
    crop: CropOption = True,
    overwrite: Annotated[
        bool, typer.Option("-y", "--overwrite", help="Replace outputs that exist.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Show why a frame looks as it does.

    One page with the crops, landmarks, parsing, keypoints, flow, occlusion, the attention to the
    facelet of every region, and the frame as the model draws it. Without a driving video, of the
    portrait at rest.

    Examples:

      reenact look photo.jpg

      reenact look photo.jpg talk.mp4 -o why.png --frame 120
    """
    picture = output or Path(f"{source.stem}-look.png")
    video = picture.with_suffix(".mp4")
    check_picture_name(picture)
    inputs = [path for path in (source, driving) if path is not None]
    for target in [picture] if driving is None else [picture, video]:
        check_target(target, inputs, overwrite)

    from reenact.animator import load  # torch takes a while: --help need not wait for it
    from reenact.look import Sheet
    from reenact.video import generated_by, load_image, save_image

    photo = load_image(source)
    if driving is None:
        animator = load(model, device=choose_device(device))
        portrait = animator.encode_source(photo, crop=crop, role=str(source))
        page = Sheet(animator, portrait, f"{animator.name}: {source.name}").draw(note="at rest")
        save_image(picture, page, generated_by(animator.name, animator.weights))
        typer.echo(picture)
        return
    with open_clip(driving) as clip, frame_progress(quiet) as progress:
        check_frame(driving, frame, len(clip))
        animator = load(model, device=choose_device(device))
        portrait = animator.encode_source(photo, crop=crop, role=str(source))
        comment = generated_by(animator.name, animator.weights)
        title = f"{animator.name}: {source.name} driven by {driving.name}"
        page = write_pages(
            Sheet(animator, portrait, title),
            animator,
            portrait,
            clip,
            video,
            progress,
            comment=comment,
            frame=frame,
            frames=frames,
            motion=motion.value,
            adapt_scale=adapt_scale,
            max_turn=max_turn,
            crop=crop,
        )
    save_image(picture, page, comment)
    typer.echo(picture)
    typer.echo(video)


def write_pages(
    sheet: Sheet,
    animator: Animator,
    portrait: Portrait,
    driving: Clip | MotionTemplate,
    target: Path,
    progress: Progress,
    *,
    comment: str,
    frame: int | None = None,
    frames: int = 50,
    motion: MotionMode = "relative",
    adapt_scale: bool = True,
    max_turn: float = Settings.max_turn,
    crop: bool = True,
) -> Image:
    """Write a video of one page a frame; returns the page of `frame`, or where most moves."""
    from reenact.look import watch
    from reenact.template import MotionTemplate
    from reenact.video import VideoWriter

    total = len(driving)
    start = 0 if frame is None else min(max(0, frame - frames // 2), max(0, total - frames))
    count = min(frames, total - start)
    framing = None
    if crop and not isinstance(driving, MotionTemplate):
        clip = Counted(driving, total, progress, "finding the face")
        framing = animator.frame_driving(clip, role=driving.name)
    stages = watch(
        animator,
        portrait,
        driving,
        framing,
        motion,
        adapt_scale=adapt_scale,
        max_turn=max_turn,
        start=start,
        count=count,
    )
    info = driving if isinstance(driving, MotionTemplate) else driving.info
    kept, most = None, -1.0
    with VideoWriter(target, info, comment=comment, quality=QUALITY) as sink:
        for stage in Counted(stages, count, progress, "drawing"):
            page = sheet.draw(stage, f"driving frame {stage.index} of {total}")
            sink.write(page, info.time(stage.index) - info.time(start))
            wanted = stage.change > most if frame is None else stage.index == frame
            if wanted or kept is None:
                kept, most = page, stage.change
    assert kept is not None  # a video without frames is an error of the writer
    return kept


def check_picture_name(path: Path) -> None:
    """Refuse, before any work, a name that no picture can have.

    Raises:
        MediaError: The suffix names no picture format.
    """
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise MediaError(
            f"{path}: the suffix {path.suffix!r} names no picture format, expected .png or .jpg. "
            "Rename the output."
        )


def check_frame(driving: Path, frame: int | None, total: int) -> None:
    """Refuse a frame that the driving video does not have.

    Raises:
        MediaError: There is none of that number.
    """
    if frame is not None and frame >= total:
        raise MediaError(
            f"{driving}: found {total} frames, expected one of number {frame}, counted from 0. "
            "Choose another --frame."
        )
