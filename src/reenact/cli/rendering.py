"""One animation from start to end: driving motion to a file that is whole or can be continued."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reenact.cli.layout import driving_view, lay_out, source_view
from reenact.cli.progress import Counted
from reenact.cli.signing import check_signing, choose_signer
from reenact.errors import MediaError

if TYPE_CHECKING:
    from fractions import Fraction

    from rich.progress import Progress

    from reenact.animator import Animator, MotionMode
    from reenact.cli.advice import Adviser
    from reenact.cli.subject import Subject
    from reenact.driving import Framing
    from reenact.filmed import Absence
    from reenact.motion.hold import MotionHold
    from reenact.motion.parts import HeadResponse, Part
    from reenact.opacity import Opacity
    from reenact.portrait import Portrait
    from reenact.records import Image
    from reenact.template import MotionTemplate
    from reenact.video import Clip, ResumableWriter, Sound, Timing

TEMPLATE_SUFFIX = ".safetensors"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the frames of an animation depend on, beside its inputs and the model."""

    motion: MotionMode = "relative"
    adapt_scale: bool = True
    strength: float = 1.0
    max_turn: float = 35.0
    only: Part | None = None
    smooth: tuple[float, float] | None = None
    """Lowest cutoff in Hz and beta of the one-euro filter; None: no smoothing."""
    best_frame: bool = False
    crop: bool = True
    paste_back: bool = True
    detail: bool = True
    audio: Literal["source", "driving", "none"] = "driving"
    quality: int = 18
    preset: str = "medium"
    face: int = 1
    all_faces: bool = False
    source_frame: int | None = None
    driving_from: float = 0.0
    driving_to: float | None = None
    codec: str | None = None
    size: str | None = None
    alpha: bool = False
    compare: bool = False
    sign: bool = False
    certificate: str | None = None
    private_key: str | None = None


@dataclass(frozen=True)
class Losses:
    """In how many frames of an animation faces were out of sight."""

    hold: MotionHold
    """The driving face."""
    absence: Absence
    """Faces of a source that is a video."""

    def told(self) -> Iterator[str]:
        """What a person is told, where faces were out of sight."""
        if self.hold.held:
            yield str(self.hold)
        if self.absence.absent:
            yield str(self.absence)


def write_animation(
    animator: Animator,
    subject: Subject,
    driving: Clip | MotionTemplate,
    target: Path,
    progress: Progress,
    settings: Settings,
    *,
    source: Path,
    job: str,
    resume: bool = False,
    adviser: Adviser | None = None,
) -> Losses:
    """Animate a source into a video file that has the driving video's times."""
    from reenact.filmed import Absence
    from reenact.motion.hold import MotionHold
    from reenact.video import ResumableWriter, find_earlier, generated_by

    comment = generated_by(animator.name, animator.weights)
    signer = choose_signer(settings, comment)
    earlier = find_earlier(target, job) if resume else None
    done = earlier.frames if earlier else 0
    losses = Losses(MotionHold(), Absence())
    sound = choose_sound(settings.audio, source, driving)
    look = look_through(animator, subject.portraits[0], driving, progress, settings, adviser)
    count = subject.count(look.timing, len(driving))
    pages = draw_pages(animator, subject, look, settings, losses, count=count, skip=done)
    with (
        ResumableWriter(
            target,
            look.timing,
            job=job,
            earlier=earlier,
            audio=subject.limit(sound, look.timing, count),
            comment=comment,
            quality=settings.quality,
            preset=settings.preset,
            codec=settings.codec,
            alpha=settings.alpha,
            seal=None if signer is None else signer.sign,
        ) as sink,
        closing(pages),
    ):
        counted = Counted(pages, count, progress, "animating", done)
        _write_pages(sink, zip(counted, islice(look.times, done, None), strict=False))
    return losses


def _write_pages(sink: ResumableWriter, pages: Iterable[tuple[Image, Fraction]]) -> None:
    """Make pictures here and write them in another thread, each with its time."""
    from reenact.video import behind

    def put(page: tuple[Image, Fraction]) -> None:
        sink.write(*page)

    with behind(put) as write:
        for page in pages:
            write(page)


def draw_pages(
    animator: Animator,
    subject: Subject,
    look: DrivingLook,
    settings: Settings,
    losses: Losses,
    *,
    count: int,
    skip: int,
) -> Generator[Image]:
    """The pictures of an output from the one after `skip` on, beside source and driving if asked.

    Args:
        animator: Draws the frames.
        subject: What is animated.
        look: What it is animated with.
        settings: How, and how it is laid out.
        losses: Counts the frames in which faces were out of sight.
        count: How many pictures the output has.
        skip: How many of these an earlier run has made.
    """
    from reenact.video import Passing

    frames = look.frames
    panels: list[Iterator[Image]] = []
    shown: Iterable[Image] | None = subject.shown(look.timing, count)
    if settings.compare and look.pictures is not None:
        if shown is None:
            panels.append(repeat(source_view(settings, subject.portraits[0])))
        else:
            view = driving_view(settings, subject.framings[0] if subject.framings else None)
            shown = passing = Passing(shown, skip, view)
            panels.append(passing.taken())
        frames = passing = Passing(look.pictures, skip, driving_view(settings, look.framing))
        panels.append(passing.taken())
    made = subject.animate(
        animator,
        frames,
        settings,
        framing=look.framing,
        head=look.head,
        timing=look.timing,
        hold=losses.hold,
        absence=losses.absence,
        skip=skip,
        shown=shown,
    )
    return lay_out(made, settings, panels)


@dataclass(frozen=True)
class DrivingLook:
    """A driving clip or template that was looked through, ready to be gone through once more."""

    frames: Iterable[Image] | MotionTemplate
    timing: Timing
    times: Iterator[Fraction]
    framing: Framing | None = None
    """Where the face is; None for templates and face crops."""
    head: HeadResponse | None = None
    """How keypoints follow the head, where a part of the motion is asked for."""

    @property
    def pictures(self) -> Iterable[Image] | None:
        """The frames, if there are any to be shown."""
        from reenact.template import MotionTemplate

        return None if isinstance(self.frames, MotionTemplate) else self.frames


def look_through(
    animator: Animator,
    portrait: Portrait,
    driving: Clip | MotionTemplate,
    progress: Progress,
    settings: Settings,
    adviser: Adviser | None = None,
) -> DrivingLook:
    """Find the driving face, and measure what is asked of it, before the first frame is made."""
    from reenact.template import MotionTemplate
    from reenact.video import ahead

    framing, head = None, None
    total, in_parts = len(driving), settings.only is not None
    if isinstance(driving, MotionTemplate):
        driving.check_like(portrait.motion)
        head = animator.measure_head(driving) if in_parts else None
        times = (driving.time(index) for index in range(total))
        return DrivingLook(driving, driving, times, head=head)
    if settings.crop:
        frames = Counted(ahead(driving), total, progress, "finding the face")
        like = portrait if settings.best_frame else None
        if adviser is None:
            framing = animator.frame_driving(frames, like, role=driving.name)
        else:
            framing = adviser.frame(animator, driving, frames, like)
    if in_parts:
        frames = Counted(ahead(driving), total, progress, "watching the head")
        head = animator.measure_head(frames, framing)
    return DrivingLook(ahead(driving), driving.info, driving.times(), framing, head)


def check_format(target: Path, settings: Settings) -> None:
    """Refuse, before any work, what cannot be written or signed.

    Raises:
        MediaError: The container and the codec do not go together, or hold no alpha.
        ProvenanceError: The file could not be signed.
    """
    from reenact.video.formats import choose_format
    from reenact.video.quality import Quality

    quality = Quality(settings.quality, settings.preset)
    choose_format(target, settings.codec, quality, alpha=settings.alpha)
    if settings.sign:
        check_signing(target)


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
def open_driving(path: Path) -> Iterator[Clip | MotionTemplate]:
    """A video or animation, or a motion template by its suffix."""
    from reenact.template import load_template
    from reenact.video import AnimatedWebp, VideoReader
    from reenact.video.webp import is_animated

    if path.suffix.lower() == TEMPLATE_SUFFIX:
        yield load_template(path)
    elif is_animated(path):
        yield AnimatedWebp(path)
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
    from reenact.video import Excerpt

    first, last = Fraction(str(begin)), None if end is None else Fraction(str(end))
    with _open_whole(path) as whole:
        if not begin and end is None:
            yield whole
        elif isinstance(whole, MotionTemplate):
            yield whole.between(first, last)
        else:
            yield Excerpt(whole, first, last)


def _open_whole(path: Path) -> AbstractContextManager[Clip | MotionTemplate]:
    from reenact.video import ImageSequence, picture_files

    files = picture_files(path)
    if files is None:
        return open_driving(path)
    return nullcontext(ImageSequence(files, name=str(path)))


def read_source(path: Path, frame: int | None) -> Image:
    """A picture, or the frame of a video that was asked for; the first one otherwise."""
    from reenact.video import load_frame, load_image

    return load_image(path) if frame is None else load_frame(path, frame)


def read_opacity(path: Path, settings: Settings) -> Opacity | None:
    """How opaque a photograph says to be, where an output is to have alpha."""
    if not settings.alpha or settings.source_frame is not None:
        return None
    from reenact.opacity import Opacity
    from reenact.video import load_opacity

    values = load_opacity(path)
    return None if values is None else Opacity(values, on_paper=True)
