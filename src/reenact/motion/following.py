"""How a portrait takes over what a driving face does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from reenact.motion.parts import HeadResponse, Part, keep_part
from reenact.motion.strength import ANY_TURN, limit_turn, strengthen, where
from reenact.motion.transfer import transfer
from reenact.motion.watching import Watched
from reenact.records import Motion

MotionMode = Literal["relative", "absolute"]
MAX_TURN = 35.0
"""Degrees by which the shipped weights turn a head without melting it, in most photographs."""
MAX_STRENGTH = 2.0
"""Beyond, the keypoints leave the places that the model has learned."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What of a driving face's motion a portrait takes over, and how much of it."""

    mode: MotionMode = "relative"
    """"relative": what changed since the initial frame; "absolute": its place and shape too."""
    adapt_scale: bool = True
    """Relative steps grow and shrink with the size of the face."""
    strength: float = 1.0
    """Share of the motion, 0 to 2: 0 = at rest, 1 = as driven."""
    max_turn: float = MAX_TURN
    """Most that relative motion turns the head away from rest, degrees; 180 for any turn."""
    only: Part | None = None
    """The part of the motion that is taken over; None for all of it."""

    def __post_init__(self) -> None:
        if self.mode not in ("relative", "absolute"):
            raise ValueError(f"motion is {self.mode!r}, expected 'relative' or 'absolute'")
        if not 0 <= self.strength <= MAX_STRENGTH:
            raise ValueError(f"strength is {self.strength}, expected 0 to {MAX_STRENGTH:g}")
        if not 0 < self.max_turn <= ANY_TURN:
            raise ValueError(f"max_turn is {self.max_turn}, expected degrees up to {ANY_TURN:g}")


def follow(
    own: Motion,
    watched: Watched,
    manner: Manner,
    head: HeadResponse | None = None,
    carried: Tensor | None = None,
) -> Motion:
    """Motion of a portrait in B frames; its own as long as no driving face has been seen.

    Args:
        own: The portrait's, of one frame, or of as many as are watched.
        watched: What the driving face does.
        manner: What is taken over.
        head: How the driving keypoints follow their head; parts of motion need it.
        carried: Which keypoints (K,) lie on the part that is taken over; lips and eyes need it.
    """
    driving = watched.motion
    if manner.mode == "relative":
        driving = transfer(
            own.keypoints, own.pose, driving, watched.initial, adapt_scale=manner.adapt_scale
        )
    if manner.only is not None:
        if head is None:
            raise ValueError(f"only {manner.only!r} without a head response, expected one")
        driving = keep_part(own, driving, manner.only, head, carried)
    if manner.strength != 1:
        driving = strengthen(own, driving, manner.strength)
    if manner.mode == "relative":
        driving = limit_turn(own, driving, manner.max_turn)
    return driving if bool(watched.known.all()) else where(watched.known, driving, own)
