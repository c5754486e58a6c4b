"""How well people that training never sees are reconstructed, from the first frame of a clip."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reenact.data.pairs import PairBatch
from reenact.data.sampling import clip_pairs
from reenact.data.store import ClipStore
from reenact.model import FaceletModel
from reenact.records import Animation, Parsing
from reenact.training.losses import pixel_loss, psnr

BATCH = 24
"""Frames at a time."""


@dataclass(frozen=True)
class Score:
    """Means over the frames of a clip, then over clips."""

    psnr: float
    """Decibels."""
    l1: float
    """Mean absolute difference of colours in [0, 1]."""


@torch.no_grad()
def validate(model: FaceletModel, store: ClipStore, frames: int) -> Score:
    """Score a model in evaluation mode on frames spread evenly over every clip, the first not."""
    scores = []
    for clip in range(len(store.names)):
        batch = clip_reconstruction(store, clip, frames)
        generated = torch.cat([animate(model, part).frame for part in split_batch(batch, BATCH)])
        decibels = psnr(generated, batch.driving).mean()
        scores.append(torch.stack([decibels, pixel_loss(generated, batch.driving)]))
    mean_psnr, mean_l1 = torch.stack(scores).mean(dim=0).tolist()
    return Score(psnr=mean_psnr, l1=mean_l1)


@torch.no_grad()
def repeat_source(store: ClipStore, frames: int) -> Score:
    """The score of showing the source over and over: what a model has to beat."""
    scores = []
    for clip in range(len(store.names)):
        batch = clip_reconstruction(store, clip, frames)
        decibels = psnr(batch.source, batch.driving).mean()
        scores.append(torch.stack([decibels, pixel_loss(batch.source, batch.driving)]))
    mean_psnr, mean_l1 = torch.stack(scores).mean(dim=0).tolist()
    return Score(psnr=mean_psnr, l1=mean_l1)


def clip_reconstruction(store: ClipStore, clip: int, frames: int) -> PairBatch:
    """The first frame of a clip as source with frames spread evenly over the rest as driving."""
    start, length = int(store.starts[clip]), int(store.lengths[clip])
    count = min(frames, length - 1)
    driving = torch.linspace(1, length - 1, count, device=store.device).round().long()
    return clip_pairs(store, torch.full_like(driving, start), start + driving)


def turned_pairs(store: ClipStore, count: int) -> PairBatch:
    """First frames and the frames of the same clips whose pose differs most, for looking at."""
    chosen = []
    for clip in range(len(store.names)):
        start, length = int(store.starts[clip]), int(store.lengths[clip])
        turns = store.pose[start : start + length, :3]
        distance = (turns - turns[:1]).norm(dim=-1).nan_to_num()
        chosen.append((float(distance.max()), start, start + int(distance.argmax())))
    best = sorted(chosen, reverse=True)[:count]
    source, driving = (
        torch.tensor(column, device=store.device)
        for column in zip(*((start, frame) for _, start, frame in best), strict=True)
    )
    return clip_pairs(store, source, driving)


def animate(model: FaceletModel, batch: PairBatch) -> Animation:
    """Run a model on the pairs of a batch with their prepared parsing and pose."""
    animation: Animation = model(
        batch.source,
        batch.driving,
        source_parsing=Parsing(batch.source_parsing),
        driving_pose=batch.driving_pose,
        source_pose=batch.source_pose,
    )
    return animation


def split_batch(batch: PairBatch, size: int) -> list[PairBatch]:
    """A batch in parts of at most a size."""
    columns: list[tuple[Tensor, ...]] = [tensor.split(size) for tensor in batch.tensors()]
    return [PairBatch(*parts) for parts in zip(*columns, strict=True)]
