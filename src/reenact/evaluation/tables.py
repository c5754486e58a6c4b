"""The tables that a protocol ends in, as Markdown for people and as plain data for programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import numpy as np

from reenact.evaluation.attention import RegionScore
from reenact.evaluation.occlusion import PairScore
from reenact.evaluation.reconstruction import FrameScore
from reenact.evaluation.summary import Estimate, estimate
from reenact.records import REGIONS

Row = TypeVar("Row")

METRICS = {"psnr": 2, "ssim": 4, "l1": 4, "sqz_dist": 3}
"""Columns of the reconstruction table, and digits shown."""


@dataclass(frozen=True)
class Table:
    """One line a method or region; cells are estimates, or ratios of estimates."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Estimate | float, ...]], ...]
    digits: tuple[int, ...]
    note: str
    """What the numbers are means over."""

    def markdown(self) -> str:
        """The table with intervals, as shown in documents."""
        head = ["", *self.columns]
        body = [
            [name, *(_shown(cell, digits) for cell, digits in zip(cells, self.digits, strict=True))]
            for name, cells in self.lines
        ]
        rows = [head, ["---"] * len(head), *body]
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join([f"**{self.title}**", "", *lines, "", self.note])

    def plain(self) -> dict[str, Any]:
        """The table as data; numbers that do not exist are null."""
        lines = [
            {"name": name, **dict(zip(self.columns, map(_plain, cells), strict=True))}
            for name, cells in self.lines
        ]
        return {"title": self.title, "note": self.note, "lines": lines}


def reconstruction_table(rows: Sequence[FrameScore], chance: np.random.Generator) -> Table:
    """Means over frames, then over clips; the interval draws clips again."""
    measured = any(math.isfinite(row.sqz_dist) for row in rows)
    metrics = [name for name in METRICS if measured or name != "sqz_dist"]
    lines = tuple(
        (method, tuple(_column(mine, name, "clip", chance) for name in metrics))
        for method, mine in _grouped(rows, lambda row: row.method)
    )
    counts = lines[0][1][0] if lines else None
    return Table(
        title="Same-identity reconstruction",
        columns=tuple(metrics),
        lines=lines,
        digits=tuple(METRICS[name] for name in metrics),
        note=f"{_counts(counts, 'clips', 'frames')} Source: frame 0, not scored; frames 1 to 199 "
        "driven, absolute motion. Mean over frames, then over clips [95 % interval by clip].",
    )


def occlusion_table(
    rows: Sequence[PairScore],
    chance: np.random.Generator,
    title: str = "Regions that the source hides",
) -> Table:
    """Means over the pairs of a person, then over people; methods also pair by pair."""
    methods = _grouped(_same_pairs(rows), lambda row: row.method)
    lines = [
        (method, tuple(_column(mine, name, "identity", chance) for name in ("hidden_l1", "l1")))
        for method, mine in methods
    ]
    first = methods[0][1] if methods else []
    for method, other in methods[1:]:
        people = [row.identity for row in first]
        differences = tuple(
            estimate(
                [getattr(b, name) - getattr(a, name) for a, b in zip(first, other, strict=True)],
                people,
                chance,
            )
            for name in ("hidden_l1", "l1")
        )
        lines.append((f"{method} minus {methods[0][0]}", differences))
    counts = lines[0][1][0] if lines else None
    return Table(
        title=title,
        columns=("hidden_l1", "l1"),
        lines=tuple(lines),
        digits=(4, 4),
        note=f"{_counts(counts, 'people', 'pairs')} L1 inside regions that the driving frame shows "
        "and the source does not, and over the whole frame. Mean over the pairs of a person, then "
        "over people [95 % interval by person].",
    )


def attention_table(rows: Sequence[RegionScore], chance: np.random.Generator) -> Table:
    """Attention inside and outside each region, and how many times more it is inside.

    Of the two finest maps; on coarser ones a small region is less than a pixel.
    """
    sizes = sorted({row.size for row in rows})[-2:]
    lines = []
    for region in REGIONS:
        cells: list[Estimate | float] = []
        for size in sizes:
            mine = [row for row in rows if row.region == region and row.size == size]
            inside = _column(mine, "inside", "clip", chance)
            outside = _column(mine, "outside", "clip", chance)
            cells += [inside, outside, inside.mean / outside.mean if outside.mean else math.nan]
        lines.append((region, tuple(cells)))
    parts = (("inside", 3), ("outside", 4), ("ratio", 1))
    return Table(
        title="Attention of the facelets",
        columns=tuple(f"{part} at {size}" for size in sizes for part, _ in parts),
        lines=tuple(lines) if rows else (),
        digits=tuple(digits for _ in sizes for _, digits in parts),
        note="Mean over frames that show the region, then over clips [95 % interval by clip].",
    )


def _same_pairs(rows: Sequence[PairScore]) -> list[PairScore]:
    """Scores without those of pairs where nothing was hidden or any method failed."""
    dropped = {_pair(row) for row in rows if not math.isfinite(row.hidden_l1)}
    return [
        replace(row, hidden_l1=math.nan, l1=math.nan) if _pair(row) in dropped else row
        for row in rows
    ]


def _pair(row: PairScore) -> tuple[str, int, int]:
    return row.clip, row.source_frame, row.driving_frame


def _column(rows: Sequence[Any], value: str, group: str, chance: np.random.Generator) -> Estimate:
    values = [float(getattr(row, value)) for row in rows]
    return estimate(values, [str(getattr(row, group)) for row in rows], chance)


def _grouped(rows: Iterable[Row], key: Callable[[Row], str]) -> list[tuple[str, list[Row]]]:
    """Rows by key, in the order in which keys first occur."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return list(groups.items())


def _counts(cell: Estimate | float | None, groups: str, samples: str) -> str:
    if not isinstance(cell, Estimate):
        return f"0 {groups}."
    return f"{cell.groups} {groups}, {cell.samples} {samples}, {cell.dropped} dropped."


def _shown(cell: Estimate | float, digits: int) -> str:
    if isinstance(cell, float):
        return f"{cell:.{digits}f}"
    if not cell.samples:
        return "none"
    return f"{cell.mean:.{digits}f} [{cell.low:.{digits}f}, {cell.high:.{digits}f}]"


def _plain(cell: Estimate | float) -> Any:
    if isinstance(cell, Estimate):
        return {name: _finite(value) for name, value in asdict(cell).items()}
    return _finite(cell)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
