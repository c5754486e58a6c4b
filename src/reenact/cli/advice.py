"""Advice about a photograph and a driving video, in words on stderr or as events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reenact.cli.progress import tell

if TYPE_CHECKING:
    from reenact.advice import Advice, Sighting
    from reenact.advice.onlooker import Frames
    from reenact.animator import Animator
    from reenact.cli.rendering import Settings
    from reenact.driving import FaceFinder, Framing
    from reenact.portrait import Portrait
    from reenact.records import Face, Image
    from reenact.video import Clip


class Adviser:
    """Looks at both sides of an animation before the work and says what to know; each line once.

    Args:
        settings: What is going to be done.
        events: Say it as events for programs, not in words.
    """

    def __init__(self, settings: Settings, *, events: bool = False) -> None:
        from reenact.advice import Plan

        self._plan = Plan(
            relative=settings.motion == "relative",
            best_frame=settings.best_frame,
            pose=settings.only in (None, "pose"),
            expression=settings.only != "pose",
            all_faces=settings.all_faces,
            max_turn=settings.max_turn,
        )
        self._face = settings.face
        self._events = events
        self._said: set[str] = set()
        self._source: Sighting | None = None
        self._name = Path()

    def look_at(self, source: Path, photo: Image, faces: Sequence[Face]) -> None:
        """Take a photograph with the faces found in it, and say what is to be said about it alone.

        Of a video that is its first frame: without the face there is nothing to say.
        """
        from reenact.advice import about_source, sight

        self._name, self._source = source, None
        if len(faces) >= self._face:
            self._source = sight(photo, faces, chosen=self._face)
            self._say(about_source(self._source, self._plan))

    def frame(
        self, animator: Animator, clip: Clip, frames: Frames, like: Portrait | None
    ) -> Framing:
        """Frame a driving clip, by its frames, and say what was seen on the way."""
        from reenact.advice import Onlooker, about_driving

        if self._source is None:
            return animator.frame_driving(frames, like, role=clip.name)
        onlooker = Onlooker(frames, animator.reader)
        framing = animator.frame_driving(onlooker, like, finder=onlooker, role=clip.name)
        seen, cuts = onlooker.sightings, onlooker.cuts
        self._say(about_driving(self._source, seen, cuts, clip.info.time, self._plan))
        return framing

    def _say(self, advice: Iterable[Advice]) -> None:
        for line in advice:
            name = str(self._name)
            if self._events:
                tell("advice", source=name, about=line.about, kind=line.kind, text=line.text)
                continue
            words = f"{name if line.about == 'source' else 'driving'}: {line.text}"
            if words not in self._said:
                self._said.add(words)
                typer.echo(f"advice: {words}", err=True)


def examine_inputs(
    source: Path, driving: Path | None, finder: FaceFinder, face: int = 1
) -> Iterator[Advice]:
    """What `animate` would say about a photograph and, if there is one, a driving video.

    Raises:
        FaceNotFoundError: One of them shows no face.
        MediaError: One of them cannot be read.
    """
    from reenact.advice import Onlooker, about_driving, about_source, sight
    from reenact.cli.rendering import open_clip, read_source
    from reenact.driving import frame_clip
    from reenact.portrait import choose_face
    from reenact.template import MotionTemplate

    photo = read_source(source, None)
    faces = finder.read(photo)
    choose_face(photo, faces, face, role=str(source))
    seen = sight(photo, faces, chosen=face)
    yield from about_source(seen)
    if driving is None:
        return
    with open_clip(driving) as clip:
        if isinstance(clip, MotionTemplate):
            return
        onlooker = Onlooker(clip, finder)
        frame_clip(onlooker, onlooker, role=clip.name)
        yield from about_driving(seen, onlooker.sightings, onlooker.cuts, clip.info.time)
