"""Filmed people as the source: motion is put onto a video, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice, takewhile

from reenact.animator import Animator
from reenact.drawing import Canvas
from reenact.driving import Framing, square_in
from reenact.motion.following import Manner, follow
from reenact.motion.parts import HeadResponse
from reenact.motion.watching import Watched
from reenact.records import Image, Motion
from reenact.video import Clip


def animate_video(
    animator: Animator,
    source: Iterable[Image],
    watched: Iterable[Watched],
    manner: Manner,
    framing: Framing | Sequence[Framing] | None,
    *,
    head: HeadResponse | None = None,
    paste_back: bool = True,
    detail: bool = True,
    alpha: bool = False,
    absence: Absence | None = None,
    skip: int = 0,
) -> Iterator[Image]:
    """Move filmed people like a driving face: each source frame with the driving frame beside it.

    Relative motion is added to what each person does in each source frame; whichever ends first
    ends both. The square of a face holds still over the source. Where a source frame does not show
    the face, the square stays as it is. One source frame is in memory at a time.

    Args:
        animator: With the model and the reader.
        source: uint8 (H, W, 3) RGB frames, one for each driving frame that is watched, after those
            that are skipped. One that comes again at once is encoded once.
        watched: What the driving face does: `animator.watch`.
        manner: What of it is taken over; `only="expression"` leaves the head to the source. Lips or
            eyes that a frame does not show stay as they are.
        framing: Where the source's face is: `animator.frame_driving`; or where its faces are that
            move together: `tracking.frame_faces`; None for face crops.
        head: What `animator.measure_head` found in the driving clip; parts of motion need it.
        paste_back: Yield the whole frames; otherwise the model's bare 256 x 256 pictures.
        detail: Put the source's own fine detail back into the frames.
        alpha: Yield (H, W, 4), the fourth channel being opacity.
        absence: Counts the source frames that do not show every face.
        skip: Source frames at the beginning that are not animated, but counted.
    """
    framings = [framing] if framing is None or isinstance(framing, Framing) else list(framing)
    absence = absence or Absence()
    frames = iter(source)
    for frame in islice(frames, skip):
        absence([_shows_face(animator, frame, each) for each in framings])
    shot: _Shot | None = None
    for step, frame in zip(_one_by_one(watched), frames, strict=False):
        if shot is None or shot.frame is not frame:
            shot = _Shot(animator, frame, framings)
        absence(shot.seen)
        canvas = Canvas(
            shot.portraits, paste_back=paste_back, detail=detail, alpha=alpha, steady=False
        )
        motions = shot.follow(step, manner, head)
        yield from canvas.frames(list(map(animator.render, shot.portraits, motions)))


class Absence:
    """Counts the frames of a filmed source in which a face is out of sight, and stays as it is."""

    def __init__(self) -> None:
        self.frames = 0
        """Frames that came by."""
        self.absent = 0
        """Frames of these that did not show every face."""

    def __call__(self, seen: Sequence[bool]) -> None:
        """Count a frame, by whether it shows each of the faces."""
        self.frames, self.absent = self.frames + 1, self.absent + (not all(seen))

    def __str__(self) -> str:
        """What a person is told, where faces were absent."""
        return (
            f"a source face out of sight in {self.absent} of {self.frames} frames; "
            "its place was left as it is"
        )


class _Shot:
    """A source frame made ready."""

    def __init__(
        self, animator: Animator, frame: Image, framings: Sequence[Framing | None]
    ) -> None:
        self.frame = frame
        self.portraits = [
            animator.encode_square(frame, square_in(frame, framing)) for framing in framings
        ]
        self.seen = [_shows_face(animator, frame, framing) for framing in framings]

    def follow(self, step: Watched, manner: Manner, head: HeadResponse | None) -> list[Motion]:
        """The motion of every face; one that is not seen keeps its own."""
        return [
            follow(each.motion, step, manner, head, each.carriers(manner.only))
            if seen
            else each.motion
            for each, seen in zip(self.portraits, self.seen, strict=True)
        ]


def _shows_face(animator: Animator, frame: Image, framing: Framing | None) -> bool:
    return framing is None or animator.shows_face(frame, framing)


def shown_at(clip: Clip, times: Iterable[Fraction]) -> Iterator[Image]:
    """The frame of a clip that is shown at each of some rising times, in seconds, to its end.

    It is the nearest one in time, so that clocks that count coarsely do no harm. Times count from
    the first frame of the clip.
    """
    shown, period = clip.times(), 1 / clip.info.rate
    frames = zip(clip, shown, strict=False)
    current, origin = next(frames)
    last, following = origin, next(frames, None)
    for time in times:
        while following is not None and following[1] - origin <= time + period / 2:
            current, last = following
            following = next(frames, None)
        if following is None and time >= last - origin + period:
            return
        yield current


def count_shown(clip: Clip, times: Iterable[Fraction]) -> int:
    """How many of some rising times come before the end of a clip, as it is announced."""
    info = clip.info
    end = info.time(len(clip) - 1) - info.time(0) + 1 / info.rate
    return sum(1 for _ in takewhile(lambda time: time < end, times))


def _one_by_one(watched: Iterable[Watched]) -> Iterator[Watched]:
    for step in watched:
        for row in range(len(step.known)):
            rows = slice(row, row + 1)
            yield replace(step, motion=_rows(step.motion, rows), known=step.known[rows])


def _rows(motion: Motion, rows: slice) -> Motion:
    return motion.map(lambda tensor: tensor[rows])
