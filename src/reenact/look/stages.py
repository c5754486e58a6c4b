"""What there is to look at: how each face was read, and what the model made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from reenact.animator import Animator, MotionMode
from reenact.driving import Framing, square_in
from reenact.engine import to_batch
from reenact.motion.following import MAX_TURN, Manner, follow
from reenact.motion.watching import Watched
from reenact.perception.cropping import CROP_SIZE, cut
from reenact.portrait import Portrait
from reenact.records import Animation, Face, FloatArray, Image, Keypoints, Motion
from reenact.template import MotionTemplate


@dataclass(frozen=True, eq=False)
class FaceView:
    """One picture as it was read."""

    picture: Image
    """The whole picture."""
    square: FloatArray
    """(3,) x0, y0, side of what the model sees, in pixels of the picture."""
    face: Face | None
    """None where there is none, or the picture was taken for a bare crop."""
    labels: NDArray[np.uint8]
    """(256, 256) regions in the square: index plus 1, 0 = the rest."""
    keypoints: Keypoints
    """Of one picture, on the CPU."""


@dataclass(frozen=True, eq=False)
class Stage:
    """One driving frame, from what was read to what was drawn."""

    index: int
    """Number of the driving frame; 0 also where nothing drives."""
    driving: FaceView | None
    """None where nothing, or a motion template, drives."""
    animation: Animation
    """Of one frame, on the CPU."""

    @property
    def change(self) -> float:
        """How far the keypoints moved from the source, on average, in sides of the square."""
        moved = self.animation.driving.keypoints.points - self.animation.source_keypoints.points
        return float(moved.norm(dim=-1).mean()) / 2


def view_source(animator: Animator, portrait: Portrait) -> FaceView:
    """How the photograph was read."""
    return FaceView(
        picture=portrait.photo,
        square=portrait.square,
        face=portrait.face,
        labels=_parse(animator, portrait.photo, portrait.square),
        keypoints=portrait.state.keypoints.to("cpu"),
    )


def view_driving(
    animator: Animator, frame: Image, motion: Motion, framing: Framing | None
) -> FaceView:
    """How one driving frame was read; its face is the largest that lies in the square now."""
    square = square_in(frame, framing)
    faces = [face for face in animator.reader.read(frame) if _lies_in(face, square)]
    return FaceView(
        picture=frame,
        square=square,
        face=faces[0] if faces else None,
        labels=_parse(animator, frame, square),
        keypoints=motion.keypoints.to("cpu"),
    )


def at_rest(animator: Animator, portrait: Portrait) -> Stage:
    """The portrait in its own motion: what is lost when nothing moves."""
    return Stage(0, None, animator.render(portrait, portrait.motion).to("cpu"))


def watch(
    animator: Animator,
    portrait: Portrait,
    frames: Iterable[Image] | MotionTemplate,
    framing: Framing | None = None,
    mode: MotionMode = "relative",
    *,
    adapt_scale: bool = True,
    max_turn: float = MAX_TURN,
    start: int = 0,
    count: int | None = None,
) -> Iterator[Stage]:
    """Animate a portrait, frame by frame, and keep all that the frames were made of.

    Relative motion is measured from the first driving frame, wherever looking starts, and turns the
    head no further than `max_turn` degrees.
    """
    manner = Manner(mode=mode, adapt_scale=adapt_scale, max_turn=max_turn)
    initial, known = None, torch.ones(1, dtype=torch.bool, device=animator.device)
    end = None if count is None else start + count
    pairs = islice(_motions(animator, frames, framing, start), end)
    for index, (frame, motion) in enumerate(pairs):
        initial = initial or motion
        if motion is None or initial is None or index < start:
            continue
        moved = follow(portrait.motion, Watched(motion, known, initial), manner)
        view = None if frame is None else view_driving(animator, frame, motion, framing)
        yield Stage(index, view, animator.render(portrait, moved).to("cpu"))


def _motions(
    animator: Animator,
    frames: Iterable[Image] | MotionTemplate,
    framing: Framing | None,
    start: int,
) -> Iterator[tuple[Image | None, Motion | None]]:
    """Frames and their motion; between the first frame and `start` it is not read."""
    if isinstance(frames, MotionTemplate):
        frames.check_weights(animator.weights)
        yield from ((None, motion) for motion in frames.batches(1, animator.device))
        return
    for index, frame in enumerate(frames):
        needed = index == 0 or index >= start
        yield frame, animator.read_motion([frame], framing) if needed else None


def _lies_in(face: Face, square: FloatArray) -> bool:
    """Whether the middle of a face is in a square."""
    place = ((face.box[:2] + face.box[2:]) / 2 - square[:2]) / square[2]
    return bool(((place >= 0) & (place <= 1)).all())


@torch.no_grad()
def _parse(animator: Animator, picture: Image, square: FloatArray) -> NDArray[np.uint8]:
    seen = to_batch([cut(picture, square, CROP_SIZE)], animator.device)
    return animator.reader.parse(seen).labels[0].to(torch.uint8).cpu().numpy()
