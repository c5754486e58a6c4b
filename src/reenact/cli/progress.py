"""Progress on stderr: what is being done, how fast, and how long it will take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

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


class Counted(Iterable[T]):
    """Something of known length that moves a bar whenever it is iterated over."""

    def __init__(self, items: Iterable[T], total: int, progress: Progress, stage: str) -> None:
        self._items = items
        self._total = total
        self._progress = progress
        self._task: TaskID = progress.add_task(stage, total=total)

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[T]:
        self._progress.reset(self._task)
        for item in self._items:
            yield item
            self._progress.advance(self._task)
        self._progress.update(self._task, completed=self._total)
