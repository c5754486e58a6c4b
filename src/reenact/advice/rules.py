"""When to say what: every rule looks at sightings alone, and says one line or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from reenact.advice.sighting import (
    Sighting,
    area,
    crop_side,
    eye_gap,
    mouth_gap,
    outside_share,
)
from reenact.driving import expression_difference
from reenact.records import FloatArray

SMALL = 128.0
"""Pixels a side of the face's square, under which the model's 256 are more than half made up."""
BLURRED = 0.7
"""Blur of the median frame: photographs have 0.3 to 0.6, soft and enlarged videos up to 0.61, both
blurred over two pixels of the model's picture 0.65 to 0.77."""
CUT_OFF = 0.05
"""Share of the landmarks outside the picture: less is a chin or a brow that touches its border."""
OFTEN = 0.1
"""Share of the frames looked at, under which a fault is passing."""
SECOND_FACE = 0.3
"""Size of another driving face, as a share of the largest, from which they can be confused."""
OTHER_FACE = 0.1
"""Size of another face of a photograph, as a share of the largest; less is the background."""
TURN = 30.0
"""Degrees away from the photograph: up to 20 the shipped weights turn well, beyond 30 the far side
of the face and the ears are guessed."""
TURNED_SHARE = 0.05
"""Share of the frames looked at, under which a far turn is a misreading."""
FIRST_TURN = 20.0
"""Degrees between the first driving frame and the photograph."""
FIRST_MOUTH = 0.3
"""Difference of the mouth gaps: between a shut mouth and a loud vowel, or a laugh."""
SHUT_EYES = 0.6
"""Eye gap of the first frame as a share of the usual one of the clip: half way into a blink."""
CLOSER = 0.5
"""A frame whose expression differs by less than this share of the first one's is worth naming."""
CUTS_NAMED = 3

Kind = Literal["first frame", "turn", "cut off", "small", "blurred", "faces", "cuts"]
Time = Callable[[int], Fraction]
"""Seconds at which a driving frame is shown."""


@dataclass(frozen=True)
class Advice:
    """Something to know before frames are made."""

    about: Literal["source", "driving"]
    kind: Kind
    text: str
    """One line: what was found, and what to do."""


@dataclass(frozen=True)
class Plan:
    """What is going to be done, as far as it changes what is worth saying."""

    relative: bool = True
    """Motion is measured from a driving frame, not taken as it is."""
    best_frame: bool = False
    """That frame is searched for; otherwise it is the first one."""
    max_turn: float = 180.0
    """Degrees beyond which relative motion does not turn the head."""
    pose: bool = True
    """The head is turned as well; otherwise it stays as it is."""
    expression: bool = True
    """Lips and eyes move as well."""
    all_faces: bool = False
    """Every face of the source is animated."""


def about_driving(
    source: Sighting,
    driving: Sequence[Sighting],
    cuts: Sequence[int],
    time: Time,
    plan: Plan | None = None,
) -> list[Advice]:
    """What is worth saying about a driving video for a photograph.

    Args:
        source: The photograph; its chosen face is there.
        driving: The frames looked at, in their order.
        cuts: Frames at which the video jumps.
        time: When a driving frame is shown.
        plan: What is going to be done.
    """
    plan = plan or Plan()
    seen = [sighting for sighting in driving if sighting.faces]
    if not seen:
        return []
    return [
        *camera_cuts(cuts, time),
        *two_faces(seen),
        *cut_off(seen),
        *small(seen),
        *blurred(seen),
        *first_frame(source, seen, time, plan),
        *far_turn(source, seen, time, plan),
    ]


def about_source(source: Sighting, plan: Plan | None = None) -> Iterator[Advice]:
    """What is wrong with the photograph alone."""
    plan = plan or Plan()
    if outside_share(source) > CUT_OFF:
        yield Advice(
            "source",
            "cut off",
            "the face is cut off by the edge of the picture; what is missing is made up. "
            "Use a photograph that shows the whole face.",
        )
    if (side := crop_side(source.face)) < SMALL:
        yield Advice(
            "source",
            "small",
            f"the head is {side:.0f} pixels wide, less than {SMALL:.0f}; it will look soft. "
            "Use a larger picture.",
        )
    elif source.blur > BLURRED:
        yield Advice(
            "source",
            "blurred",
            "the face is blurred, and stays so. Use a sharper photograph.",
        )
    others = [face for face in source.faces[1:] if area(face) > OTHER_FACE * area(source.faces[0])]
    if source.chosen == 1 and others and not plan.all_faces:
        x, y = (source.face.box[:2] + source.face.box[2:]) / 2
        yield Advice(
            "source",
            "faces",
            f"shows {1 + len(others)} faces; the largest, around pixel {x:.0f}, {y:.0f}, is "
            "animated. Choose another with --face 2, or give --all-faces.",
        )


def cut_off(seen: Sequence[Sighting]) -> Iterator[Advice]:
    """The driving face leaves the frame."""
    count = sum(outside_share(sighting) > CUT_OFF for sighting in seen)
    if count > OFTEN * len(seen):
        yield Advice(
            "driving",
            "cut off",
            f"the face is cut off by the frame in {_of(count, seen)}; its motion is guessed "
            "there. Use a video that shows the whole face.",
        )


def small(seen: Sequence[Sighting]) -> Iterator[Advice]:
    """The driving face has too few pixels for its motion to be read."""
    side = float(np.median([crop_side(sighting.face) for sighting in seen]))
    if side < SMALL:
        yield Advice(
            "driving",
            "small",
            f"the head is {side:.0f} pixels wide, less than {SMALL:.0f}; fine motion is lost. "
            "Use a larger or closer video.",
        )


def blurred(seen: Sequence[Sighting]) -> Iterator[Advice]:
    """Most frames are blurred; too small a face is said by `small`."""
    if float(np.median([crop_side(sighting.face) for sighting in seen])) < SMALL:
        return
    if float(np.median([sighting.blur for sighting in seen])) > BLURRED:
        yield Advice(
            "driving",
            "blurred",
            "the face is blurred; fine motion of lips and eyes is lost. Use a sharper video.",
        )


def two_faces(seen: Sequence[Sighting]) -> Iterator[Advice]:
    """Another face is nearly as large as the one that is followed."""
    count = sum(
        any(area(face) > SECOND_FACE * area(sighting.faces[0]) for face in sighting.faces[1:])
        for sighting in seen
    )
    if count > OFTEN * len(seen):
        yield Advice(
            "driving",
            "faces",
            f"shows several faces in {_of(count, seen)}; the largest of each frame is followed. "
            "Cut the video down to one person.",
        )


def camera_cuts(cuts: Sequence[int], time: Time) -> Iterator[Advice]:
    """The picture jumps: motion goes on from the first frame over all shots."""
    if not cuts:
        return
    places = ", ".join(f"{float(time(index)):.1f} s" for index in cuts[:CUTS_NAMED])
    more = " and more" if len(cuts) > CUTS_NAMED else ""
    yield Advice(
        "driving",
        "cuts",
        f"the picture jumps {_times(len(cuts))}, at {places}{more}; the face will jump too. "
        "Take one shot with --driving-from and --driving-to.",
    )


def first_frame(
    source: Sighting, seen: Sequence[Sighting], time: Time, plan: Plan
) -> Iterator[Advice]:
    """Relative motion starts where the photograph is not."""
    if not plan.relative or plan.best_frame:
        return
    differs = list(differences(source, seen, plan))
    if not differs:
        return
    changes = [_difference(source, sighting) for sighting in seen]
    best = int(np.argmin(changes))
    if changes[best] < CLOSER * changes[0]:
        todo = (
            f"Give --find-best-frame: at {float(time(seen[best].index)):.1f} s the face is closer."
        )
    else:
        todo = "Use another photograph, or --motion absolute."
    yield Advice(
        "driving",
        "first frame",
        f"its first frame, from which motion is measured, is not like the photograph "
        f"({', '.join(differs)}). {todo}",
    )


def differences(source: Sighting, seen: Sequence[Sighting], plan: Plan) -> Iterator[str]:
    """How the first driving frame is unlike the photograph, in words."""
    first, still = seen[0].face, source.face
    turn = float(np.abs(first.pose - still.pose).max())
    if turn > FIRST_TURN and plan.pose:
        yield f"the head is turned {turn:.0f} degrees from it"
    if not plan.expression:
        return
    open_by = mouth_gap(first.landmarks) - mouth_gap(still.landmarks)
    if abs(open_by) > FIRST_MOUTH:
        yield f"the mouth is {'more' if open_by > 0 else 'less'} open"
    usual = float(np.median([eye_gap(sighting.face.landmarks) for sighting in seen]))
    shut = SHUT_EYES * usual
    if eye_gap(first.landmarks) < shut < eye_gap(still.landmarks):
        yield "the eyes are shut"


def far_turn(
    source: Sighting, seen: Sequence[Sighting], time: Time, plan: Plan
) -> Iterator[Advice]:
    """The head is to turn to a side of it that the photograph does not show."""
    if not plan.pose:
        return
    origin, named = source.face.pose, "the photograph"
    if plan.relative:
        start = np.argmin([_difference(source, sighting) for sighting in seen])
        origin = seen[int(start) if plan.best_frame else 0].face.pose
        named = "where its motion is measured from"
    turns = turns_from(origin, seen)
    far = np.flatnonzero(turns > TURN)
    if len(far) > TURNED_SHARE * len(seen):
        yield Advice(
            "driving",
            "turn",
            f"the head turns up to {turns.max():.0f} degrees from {named}, beyond {TURN:.0f} "
            f"first at {float(time(seen[far[0]].index)):.1f} s; sides that the photograph does "
            f"not show are guessed{_held(turns.max(), plan)}. Take a stretch with --driving-from "
            "and --driving-to.",
        )


def _held(turn: float, plan: Plan) -> str:
    """What is done about a turn, if anything is."""
    if not plan.relative or turn <= plan.max_turn:
        return ""
    return f", and motion is held at {plan.max_turn:.0f} (--max-turn)"


def turns_from(origin: FloatArray, seen: Sequence[Sighting]) -> FloatArray:
    """Degrees (T,) by which heads are turned or nodded away from a pose, the larger of both."""
    poses = np.stack([sighting.face.pose for sighting in seen])
    turns: FloatArray = np.abs(poses - origin)[:, :2].max(axis=1)
    return turns


def _difference(source: Sighting, sighting: Sighting) -> float:
    return expression_difference(source.face.landmarks, sighting.face.landmarks)


def _of(count: int, seen: Sequence[Sighting]) -> str:
    return f"{count} of the {len(seen)} frames looked at"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
