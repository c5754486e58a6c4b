"""Ctrl-C and requests to end: what is finished stays in place, and the exit code says it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer

from reenact.cli.progress import tell

STOPPED = 130
"""Exit code after Ctrl-C or a request to end, as of shells."""


@contextmanager
def requests_as_interrupts() -> Iterator[None]:
    """Take a request to end (SIGTERM) for Ctrl-C, so that it is cleaned up after; main thread."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def stoppable(
    source: Path | None = None, target: Path | None = None, *, events: bool = False
) -> Iterator[None]:
    """End when interrupted with what is finished in place, and say where.

    Args:
        source: What is animated; None while that is none yet.
        target: What is made of it.
        events: Say it as an event for programs as well.

    Raises:
        typer.Exit: Stopped; with code 130.
    """
    try:
        yield
    except KeyboardInterrupt:
        part = None if target is None else _part(target)
        kept = f"{part} holds what is finished; --resume goes on" if part else "nothing is finished"
        typer.echo(f"reenact: stopped: {kept}", err=True)
        if events:
            tell("stopped", source=_name(source), partial=_name(part))
        raise typer.Exit(STOPPED) from None


def _part(target: Path) -> Path | None:
    """What is finished of an output."""
    from reenact.video import partial_path

    part = partial_path(target)
    return part if part.exists() else None


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)
