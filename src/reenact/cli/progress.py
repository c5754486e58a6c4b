"""Progress on stderr: what is being done, how fast, and how long it will take."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

T = TypeVar("T")
EVERY = 1.0
"""Seconds between two events of progress, at least."""


class RateColumn(ProgressColumn):
    """Frames a second, over the last while."""

    def render(self, task: Task) -> Text:
        """The rate of one task; blank until it is known."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:5.1f} fps" if speed else "", style="progress.data.speed")


def frame_progress(quiet: bool = False) -> Progress:
    """A bar for frames: stage, count, frames a second, time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=quiet,
    )


class EventProgress(Progress):
    """Progress as events, for programs: at most one a second, and the last of every stage."""

    def __init__(self) -> None:
        super().__init__(disable=True)
        self._told = -EVERY

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Count a frame."""
        super().advance(task_id, advance)
        task = next(task for task in self.tasks if task.id == task_id)
        now = monotonic()
        if now - self._told >= EVERY or task.completed == task.total:
            self._told = now
            speed = task.finished_speed or task.speed
            tell(
                "progress",
                stage=task.description,
                done=int(task.completed),
                total=int(task.total or 0),
                fps=None if speed is None else round(speed, 2),
            )


def tell(event: str, **fields: str | int | float | None) -> None:
    """Write an event to stdout: one line of JSON with `event` and what belongs to it."""
    typer.echo(json.dumps({"event": event, **fields}))


class Counted(Iterable[T]):
    """Something of known length that moves a bar whenever it is iterated over."""

    def __init__(
        self, items: Iterable[T], total: int, progress: Progress, stage: str, done: int = 0
    ) -> None:
        self._items = items
        self._total = total
        self._done = done
        self._progress = progress
        self._task: TaskID = progress.add_task(stage, total=total)

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[T]:
        self._progress.reset(self._task, completed=self._done)
        for item in self._items:
            yield item
            self._progress.advance(self._task)
        self._progress.update(self._task, completed=self._total)
