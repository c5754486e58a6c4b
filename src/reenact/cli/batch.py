"""Several sources and one driving: every one is tried, and the end says which were made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reenact.cli.advice import Adviser
from reenact.cli.job import is_done, job_key
from reenact.cli.progress import tell
from reenact.cli.rendering import (
    Losses,
    Settings,
    check_format,
    read_opacity,
    write_animation,
)
from reenact.cli.stopping import stoppable
from reenact.cli.subject import open_subject
from reenact.cli.targets import OutputFormat, check_target, name_targets
from reenact.errors import MediaError, ReenactError
from reenact.places import make_folder

if TYPE_CHECKING:
    from rich.progress import Progress

    from reenact.animator import Animator
    from reenact.template import MotionTemplate
    from reenact.video import Clip

SOME_FAILED = 3
"""Exit code where some of several sources were not made."""


@dataclass(frozen=True)
class Task:
    """One source and the video to make of it."""

    source: Path
    target: Path
    job: str


class Batch:
    """Sources to animate, and how it went.

    With one source an error is raised; with several it is said, and the next one is taken.

    Args:
        sources: Files.
        driving: What they are all animated with.
        output: A file for one source, a folder for several; None for the current folder.
        form: What outputs are whose names are not given in full.
        settings: For all.
        model: Name or path.
        overwrite: Replace what exists.
        resume: Leave what is done and go on with what was stopped.
        events: Say it as events for programs, not in words.
        advice: Say what to know about the inputs before the work.
        several: More than one source was asked for, even if only one was found.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        driving: Path,
        output: Path | None,
        settings: Settings,
        model: str,
        *,
        overwrite: bool = False,
        resume: bool = False,
        events: bool = False,
        advice: bool = False,
        form: OutputFormat = OutputFormat.MP4,
        several: bool,
    ) -> None:
        self._events = events
        self._adviser = Adviser(settings, events=events) if advice and settings.crop else None
        self.tasks: list[Task] = []
        self.total = len(sources)
        self._ready: list[Task] = []
        self._settings, self._resume = settings, resume
        self._several = several
        self._made = 0
        self._failed: list[Path] = []
        targets = name_targets(sources, driving, output, form, several=self._several)
        for source, target in zip(sources, targets, strict=True):
            task = Task(source, target, job_key((source, driving), model, settings))
            try:
                self._plan(task, driving, overwrite)
            except ReenactError as error:
                self._fail(task, error)

    def run(self, animator: Animator, driving: Clip | MotionTemplate, progress: Progress) -> None:
        """Make all that is not made yet."""
        self._tell_ready()
        for task in self.tasks:
            try:
                with stoppable(task.source, task.target, events=self._events):
                    losses = self._make(task, animator, driving, progress)
                self._done(task, losses)
            except ReenactError as error:
                self._fail(task, error)

    def _make(
        self,
        task: Task,
        animator: Animator,
        driving: Clip | MotionTemplate,
        progress: Progress,
    ) -> Losses:
        settings = self._settings
        opacity = read_opacity(task.source, settings)
        with open_subject(animator, task.source, settings, opacity, progress) as subject:
            if self._adviser is not None:
                photo = subject.portraits[0].photo
                self._adviser.look_at(task.source, photo, subject.faces)
            return write_animation(
                animator,
                subject,
                driving,
                task.target,
                progress,
                settings,
                source=task.source,
                job=task.job,
                resume=self._resume,
                adviser=self._adviser,
            )

    def conclude(self) -> None:
        """Say what of several was not made.

        Raises:
            typer.Exit: Some or all were not, with code 3 or 1.
        """
        self._tell_ready()
        if self._events:
            tell("end", made=self._made, failed=len(self._failed))
        if self._failed:
            names = ", ".join(str(path) for path in self._failed)
            total = self._made + len(self._failed)
            typer.echo(f"reenact: {self._made} of {total} made; not made: {names}", err=True)
            raise typer.Exit(SOME_FAILED if self._made else 1)

    def _plan(self, task: Task, driving: Path, overwrite: bool) -> None:
        if self._resume and is_done(task.target, task.job):
            self._ready.append(task)
            return
        if self._several:
            make_folder(task.target.parent, "one for several outputs")
        check_target(task.target, (task.source, driving), overwrite, resume=self._resume)
        check_format(task.target, self._settings)
        self.tasks.append(task)

    def _tell_ready(self) -> None:
        """Say what an earlier run has made."""
        while self._ready:
            self._done(self._ready.pop(0))

    def _done(self, task: Task, losses: Losses | None = None) -> None:
        self._made += 1
        if self._events:
            held, absent = (losses.hold.held, losses.absence.absent) if losses else (None, None)
            names = {"source": str(task.source), "target": str(task.target)}
            tell("done", **names, held=held, absent=absent)
            return
        for loss in losses.told() if losses else ():
            typer.echo(f"reenact: {task.target}: {loss}", err=True)
        typer.echo(task.target)

    def _fail(self, task: Task, error: ReenactError) -> None:
        if self._events:
            tell("failed", source=str(task.source), error=" ".join(str(error).split()))
        if not self._several:
            if self._events:
                tell("end", made=0, failed=1)
            raise error
        self._failed.append(task.source)
        text = " ".join(str(error).split())
        if not text.startswith(f"{task.source}:"):
            text = f"{task.source}: {text}"
        typer.echo(f"reenact: {text}", err=True)


def asks_for_several(sources: Sequence[Path]) -> bool:
    """Whether sources may be more than one, however many files they stand for today."""
    from reenact.video.images import is_pattern

    return len(sources) > 1 or any(map(is_pattern, sources))


def expand_sources(sources: Iterable[Path]) -> list[Path]:
    """All files that sources and patterns of them stand for, each once.

    Raises:
        MediaError: A pattern stands for nothing.
    """
    from reenact.video.images import expand, is_pattern

    found: dict[Path, None] = {}
    for source in sources:
        files = expand(source) if is_pattern(source) else [source]
        if not files:
            raise MediaError(f"{source}: found no file, expected photographs. Check the pattern.")
        found |= dict.fromkeys(files)
    return list(found)
