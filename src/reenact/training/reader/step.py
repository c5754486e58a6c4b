"""One training step of the face reader: batches from the store, losses of both stages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from reenact.data.head_chance import chance, normal, uniform
from reenact.layers.rotation import vector_from_matrix
from reenact.perception.reader import FaceReader
from reenact.training.reader import losses
from reenact.training.reader.augment import (
    CROP_RESOLUTIONS,
    Placement,
    degrade,
    mirror,
    occlude,
    place,
    random_placement,
    recolour,
)
from reenact.training.reader.batch import ReaderBatch
from reenact.training.reader.compose import PictureBatch, background, compose_pictures
from reenact.training.reader.glasses import draw_glasses
from reenact.training.reader.store import ReaderStore


@dataclass(frozen=True, kw_only=True)
class BatchSizes:
    """How many samples of each kind a step sees."""

    crops: int = 144
    """Photographed and filmed faces."""
    heads: int = 48
    """Synthetic heads, once there are some."""
    empty: int = 24
    """Crops without a face."""
    pictures: int = 48
    """Whole pictures for the detector."""


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the terms, applied in `step_loss` and nowhere else."""

    points: float = 20.0
    depth: float = 4.0
    rotation: float = 3.0
    jaw: float = 1.5
    expression: float = 4.0
    presence: float = 1.0
    parsing: float = 1.5
    centre: float = 1.0
    box: float = 1.0


def crop_batch(
    store: ReaderStore, negatives: Tensor, sizes: BatchSizes, generator: torch.Generator
) -> ReaderBatch:
    """A fresh batch of crop squares: real faces, synthetic heads, nothing."""
    size = store.images.shape[-1]
    rows = store.draw(sizes.crops, generator)
    if store.filled:
        rows = torch.cat([rows, store.draw_synthetic(sizes.heads, generator)])
    faces = store.batch(rows)
    count = len(faces)
    empty = background(negatives, store, sizes.empty, size, generator)
    backdrop = empty[torch.randint(len(empty), (count,), generator=generator, device=rows.device)]
    faces = mirror(faces, chance(count, 0.5, generator))
    faces = place(
        faces, random_placement(count, generator), backdrop, chance(count, 0.5, generator)
    )
    worn = store.bare[rows] & chance(count, 0.3, generator)
    faces = draw_glasses(faces, worn, generator)
    faces = occlude(faces, generator)
    batch = ReaderBatch.join([faces, _faceless(store, empty, generator)])
    image = degrade(recolour(batch.image, generator), generator, CROP_RESOLUTIONS)
    return replace(batch, image=image)


def _faceless(store: ReaderStore, empty: Tensor, generator: torch.Generator) -> ReaderBatch:
    """Backgrounds, and for a third of them a piece of a face or of clothes far too large."""
    count = len(empty)
    batch = store.batch(store.draw(count, generator))
    scale = uniform((count,), 2.6, 5.0, generator)
    piece = Placement(
        scale=scale,
        angle=normal((count,), 0.3, generator),
        shift=uniform((count, 2), -1, 1, generator) * (scale[:, None] - 1),
    )
    batch = place(batch, piece, empty, torch.ones(count, dtype=torch.bool, device=empty.device))
    close = chance(count, 0.33, generator)
    zero = torch.zeros_like(batch.face)
    return replace(
        batch,
        image=torch.where(close[:, None, None, None], batch.image, empty),
        labels=torch.zeros_like(batch.labels),
        face=zero,
        point_weight=torch.zeros_like(batch.point_weight),
        pose_weight=zero,
        expression_weight=zero,
        parsing_weight=(~close).float(),
        glasses_unknown=torch.zeros_like(close),
    )


def step_loss(
    reader: FaceReader, batch: ReaderBatch, pictures: PictureBatch, weights: LossWeights
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted sum of all terms, and the terms themselves, detached.

    Regions are decoded for every second crop: they cost more than all the rest.
    """
    device = batch.image.device.type
    layout = torch.channels_last
    crops = reader.crop_reader
    with torch.autocast(device, dtype=torch.bfloat16):
        features = crops.backbone(batch.image.contiguous(memory_format=layout))
        reading = crops.read_features(features)
        logits = crops.parsing([feature[::2] for feature in features])
        found = reader.detector(pictures.image.contiguous(memory_format=layout))
    centres, boxes = found
    heat, target = losses.centre_map(pictures.boxes, pictures.valid, *centres.shape[-2:])
    centre, box = losses.detection_loss(centres, boxes, heat, target)
    terms = {
        "points": losses.point_loss(reading, batch),
        "depth": losses.depth_loss(reading, batch),
        "rotation": losses.rotation_loss(reading, vector_from_matrix(batch.rotation), batch),
        "jaw": losses.jaw_loss(reading, batch),
        "expression": losses.expression_loss(reading, batch),
        "presence": losses.presence_loss(reading, batch),
        "parsing": losses.parsing_loss(logits, batch.take(slice(None, None, 2))),
        "centre": centre,
        "box": box,
    }
    total = torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()
    return total, {name: term.detach() for name, term in terms.items()}


def step_data(
    store: ReaderStore, negatives: Tensor, sizes: BatchSizes, generator: torch.Generator
) -> tuple[ReaderBatch, PictureBatch]:
    """Everything one step looks at."""
    with torch.no_grad():
        return (
            crop_batch(store, negatives, sizes, generator),
            compose_pictures(store, negatives, sizes.pictures, generator),
        )
