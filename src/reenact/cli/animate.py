"""`reenact animate`: a photograph and a face video in, a video of the photograph out."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer

from reenact.cli.batch import Batch, asks_for_several, expand_sources
from reenact.cli.device import choose_device
from reenact.cli.layout import check_layout
from reenact.cli.motion import (
    Region,
    check_faces,
    choose_part,
    choose_smoothing,
)
from reenact.cli.options import (
    CropOption,
    DeviceOption,
    MaxTurnOption,
    ModelOption,
    QuietOption,
)
from reenact.cli.progress import EventProgress, frame_progress, tell
from reenact.cli.rendering import TEMPLATE_SUFFIX, Settings, open_clip
from reenact.cli.stopping import stoppable
from reenact.cli.targets import OutputFormat, check_target

__all__ = ["Motion", "animate", "check_target", "split_inputs"]


class Motion(StrEnum):
    """How the driving face's motion is taken over."""

    RELATIVE = "relative"
    ABSOLUTE = "absolute"


class Audio(StrEnum):
    """Whose sound the output has."""

    SOURCE = "source"
    DRIVING = "driving"
    NONE = "none"


class Preset(StrEnum):
    """Effort of the encoder, in the words of x264."""

    ULTRAFAST = "ultrafast"
    VERYFAST = "veryfast"
    FAST = "fast"
    MEDIUM = "medium"
    SLOW = "slow"
    VERYSLOW = "veryslow"


def animate(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SOURCE... DRIVING",
            help="Photographs of faces, or patterns of them, of any size; then a face video, GIF, "
            "folder or pattern of pictures, picture, or motion template.",
            show_default=False,
        ),
    ] = None,
    source_option: Annotated[
        list[Path] | None,
        typer.Option("-s", "--source", "--source_image", help="SOURCE, by name; may be repeated."),
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
            help="Video to write (.mp4, .mov, .mkv, .webm, .avi, .gif, ...), pictures like "
            "frames/%05d.png, or a folder for several.",
            show_default="SOURCE-DRIVING.mp4",
        ),
    ] = None,
    model: ModelOption = "reenact-s",
    device: DeviceOption = "auto",
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
    strength: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=2.0,
            help="How much of the motion is taken over: 0 = at rest, 1 = as driven, 2 = twice.",
        ),
    ] = 1.0,
    max_turn: MaxTurnOption = Settings.max_turn,
    only: Annotated[
        Region | None,
        typer.Option(
            help="Take over the head's movement alone (pose), all but that (expression), or what "
            "the mouth or the eyes do of it (lips, eyes; the shipped model moves eyelids little).",
            show_default="all",
        ),
    ] = None,
    keep_pose: Annotated[
        bool,
        typer.Option(
            "--keep-pose",
            help="Leave the head as it is in the source; the same as --only expression.",
        ),
    ] = False,
    smooth: Annotated[
        bool, typer.Option("--smooth", help="Take the jitter out of the motion (one-euro filter).")
    ] = False,
    smooth_cutoff: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            help="Hz; lower is steadier where the face rests. Implies --smooth.",
            show_default="1.5",
        ),
    ] = None,
    smooth_beta: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Higher lags less where the face moves fast. Implies --smooth.",
            show_default="10",
        ),
    ] = None,
    best_frame: Annotated[
        bool,
        typer.Option(
            "--find-best-frame",
            "--find_best_frame",
            help="Start relative motion from the driving frame that looks most like the source, "
            "not from the first.",
        ),
    ] = False,
    face: Annotated[
        int, typer.Option(min=1, help="Which face of the source to animate; 1 is the largest.")
    ] = 1,
    all_faces: Annotated[
        bool, typer.Option("--all-faces", help="Animate every face of the source.")
    ] = False,
    source_frame: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Animate this one frame of a source that is a video, counted from 1.",
            show_default=False,
        ),
    ] = None,
    driving_from: Annotated[
        float, typer.Option(min=0.0, help="Seconds of DRIVING at which to begin.")
    ] = 0.0,
    driving_to: Annotated[
        float | None,
        typer.Option(min=0.0, help="Seconds of DRIVING at which to end.", show_default="its end"),
    ] = None,
    crop: CropOption = True,
    paste_back: Annotated[
        bool, typer.Option(help="Write the whole photograph; without, the bare 256 x 256 square.")
    ] = True,
    detail: Annotated[
        bool, typer.Option(help="Put the photograph's own fine detail back into the frames.")
    ] = True,
    audio: Annotated[
        Audio, typer.Option(help="Whose sound to keep; source: that of a source video.")
    ] = Audio.DRIVING,
    no_audio: Annotated[bool, typer.Option("--no-audio", help="The same as --audio none.")] = False,
    form: Annotated[
        OutputFormat,
        typer.Option("--format", help="What outputs are whose names are not given in full."),
    ] = OutputFormat.MP4,
    codec: Annotated[
        str | None,
        typer.Option(
            help="h264, hevc, vp9, av1, prores, ffv1, ..., or an encoder of FFmpeg.",
            show_default="the usual one",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="Size of the output: a height (720), a box to fit into (1024x768), or a share "
            "(50%, 0.5).",
            show_default="that of the photograph",
        ),
    ] = None,
    alpha: Annotated[
        bool,
        typer.Option(
            "--alpha",
            help="Keep the transparency of the photograph; of one that has none, show the head "
            "alone. For .png, .webm, .mov and .mkv.",
        ),
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Show source | driving | result side by side.")
    ] = False,
    quality: Annotated[
        int,
        typer.Option(
            min=0,
            max=51,
            help="On the scale of H.264's constant rate factor, whatever the codec: 0 is lossless, "
            "51 worst.",
        ),
    ] = 18,
    preset: Annotated[
        Preset, typer.Option(help="Effort of the encoder; slower makes smaller files.")
    ] = Preset.MEDIUM,
    sign: Annotated[
        bool,
        typer.Option(
            "--sign",
            help="Sign outputs (C2PA); needs the extra 'provenance'. Without a certificate, with "
            "one made for this computer.",
        ),
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="Certificate chain (PEM) to sign with; implies --sign.")
    ] = None,
    private_key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Frames rendered together.", show_default="1, or 8 on a GPU"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("-y", "--overwrite", help="Replace an output that exists.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on where an earlier run of the same command was stopped."
        ),
    ] = False,
    quiet: QuietOption = False,
    advice: Annotated[
        bool,
        typer.Option("--advice/--no-advice", help="Say what to know about the inputs beforehand."),
    ] = True,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Write events to stdout, one line of JSON each, for programs."),
    ] = False,
) -> None:
    """Animate a portrait with any face video.

    The photograph stays whole, the video's sound and frame times are kept.

    A source that is a video is animated frame by frame: each driving frame moves the source frame
    that is shown at its time, both counted from their beginnings, until one of them ends. Relative
    motion is added to the source's own; with --keep-pose its head does what it did.
    --all-faces takes every face that is there for more than a moment, wherever it comes in.

    While the driving face is lost, the last motion is held; while a face of a source video is, its
    place stays as it is. How often is said at the end.

    The output appears when it is whole. Until then, and after Ctrl-C, a crash or a full disk, what
    is finished is in NAME.partial.mp4, which plays, and which --resume continues. GIF, PNG, alpha
    and codecs other than h264, hevc, vp9 and av1 are encoded only when all frames are there; the
    part is lossless then, and takes more room.

    Every output says in its metadata that it was generated, and by which weights; see
    `reenact verify`.

    Exit codes: 0 all made; 1 an error, and nothing made; 2 a command that makes no sense; 3 some of
    several sources not made, each named on stderr; 130 stopped by Ctrl-C or a request to end.

    With --json the events are: start (model, device, sources), advice (source, about, kind, text),
    progress (stage, done, total, fps), done (source, target, held, absent), failed (source, error),
    stopped (source, partial: null where there is none), end (made, failed).

    Examples:

      reenact animate photo.jpg talk.mp4 -o out.mp4

      reenact animate photo.jpg talk.mp4 --motion absolute --no-paste-back

      reenact animate photo.jpg motion.safetensors -o out.mp4

      reenact animate photo.jpg talk.mp4 -o out.mp4 --resume

      reenact animate photo.png talk.mp4 -o head.webm --alpha

      reenact animate photo.jpg talk.mp4 -o frames/%05d.png --size 1024x768

      reenact animate group.jpg talk.mp4 --all-faces --strength 0.7

      reenact animate person.mp4 talk.mp4 --keep-pose --smooth

      reenact animate friends.mp4 talk.mp4 --all-faces

      reenact animate 'photos/*.jpg' talk.mp4 -o results --driving-from 2 --driving-to 7.5
    """
    sources, driving = split_inputs(inputs or [], source_option or [], driving_option)
    if relative and motion is Motion.ABSOLUTE:
        raise typer.BadParameter("--relative and --motion absolute exclude each other.")
    if best_frame and (not crop or driving.suffix.lower() == TEMPLATE_SUFFIX):
        raise typer.BadParameter(
            "--find-best-frame reads faces: it goes neither with --no-crop nor with a template."
        )
    if best_frame and motion is Motion.ABSOLUTE:
        raise typer.BadParameter("--find-best-frame is for relative motion.")
    if not all(map(isfinite, (driving_from, driving_to or 0.0))):
        raise typer.BadParameter("--driving-from and --driving-to are seconds.")
    if driving_to is not None and driving_to <= driving_from:
        raise typer.BadParameter("--driving-to must be later than --driving-from.")
    check_faces(all_faces, face, crop=crop, paste_back=paste_back)
    check_layout(size, driving, alpha=alpha, compare=compare)
    if (certificate is None) != (private_key is None):
        raise typer.BadParameter("--certificate and --private-key go together.")
    settings = Settings(
        motion=motion.value,
        adapt_scale=adapt_scale,
        strength=strength,
        max_turn=max_turn,
        only=choose_part(only, keep_pose),
        smooth=choose_smoothing(smooth, smooth_cutoff, smooth_beta),
        best_frame=best_frame,
        crop=crop,
        paste_back=paste_back,
        detail=detail,
        audio="none" if no_audio else audio.value,
        quality=quality,
        preset=preset.value,
        face=face,
        all_faces=all_faces,
        source_frame=source_frame,
        driving_from=driving_from,
        driving_to=driving_to,
        codec=codec,
        size=size,
        alpha=alpha,
        compare=compare,
        sign=sign or certificate is not None,
        certificate=None if certificate is None else str(certificate),
        private_key=None if private_key is None else str(private_key),
    )
    with stoppable(events=as_json):
        batch = Batch(
            expand_sources(sources),
            driving,
            output,
            settings,
            model,
            overwrite=overwrite,
            resume=resume,
            events=as_json,
            advice=advice and (as_json or not quiet),
            form=form,
            several=asks_for_several(sources),
        )
        if batch.tasks:
            with open_clip(driving, driving_from, driving_to) as frames:
                from reenact.animator import load  # takes a while: --help need not wait for it

                chosen = choose_device(device)
                animator = load(model, device=chosen, batch_size=batch_size)
                if as_json:
                    tell("start", model=animator.name, device=str(chosen), sources=batch.total)
                elif not quiet:
                    typer.echo(f"{animator.name} on {chosen}", err=True)
                with EventProgress() if as_json else frame_progress(quiet) as progress:
                    batch.run(animator, frames, progress)
        batch.conclude()


def split_inputs(
    by_place: Sequence[Path], sources: Sequence[Path], driving: Path | None
) -> tuple[list[Path], Path]:
    """Sources and driving from what was given by name and, for the rest, by place."""
    rest = list(by_place)
    if driving is None and rest:
        driving = rest.pop()
    sources = [*sources, *rest]
    if not sources or driving is None:
        missing = "DRIVING" if sources or driving is None else "SOURCE"
        raise typer.BadParameter(f"{missing} is missing: give photographs and a face video.")
    return sources, driving
