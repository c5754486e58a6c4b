"""What an evaluation leaves behind: a row for every sample, and what made them."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from reenact import __version__
from reenact.data.clips import Footage

PACKAGES = ("torch", "torchmetrics", "numpy")
"""Whose versions a result may depend on."""


def write_rows(path: Path, rows: Sequence[Any]) -> None:
    """One CSV line a sample; rows are dataclasses of one kind."""
    with whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as sink:
        writer = csv.writer(sink)
        if rows:
            writer.writerow(field.name for field in fields(rows[0]))
        writer.writerows(asdict(row).values() for row in rows)


def write_clip_means(path: Path, rows: Sequence[Any]) -> None:
    """One CSV line a method and clip, with the means of what rows of one kind have measured."""
    means = list(clip_means(rows))
    with whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as sink:
        writer = csv.DictWriter(sink, means[0].keys() if means else ())
        writer.writeheader()
        writer.writerows(means)


def clip_means(rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Names, number of rows, and means of the rows that agree in all their names.

    Numbers that do not exist are left out of a mean; it is NaN where there are no others.
    """
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        values = asdict(row)
        names = tuple(value for value in values.values() if isinstance(value, str))
        groups.setdefault(names, []).append(values)
    for group in groups.values():
        line = {name: value for name, value in group[0].items() if isinstance(value, str)}
        measured = [name for name, value in group[0].items() if isinstance(value, float)]
        yield {**line, "rows": len(group), **{name: _mean(group, name) for name in measured}}


def _mean(group: Iterable[Mapping[str, Any]], name: str) -> float:
    values = [row[name] for row in group if math.isfinite(row[name])]
    return sum(values) / len(values) if values else math.nan


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """JSON, with null for numbers that do not exist."""
    with whole(path) as partial:
        partial.write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def versions() -> dict[str, str]:
    """Of Python and of the packages that compute the numbers."""
    found = {name: metadata.version(name) for name in PACKAGES}
    return {"reenact": __version__, "python": platform.python_version(), **found}


def list_hash(footage: Iterable[Footage]) -> str:
    """SHA-256 of the names of the clips, in order: which ones a table is about."""
    return hashlib.sha256("\n".join(item.name for item in footage).encode()).hexdigest()


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary sibling of a file that takes its name only when nothing went wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
