"""Several sources and one driving: every one is tried, and the end says which were made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reenact.cli.progress import tell
from reenact.cli.rendering import (
    Settings,
    is_done,
    job_key,
    read_source,
    stoppable,
    write_animation,
)
from reenact.errors import MediaError, ReenactError

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
        settings: For all.
        model: Name or path.
        overwrite: Replace what exists.
        resume: Leave what is done and go on with what was stopped.
        events: Say it as events for programs, not in words.
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
    ) -> None:
        self._events = events
        self.tasks: list[Task] = []
        self._settings, self._resume = settings, resume
        self._several = len(sources) > 1
        self._made = 0
        self._failed: list[Path] = []
        for source, target in zip(sources, _targets(sources, driving, output), strict=True):
            task = Task(source, target, job_key((source, driving), model, settings))
            try:
                self._plan(task, driving, overwrite)
            except ReenactError as error:
                self._fail(task, error)

    def run(self, animator: Animator, driving: Clip | MotionTemplate, progress: Progress) -> None:
        """Make all that is not made yet."""
        for task in self.tasks:
            try:
                with stoppable(task.target):
                    photo = read_source(task.source, self._settings.source_frame)
                    portrait = animator.encode_source(
                        photo, crop=self._settings.crop, face=self._settings.face
                    )
                    write_animation(
                        animator,
                        portrait,
                        driving,
                        task.target,
                        progress,
                        self._settings,
                        source=task.source,
                        job=task.job,
                        resume=self._resume,
                    )
                self._done(task)
            except ReenactError as error:
                self._fail(task, error)
            except typer.Exit:
                self._stop(task)
                raise

    def conclude(self) -> None:
        """Say what of several was not made.

        Raises:
            typer.Exit: Some or all were not, with code 3 or 1.
        """
        if self._events:
            tell("end", made=self._made, failed=len(self._failed))
        if self._failed:
            names = ", ".join(str(path) for path in self._failed)
            total = self._made + len(self._failed)
            typer.echo(f"reenact: {self._made} of {total} made; not made: {names}", err=True)
            raise typer.Exit(SOME_FAILED if self._made else 1)

    def _plan(self, task: Task, driving: Path, overwrite: bool) -> None:
        if self._resume and is_done(task.target, task.job):
            self._done(task)
            return
        if self._several:
            _make_folder(task.target.parent)
        check_target(task.target, (task.source, driving), overwrite, resume=self._resume)
        self.tasks.append(task)

    def _done(self, task: Task) -> None:
        self._made += 1
        if self._events:
            tell("done", source=str(task.source), target=str(task.target))
        else:
            typer.echo(task.target)

    def _fail(self, task: Task, error: ReenactError) -> None:
        if self._events:
            tell("failed", source=str(task.source), error=" ".join(str(error).split()))
        if not self._several:
            raise error
        self._failed.append(task.source)
        typer.echo(f"reenact: {task.source}: {' '.join(str(error).split())}", err=True)

    def _stop(self, task: Task) -> None:
        from reenact.video import partial_path

        part = partial_path(task.target)
        if self._events:
            partial = str(part) if part.exists() else None
            tell("stopped", source=str(task.source), partial=partial)


def expand_sources(sources: Iterable[Path]) -> list[Path]:
    """All files that sources and patterns of them stand for, each once.

    Raises:
        MediaError: A pattern stands for nothing.
    """
    from reenact.video.images import expand, is_pattern

    found: dict[Path, None] = {}
    for source in sources:
        files = [path for path in expand(source) if path.is_file()] if is_pattern(source) else None
        if files is not None and not files:
            raise MediaError(f"{source}: found no file, expected photographs. Check the pattern.")
        found |= dict.fromkeys(files or [source])
    return list(found)


def check_target(
    target: Path, inputs: Iterable[Path], overwrite: bool, *, resume: bool = False
) -> None:
    """Refuse, before any work, to write over an input or over a file with something in it.

    Raises:
        MediaError: The output is an input, or it or a part of it exists and may not be replaced.
    """
    from reenact.video.partial import PartialFile
    from reenact.video.resumable import partial_path

    part = partial_path(target)
    for path in (target, part):
        if not path.exists():
            PartialFile(path).discard()  # fails where no file can be written
        elif any(other.exists() and path.samefile(other) for other in inputs):
            raise MediaError(
                f"{path}: found an input of this run, expected another file. Choose another output."
            )
        elif path.is_dir():
            raise MediaError(f"{path}: found a folder, expected a file name. Add one.")
    if overwrite:
        return
    if target.exists() and target.stat().st_size:
        raise MediaError(
            f"{target}: exists already, expected a new name. Choose one, or give --overwrite."
        )
    if part.exists() and part.stat().st_size and not resume:
        raise MediaError(
            f"{part}: holds what an earlier run finished, expected none. Give --resume to go on "
            "from it, or --overwrite to begin again."
        )


def _targets(sources: Sequence[Path], driving: Path, output: Path | None) -> list[Path]:
    """An output for each source; equal names are told apart by a number."""
    if len(sources) == 1 and output is not None and not output.is_dir():
        return [output]
    motion = driving.stem if not set("*?[") & set(driving.name) else driving.parent.name
    targets: list[Path] = []
    for source in sources:
        name, number = f"{source.stem}-{motion}", 1
        while (target := (output or Path()) / f"{name}.mp4") in targets:
            number += 1
            name = f"{source.stem}-{number}-{motion}"
        targets.append(target)
    return targets


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(
            f"{path}: cannot be a folder ({error.strerror}), expected one for several outputs. "
            "Choose another output."
        ) from error
