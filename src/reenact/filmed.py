"""A filmed person as the source: motion is put onto a video, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import takewhile

from reenact.animator import Animator
from reenact.drawing import Canvas
from reenact.driving import Framing, square_in
from reenact.motion.following import Manner, follow
from reenact.motion.parts import HeadResponse
from reenact.motion.watching import Watched
from reenact.portrait import Portrait
from reenact.records import Image, Motion
from reenact.video import Clip


def animate_video(
    animator: Animator,
    source: Iterable[Image],
    watched: Iterable[Watched],
    manner: Manner,
    framing: Framing | None,
    *,
    head: HeadResponse | None = None,
    paste_back: bool = True,
    detail: bool = True,
    alpha: bool = False,
) -> Iterator[Image]:
    """Move a filmed person like a driving face: each source frame with the driving frame beside it.

    Relative motion is added to what the person does in each source frame; whichever ends first
    ends both. One square holds still over the source. A source frame that shows no face stays as
    it is. One source frame is in memory at a time.

    Args:
        animator: With the model and the reader.
        source: uint8 (H, W, 3) RGB frames, one for each driving frame that is watched. One that
            comes again at once is encoded once.
        watched: What the driving face does: `animator.watch`.
        manner: What of it is taken over; `only="expression"` leaves the head to the source. Lips or
            eyes that a frame does not show stay as they are.
        framing: Where the source's face is: `animator.frame_driving`; None for face crops.
        head: What `animator.measure_head` found in the driving clip; parts of motion need it.
        paste_back: Yield the whole frames; otherwise the model's bare 256 x 256 pictures.
        detail: Put the source's own fine detail back into the frames.
        alpha: Yield (H, W, 4), the fourth channel being opacity.
    """
    frames = iter(source)
    shot: _Shot | None = None
    for step in _one_by_one(watched):
        frame = next(frames, None)
        if frame is None:
            return
        if shot is None or shot.frame is not frame:
            shot = _Shot(animator, frame, framing)
        portrait = shot.portrait
        motion = portrait.motion
        if shot.shows_face:
            motion = follow(motion, step, manner, head, portrait.carriers(manner.only))
        canvas = Canvas([portrait], paste_back=paste_back, detail=detail, alpha=alpha)
        yield from canvas.frames([animator.render(portrait, motion)])


class _Shot:
    """A source frame made ready."""

    def __init__(self, animator: Animator, frame: Image, framing: Framing | None) -> None:
        self.frame = frame
        self.portrait: Portrait = animator.encode_square(frame, square_in(frame, framing))
        self.shows_face = framing is None or animator.shows_face(frame, framing)


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
