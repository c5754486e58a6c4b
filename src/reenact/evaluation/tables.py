"""The tables that a protocol ends in, as Markdown for people and as plain data for programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import numpy as np

from reenact.evaluation.attention import RegionScore
from reenact.evaluation.cross import CrossScore
from reenact.evaluation.occlusion import PairScore
from reenact.evaluation.reconstruction import FrameScore
from reenact.evaluation.summary import Estimate, estimate
from reenact.records import REGIONS

Row = TypeVar("Row")

METRICS = {"psnr": 2, "ssim": 4, "l1": 4, "sqz_dist": 3, "csim_mfn": 3, "failed": 3}
"""Columns of the reconstruction table, and digits shown."""
CROSS_METRICS = {
    "csim_mfn": 3,
    "ard_mesh": 2,
    "geodesic_mesh": 2,
    "expr_mesh": 4,
    "auh_mesh": 3,
    "ard_reader": 2,
    "expr_reader": 4,
    "failed": 3,
}
"""Columns of the cross-identity table, and digits shown."""
JUDGED = {
    "sqz_dist",
    "csim_mfn",
    "ard_mesh",
    "geodesic_mesh",
    "expr_mesh",
    "auh_mesh",
    "failed",
}
"""Columns of judges that may be missing: no number at all means that nobody looked."""
_LIKENESS = (
    " csim_mfn: cosine of MobileFaceNet's embeddings, not comparable with ArcFace's; failed: share "
    "of frames in which no face was found, scored where the face should be."
)


@dataclass(frozen=True)
class Table:
    """One line a method or region; cells are estimates, or ratios of estimates."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Estimate | float, ...]], ...]
    digits: tuple[int, ...]
    note: str
    """What the numbers are means over."""

    def annotated(self, label: str, remarks: Iterable[str]) -> Table:
        """The table with a label behind its title, if any, and more remarks below."""
        title = f"{self.title} ({label})" if label else self.title
        return replace(self, title=title, note=" ".join([self.note, *remarks]))

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
    metrics, lines = _lines(rows, METRICS, chance)
    counts = lines[0][1][0] if lines else None
    return Table(
        title="Same-identity reconstruction",
        columns=metrics,
        lines=lines,
        digits=tuple(METRICS[name] for name in metrics),
        note=f"{_counts(counts, 'clips', 'frames')} Source: frame 0, not scored; frames 1 to 199 "
        "driven, absolute motion. Mean over frames, then over clips [95 % interval by clip]."
        + (_LIKENESS if "csim_mfn" in metrics else ""),
    )


def cross_table(rows: Sequence[CrossScore], chance: np.random.Generator) -> Table:
    """Means over frames, then over pairs; the interval draws pairs again."""
    metrics, lines = _lines(rows, CROSS_METRICS, chance)
    counts = lines[0][1][-1] if lines else None
    return Table(
        title="Cross-identity reenactment",
        columns=metrics,
        lines=lines,
        digits=tuple(CROSS_METRICS[name] for name in metrics),
        note=f"{_counts(counts, 'pairs', 'frames')} One person's picture driven by another's clip; "
        "relative motion is counted from the scored driving frame most like the source, steps "
        "scaled to the face. ard, geodesic (degrees), expr and auh compare with the driving frame: "
        "_mesh by MediaPipe's landmarker, which the model does not know; _reader by the shipped "
        "face reader, on which the model is conditioned, so that it flatters. Relative motion "
        "keeps the source's own pose and expression at its start, which both count as error. "
        "Mean over frames, then over pairs [95 % interval by pair]."
        + (_LIKENESS if "csim_mfn" in metrics else ""),
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


def _lines(
    rows: Sequence[Any], digits: Mapping[str, int], chance: np.random.Generator
) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[Estimate, ...]], ...]]:
    """The metrics that had a judge, and for each method what they came to."""
    measured = tuple(
        name
        for name in digits
        if name not in JUDGED or any(math.isfinite(getattr(row, name)) for row in rows)
    )
    lines = tuple(
        (method, tuple(_column(mine, name, "clip", chance) for name in measured))
        for method, mine in _grouped(rows, lambda row: row.method)
    )
    return measured, lines


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
