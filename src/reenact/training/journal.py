"""What a run tells: lines on stderr, numbers in log.jsonl and TensorBoard, pictures as PNG."""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from torch import Tensor

from reenact.config import Settings
from reenact.errors import TrainingError
from reenact.training.schedule import Clock
from reenact.training.sheet import save_sheet

_LOG = logging.getLogger(__name__)


class Journal:
    """Writes for one process of a run; the others hold a silent one."""

    def __init__(self, folder: Path, *, speaks: bool, tensorboard: bool) -> None:
        self.folder = folder
        self.speaks = speaks
        self._board = _open_board(folder) if speaks and tensorboard else None
        self._progress = _open_progress() if speaks and sys.stderr.isatty() else None
        self._task = TaskID(0)

    def open(self, settings: Settings) -> None:
        """Keep the settings of the run beside its numbers, and start the bar."""
        if not self.speaks:
            return
        text = yaml.safe_dump(settings, sort_keys=False)
        (self.folder / "config.yaml").write_text(text, encoding="utf-8")
        if self._progress is not None:
            self._task = self._progress.add_task("", total=1.0)
            self._progress.start()

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Keep numbers of a step."""
        if not self.speaks:
            return
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as sink:
            finite = {k: v if math.isfinite(v) else None for k, v in values.items()}
            sink.write(json.dumps({"step": step, **finite}) + "\n")
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def progress(self, clock: Clock, values: Mapping[str, float]) -> None:
        """Show how far the run is, with its main numbers."""
        if not self.speaks:
            return
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        line = f"step {clock.step}  {clock.seconds_left() / 60:.1f} min left  {numbers}"
        if self._progress is None:
            _LOG.info("%5.1f %%  %s", 100 * clock.share, line)
        else:
            self._progress.update(self._task, completed=clock.share, description=line)

    def sheet(self, name: str, step: int, sheet: Tensor) -> None:
        """Keep a picture uint8 (3, H, W) of a step."""
        if not self.speaks:
            return
        save_sheet(self.folder / "sheets" / f"{name}-{step:07d}.png", sheet)
        if self._board is not None:
            self._board.add_image(name, sheet, step)

    def say(self, message: str, *values: Any) -> None:
        """Log a line, from one process alone."""
        if self.speaks:
            _LOG.info(message, *values)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
        if self._board is not None:
            self._board.close()


def _open_board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TrainingError(
            "tensorboard is not installed, expected it for tensorboard: true. "
            "Install reenact[train], or use --set tensorboard=false."
        ) from error
    return SummaryWriter(str(folder / "tensorboard"))


def _open_progress() -> Progress:
    columns = (BarColumn(), TextColumn("{task.percentage:>5.1f} %"), TimeElapsedColumn())
    return Progress(*columns, TextColumn("{task.description}"), console=Console(stderr=True))
