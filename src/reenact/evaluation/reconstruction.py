"""Same-identity reconstruction: the first frame of a clip, driven by the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from reenact.evaluation.clips import ScoredClip
from reenact.evaluation.face_metrics import identity_similarity
from reenact.evaluation.judges import FaceJudge, FaceReadings, embed_faces, read_frames
from reenact.evaluation.methods import Method
from reenact.evaluation.metrics import look_at, score
from reenact.evaluation.thinning import NOT_THINNED, Thinning
from reenact.perception.features import SqueezeNetFeatures
from reenact.perception.identity import MobileFaceNet


@dataclass(frozen=True)
class FrameScore:
    """How close one generated frame is to the true one."""

    method: str
    clip: str
    identity: str
    frame: int
    psnr: float
    ssim: float
    l1: float
    sqz_dist: float
    csim_mfn: float = math.nan
    """Cosine of MobileFaceNet's embeddings of frame and true frame."""
    failed: float = math.nan
    """1 where no face was found in the frame, else 0."""


@dataclass(frozen=True)
class Recogniser:
    """Says whether two frames show the same person."""

    judge: FaceJudge
    network: MobileFaceNet

    def look(self, frames: Tensor, like: FaceReadings | None = None) -> tuple[FaceReadings, Tensor]:
        """Where the faces of frames (B, 3, S, S) are, and whom they show (B, D)."""
        readings = read_frames(self.judge, frames, like)
        return readings, embed_faces(self.network, frames, readings)


@torch.no_grad()
def reconstruct(
    methods: Mapping[str, Method],
    clips: Iterable[ScoredClip],
    features: SqueezeNetFeatures | None,
    device: torch.device,
    batch_size: int = 32,
    recogniser: Recogniser | None = None,
    thinning: Thinning = NOT_THINNED,
) -> Iterator[FrameScore]:
    """Score every method on frames 1 to 199 of every clip, absolute motion.

    Frame 0 is the source and not scored: it would flatter every method.
    """
    for clip in clips:
        source = clip.pictures(slice(0, 1), device)
        draws = {name: method(source) for name, method in methods.items()}
        for numbers in thinning.choose(len(clip)).split(batch_size):
            driving = clip.pictures(numbers, device)
            truth = look_at(driving, features)
            known = None if recogniser is None else recogniser.look(driving)
            for name, draw in draws.items():
                frames = draw(driving)
                columns = [*score(frames, truth, features).columns()]
                if recogniser is not None and known is not None:
                    columns += _likeness(recogniser, frames, *known)
                rows = torch.stack(columns, dim=1).tolist()
                for number, values in zip(numbers.tolist(), rows, strict=True):
                    yield FrameScore(name, clip.name, clip.identity, number, *values)


def _likeness(
    recogniser: Recogniser, frames: Tensor, readings: FaceReadings, true: Tensor
) -> tuple[Tensor, Tensor]:
    """Identity similarity (B,) to true embeddings, and 1 (B,) where no face was found.

    Both NaN where the true frame shows none.
    """
    found, mine = recogniser.look(frames, readings)
    columns = identity_similarity(mine, true), (~found.found).float()
    one, other = (column.masked_fill(~readings.found, torch.nan) for column in columns)
    return one, other


def blank_failures(rows: Iterable[FrameScore]) -> list[FrameScore]:
    """Scores without those of frames on which any method failed: NaN there for all methods.

    So all are compared on the same frames, and the number of these failures stays known.
    """
    everything = list(rows)
    failed = {(row.clip, row.frame) for row in everything if not math.isfinite(row.psnr)}
    nan = math.nan
    return [
        replace(row, psnr=nan, ssim=nan, l1=nan, sqz_dist=nan, csim_mfn=nan, failed=nan)
        if (row.clip, row.frame) in failed
        else row
        for row in everything
    ]
