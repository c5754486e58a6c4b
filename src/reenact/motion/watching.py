"""What is known of a driving face while its frames come in: held, smoothed, and since when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from torch import Tensor

from reenact.motion.hold import MotionHold, join_motions
from reenact.motion.smoothing import MotionSmoother, Seconds
from reenact.records import Motion, Record


@dataclass(frozen=True, eq=False)
class Watched(Record):
    """What the driving face did in some frames, and what its motion is measured from."""

    motion: Motion
    """Of B frames."""
    known: Tensor
    """(B,) bool; False before the first face, where the motion means nothing."""
    initial: Motion
    """Of one frame: the first that shows a face, or the one that looks most like the source."""


def watch(
    readings: Iterable[tuple[Motion, Tensor]],
    time: Callable[[int], Seconds],
    *,
    hold: MotionHold,
    smoother: MotionSmoother | None = None,
    initial: Motion | None = None,
    skip: int = 0,
) -> Iterator[Watched]:
    """Follow a driving face from its first frame on.

    Args:
        readings: Motion of some frames after the other, and where they show a face, (B,) bool.
        time: Seconds at which a frame is shown, by its number from 0.
        hold: Stands in where no face is shown.
        smoother: Takes out the jitter.
        initial: What motion is measured from; by default the first frame that shows a face.
        skip: Frames at the beginning that are watched, but not told of.
    """
    first = 0
    for read, seen in readings:
        motion, known = hold(read, seen)
        if smoother is not None:
            motion = _smooth(smoother, motion, known, [time(first + i) for i in range(len(seen))])
        if initial is None and bool(known[-1]):
            initial = _rows(motion, int(known.int().argmax()), 1)
        passed = min(max(0, skip - first), len(seen))
        first += len(seen)
        if passed < len(seen):
            yield Watched(
                _rows(motion, passed), known[passed:], initial or _rows(motion, passed, 1)
            )


def _smooth(
    smoother: MotionSmoother, motion: Motion, known: Tensor, times: list[Seconds]
) -> Motion:
    """Smooth what is known; it is at the end of a batch, if anything is."""
    unknown = len(times) - int(known.sum())
    if unknown == len(times):
        return motion
    smooth = smoother(_rows(motion, unknown), times[unknown:])
    return join_motions(_rows(motion, 0, unknown), smooth) if unknown else smooth


def _rows(motion: Motion, begin: int, count: int | None = None) -> Motion:
    end = None if count is None else begin + count
    return motion.map(lambda tensor: tensor[begin:end])
