"""Who is animated: the faces of a photograph or of a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reenact.cli.progress import Counted
from reenact.errors import ReenactError

if TYPE_CHECKING:
    from fractions import Fraction

    from rich.progress import Progress

    from reenact.animator import Animator
    from reenact.cli.rendering import Settings
    from reenact.driving import Framing
    from reenact.filmed import Absence
    from reenact.motion.hold import MotionHold
    from reenact.motion.parts import HeadResponse
    from reenact.motion.smoothing import OneEuro
    from reenact.opacity import Opacity
    from reenact.portrait import Portrait
    from reenact.records import Face, Image
    from reenact.template import MotionTemplate
    from reenact.video import Clip, Sound, Timing


@dataclass(frozen=True, eq=False)
class Subject:
    """A source made ready to be animated."""

    portraits: Sequence[Portrait]
    """Of one photograph; of a video, the largest face that is animated in its first frame."""
    clip: Clip | None = None
    """The video, where the source is one."""
    framings: Sequence[Framing] | None = None
    """Where its faces are; None where it is a photograph, or taken for face crops."""
    faces: Sequence[Face] = ()
    """All that the photograph, or the first frame of the video, shows; none where it is taken for a
    face crop."""

    def count(self, timing: Timing, total: int) -> int:
        """How many of the frames of a driving clip are made."""
        from reenact.filmed import count_shown

        return total if self.clip is None else count_shown(self.clip, _times(timing, total))

    def shown(self, timing: Timing, count: int) -> Iterator[Image] | None:
        """Frames of the video beside the driving ones; None for a photograph."""
        from reenact.filmed import shown_at

        return None if self.clip is None else shown_at(self.clip, _times(timing, count))

    def limit(self, sound: Sound | None, timing: Timing, count: int) -> Sound | None:
        """A sound as long as the output."""
        if sound is None or self.clip is None:
            return sound
        end = sound.begin + timing.time(count - 1) + 1 / timing.rate
        return replace(sound, end=end if sound.end is None else min(sound.end, end))

    def animate(
        self,
        animator: Animator,
        frames: Iterable[Image] | MotionTemplate,
        settings: Settings,
        *,
        framing: Framing | None,
        head: HeadResponse | None,
        timing: Timing,
        hold: MotionHold,
        absence: Absence,
        skip: int,
        shown: Iterable[Image] | None,
    ) -> Iterator[Image]:
        """The frames of the output from the one after `skip` on, `shown` being all the source's."""
        from reenact.filmed import animate_video
        from reenact.motion.following import Manner

        manner = Manner(
            mode=settings.motion,
            adapt_scale=settings.adapt_scale,
            strength=settings.strength,
            max_turn=settings.max_turn,
            only=settings.only,
        )
        watched = animator.watch(
            frames,
            smooth=_filter(settings),
            crop=settings.crop,
            framing=framing,
            timing=timing,
            hold=hold,
            skip=skip,
        )
        if shown is None:
            return animator.draw(
                self.portraits,
                watched,
                manner,
                head,
                paste_back=settings.paste_back,
                detail=settings.detail,
                alpha=settings.alpha,
            )
        return animate_video(
            animator,
            shown,
            watched,
            manner,
            self.framings,
            head=head,
            paste_back=settings.paste_back,
            detail=settings.detail,
            alpha=settings.alpha,
            absence=absence,
            skip=skip,
        )


@contextmanager
def open_subject(
    animator: Animator,
    source: Path,
    settings: Settings,
    opacity: Opacity | None,
    progress: Progress,
) -> Iterator[Subject]:
    """A source made ready: a photograph, or a video unless one frame of it is asked for.

    Raises:
        FaceNotFoundError: There is no such face.
        MediaError: The source cannot be read.
    """
    from reenact.cli.rendering import read_source

    with open_video(source, settings.source_frame) as clip:
        if clip is not None:
            yield _filmed(animator, source, clip, settings, progress)
            return
        photo, role = read_source(source, settings.source_frame), str(source)
        faces = animator.reader.read(photo) if settings.crop else []
        if settings.all_faces:
            portraits = animator.encode_sources(photo, faces=faces, opacity=opacity, role=role)
            yield Subject(portraits, faces=faces)
            return
        portrait = animator.encode_source(
            photo, crop=settings.crop, face=settings.face, faces=faces, opacity=opacity, role=role
        )
        yield Subject([portrait], faces=faces)


@contextmanager
def open_video(source: Path, frame: int | None) -> Iterator[Clip | None]:
    """A source of more than one frame; None where it is a picture, or a frame is asked for."""
    from reenact.cli.rendering import open_driving
    from reenact.places import is_file
    from reenact.template import MotionTemplate
    from reenact.video import picture_files

    with ExitStack() as stack:
        clip: Clip | MotionTemplate | None = None
        if frame is None and is_file(source) and picture_files(source) is None:
            with suppress(ReenactError):  # not a video: reading it as a picture will say what it is
                clip = stack.enter_context(open_driving(source))
        if clip is None or isinstance(clip, MotionTemplate) or len(clip) < 2:
            yield None
        else:
            yield clip


def _filmed(
    animator: Animator, source: Path, clip: Clip, settings: Settings, progress: Progress
) -> Subject:
    from reenact.tracking import frame_faces

    first = next(iter(clip))
    if not settings.crop:
        return Subject([animator.encode_source(first, crop=False)], clip)
    if settings.all_faces:
        frames = Counted(clip, len(clip), progress, "finding the source's faces")
        framings = frame_faces(frames, animator.reader, role=str(source))
    else:
        frames = Counted(clip, len(clip), progress, "finding the source's face")
        framings = [animator.frame_driving(frames, face=settings.face, role=str(source))]
    faces = animator.reader.read(first)
    face = faces[settings.face - 1] if len(faces) >= settings.face else None
    portrait = animator.encode_square(first, framings[0].square, face)
    return Subject([portrait], clip, framings, faces)


def _times(timing: Timing, count: int) -> Iterator[Fraction]:
    """Seconds from the first frame at which frames are shown."""
    return (timing.time(index) - timing.time(0) for index in range(count))


def _filter(settings: Settings) -> OneEuro | None:
    from reenact.motion.smoothing import OneEuro

    if settings.smooth is None:
        return None
    return OneEuro(min_cutoff=settings.smooth[0], beta=settings.smooth[1])
