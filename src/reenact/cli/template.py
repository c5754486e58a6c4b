"""`reenact template`: the motion of a face video, without its pictures, as a small file."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reenact.cli.device import choose_device
from reenact.cli.options import DeviceOption, ModelOption, QuietOption
from reenact.cli.progress import Counted, frame_progress
from reenact.cli.rendering import TEMPLATE_SUFFIX, open_clip
from reenact.cli.targets import check_target, motion_name
from reenact.errors import TemplateError

if TYPE_CHECKING:
    from rich.progress import Progress

    from reenact.animator import Animator
    from reenact.motion.hold import MotionHold
    from reenact.records import Image
    from reenact.template import MotionTemplate
    from reenact.video import Clip


def template(
    driving: Annotated[
        Path,
        typer.Argument(
            metavar="DRIVING",
            help="Face video, GIF, folder or pattern of pictures to read.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Template to write.", show_default="DRIVING.safetensors"
        ),
    ] = None,
    model: ModelOption = "reenact-s",
    device: DeviceOption = "auto",
    crop: Annotated[
        bool, typer.Option(help="Find and cut out the face; without, frames are face crops.")
    ] = True,
    frames: Annotated[
        int | None,
        typer.Option(help="Read no more frames than this.", min=1, show_default="all"),
    ] = None,
    note: Annotated[str, typer.Option(help="Where the video comes from; kept in the file.")] = "",
    overwrite: Annotated[
        bool, typer.Option("-y", "--overwrite", help="Replace an output that exists.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Record the motion of a face video as a template that animates any portrait.

    It holds keypoints and a pose code per frame, and belongs to the weights that made it.

    Examples:

      reenact template talk.mp4 -o talk.safetensors

      reenact animate photo.jpg talk.safetensors
    """
    target = output or Path(motion_name(driving) + TEMPLATE_SUFFIX)
    if target.suffix.lower() != TEMPLATE_SUFFIX:
        raise TemplateError(
            f"{target}: found suffix {target.suffix!r}, expected {TEMPLATE_SUFFIX!r}. "
            "Rename the output."
        )
    check_target(target, [driving], overwrite)

    from reenact.animator import load  # torch takes a while: --help need not wait for it
    from reenact.motion.hold import MotionHold
    from reenact.template import MotionTemplate, save_template

    hold = MotionHold()
    with open_clip(driving) as video, frame_progress(quiet) as progress:
        if isinstance(video, MotionTemplate):
            raise TemplateError(
                f"{driving}: found a motion template, expected a face video. Animate with it."
            )
        animator = load(model, device=choose_device(device))
        recorded = record(animator, video, progress, hold, crop=crop, limit=frames, note=note)
    save_template(target, recorded)
    if hold.held:
        typer.echo(f"reenact: {target}: {hold}", err=True)
    typer.echo(target)


def record(
    animator: Animator,
    video: Clip,
    progress: Progress,
    hold: MotionHold,
    *,
    crop: bool = True,
    limit: int | None = None,
    note: str = "",
) -> MotionTemplate:
    """Read a video into a motion template: once for its face, once for its motion.

    `hold` counts the frames that show no face.
    """
    count = len(video) if limit is None else min(limit, len(video))

    def read(stage: str) -> Counted[Image]:
        return Counted(islice(video, count), count, progress, stage)

    framing = None
    if crop:
        framing = animator.frame_driving(read("finding the face"), role=video.name)
    return animator.record(
        framing=framing,
        frames=read("reading motion"),
        times=islice(video.times(), count),
        timing=video.info,
        note=note,
        hold=hold,
    )
