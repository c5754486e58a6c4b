"""Cross-identity reenactment: one person's picture, driven by another person's clip.

There is no true frame to compare with. Three things are asked of the result instead: is it still
the person of the source, is the head turned as in the driving frame, and does it make that face
(evaluation.md C4 to C6, P3).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reenact.data.clips import Footage
from reenact.errors import DataError
from reenact.evaluation.clips import ScoredClip
from reenact.evaluation.face_metrics import (
    action_unit_distance,
    expression_distance,
    geodesic_distance,
    identity_similarity,
    rotation_distance,
)
from reenact.evaluation.judges import FaceJudge, FaceReadings, embed_faces, read_frames
from reenact.evaluation.methods import CrossMethod
from reenact.evaluation.thinning import NOT_THINNED, Thinning
from reenact.motion.transfer import hull_area
from reenact.perception.identity import MobileFaceNet
from reenact.perception.mesh import LANDMARKS_68

STRIDE = 5
"""Driving frames from one that is scored to the next."""


@dataclass(frozen=True)
class CrossPair:
    """Who is shown and who moves."""

    source: Footage
    """Clip whose first frame is the source, or a still."""
    driving: Footage

    @property
    def name(self) -> str:
        """What intervals are drawn by."""
        return f"{self.source.name} < {self.driving.name}"


@dataclass(frozen=True)
class CrossScore:
    """What the judges say of one generated frame; NaN where a judge is missing."""

    method: str
    clip: str
    """Name of the pair."""
    source: str
    driving: str
    frame: int
    """Of the driving clip."""
    start: int
    """Frame of the driving clip that relative motion is counted from."""
    csim_mfn: float
    """Cosine of MobileFaceNet's embeddings of source and result."""
    ard_mesh: float
    """Degrees between the head's turn here and in the driving frame: mean of three angles."""
    geodesic_mesh: float
    """Degrees: the one angle between the two turns."""
    expr_mesh: float
    """Mean absolute difference of the expression scores to those of the driving frame."""
    auh_mesh: float
    """Share of action units that only one of the two shows."""
    ard_reader: float
    """As `ard_mesh`, by the shipped face reader."""
    expr_reader: float
    failed: float
    """1 where no face was found in the result, else 0."""


@dataclass(frozen=True)
class Panel:
    """All who look at the results."""

    reader: FaceJudge
    """The model's own eye."""
    landmarker: FaceJudge | None
    """Independent of the model; None where its weights are missing."""
    identity: MobileFaceNet | None


def choose_pairs(
    sources: Sequence[Footage],
    clips: Sequence[Footage],
    chance: np.random.Generator,
    count: int | None = None,
) -> tuple[CrossPair, ...]:
    """Every source with a clip of somebody else, or as many pairs as asked for.

    Sources come in an order of chance, again and again if more pairs are wanted than there are.

    Raises:
        DataError: The clips show nobody but the person of a source.
    """
    order = chance.permutation(len(sources))
    pairs = []
    for number in range(len(sources) if count is None else count):
        source = sources[order[number % len(order)]]
        others = [clip for clip in clips if clip.identity != source.identity]
        if not others:
            raise DataError(
                f"{source.path}: no clip of another person than {source.identity} to drive it, "
                "expected two people at least. Add clips, or say who is who in manifest.csv."
            )
        pairs.append(CrossPair(source, others[chance.integers(len(others))]))
    return tuple(pairs)


@torch.no_grad()
def reenact_across(
    methods: Mapping[str, CrossMethod],
    pairs: Sequence[CrossPair],
    sources: Iterable[Tensor],
    clips: Iterable[ScoredClip],
    panel: Panel,
    device: torch.device,
    batch_size: int = 32,
    thinning: Thinning = NOT_THINNED,
) -> Iterator[CrossScore]:
    """Score every method on every fifth of the driving frames 0 to 199 of every pair.

    Sources (1, 3, S, S) in [0, 1] and driving clips come in the order of the pairs. Motion is
    counted from the scored driving frame whose face is most like the source's. Driving frames
    without a face are scored NaN for every method.
    """
    for pair, picture, clip in zip(pairs, sources, clips, strict=True):
        source = picture.to(device)
        parts = thinning.choose(len(clip), first=0, every=STRIDE).split(batch_size)
        driving = [_look(panel, clip.pictures(numbers, device)) for numbers in parts]
        shown = _look(panel, source)
        nearest = most_alike(shown.face, [look.face for look in driving])
        start = int(torch.cat(parts)[nearest])
        initial = clip.pictures(slice(start, start + 1), device)
        draws = {name: method(source, initial) for name, method in methods.items()}
        for numbers, wanted in zip(parts, driving, strict=True):
            frames = clip.pictures(numbers, device)
            for name, draw in draws.items():
                got = _look(panel, draw(frames), wanted)
                rows = _scores(shown, wanted, got).tolist()
                for number, values in zip(numbers.tolist(), rows, strict=True):
                    names = (pair.name, pair.source.name, pair.driving.name)
                    yield CrossScore(name, *names, number, start, *values)


def blank_broken(rows: Iterable[CrossScore]) -> list[CrossScore]:
    """Scores without those of frames that any method left unreadable (NaN): NaN there for all.

    So all methods are compared on the same frames; that a face was not found stays known.
    """
    everything = list(rows)
    broken = {(row.clip, row.frame) for row in everything if not math.isfinite(row.ard_reader)}
    metrics = [f.name for f in fields(CrossScore) if f.type == "float" and f.name != "failed"]
    blank: dict[str, Any] = dict.fromkeys(metrics, math.nan)
    return [replace(row, **blank) if (row.clip, row.frame) in broken else row for row in everything]


def most_alike(source: FaceReadings, driving: Sequence[FaceReadings]) -> int:
    """Number of the driving frame whose face is most like the source's; 0 where none has a face.

    By 68 landmarks, centred and scaled by their area (evaluation.md D).
    """
    shape = _normalised(source)
    apart = torch.cat(
        [
            (_normalised(part) - shape).square().sum(dim=(1, 2)).masked_fill(~part.found, torch.inf)
            for part in driving
        ]
    )
    return int(apart.argmin())


def _normalised(mesh: FaceReadings) -> Tensor:
    points = mesh.points[:, list(LANDMARKS_68), :2]
    points = points - points.mean(dim=1, keepdim=True)
    return points / hull_area(points).clamp_min(1e-6).sqrt().view(-1, 1, 1)


@dataclass(frozen=True, eq=False)
class _Look:
    """All that the panel says of some pictures."""

    reader: FaceReadings
    landmarker: FaceReadings | None
    identity: Tensor | None

    @property
    def face(self) -> FaceReadings:
        """Where the face is, by the better judge of the two."""
        return self.landmarker or self.reader


def _look(panel: Panel, frames: Tensor, like: _Look | None = None) -> _Look:
    face = reader = read_frames(panel.reader, frames)
    landmarker = None
    if panel.landmarker is not None:
        place = None if like is None else like.face
        face = landmarker = read_frames(panel.landmarker, frames, place)
    network = panel.identity
    return _Look(
        reader, landmarker, None if network is None else embed_faces(network, frames, face)
    )


def _scores(source: _Look, wanted: _Look, got: _Look) -> Tensor:
    """The numbers of `CrossScore` in its order: (B, 8)."""
    columns = [torch.full_like(got.reader.rotation[:, 0, 0], torch.nan)] * 5
    if source.identity is not None and got.identity is not None:
        columns[0] = identity_similarity(source.identity, got.identity)
    if wanted.landmarker is not None and got.landmarker is not None:
        rotation = wanted.landmarker.rotation, got.landmarker.rotation
        expression = wanted.landmarker.expression, got.landmarker.expression
        columns[1] = rotation_distance(*rotation)
        columns[2] = geodesic_distance(*rotation)
        columns[3] = expression_distance(*expression)
        columns[4] = action_unit_distance(*expression)
    columns += [
        rotation_distance(wanted.reader.rotation, got.reader.rotation),
        expression_distance(wanted.reader.expression, got.reader.expression),
        (~got.face.found).float(),
    ]
    return torch.stack(columns, dim=1).masked_fill(~wanted.face.found.unsqueeze(1), torch.nan)
