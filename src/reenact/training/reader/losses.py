"""Losses of the face reader; each returns its plain value."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from reenact.perception.crop_reader import CropReading
from reenact.perception.detector import STRIDE, cell_centres
from reenact.perception.mesh import LANDMARKS_68, NUM_POINTS
from reenact.training.reader.batch import ReaderBatch, constant
from reenact.training.reader.glasses import LABEL as GLASSES
from reenact.training.reader.glasses import glasses_zone

REGION_WEIGHT = (1.0, 1.0, 3.0, 3.0, 4.0, 4.0, 4.0, 3.0, 3.0, 1.5, 3.0, 3.0, 3.0, 1.5, 1.0)
"""Weight of a pixel by its label: thin regions count for more."""
_IMPORTANCE = tuple(4.0 if point in LANDMARKS_68 else 1.0 for point in range(NUM_POINTS))


def weighted_mean(value: Tensor, weight: Tensor) -> Tensor:
    """Mean by weights of the same shape; 0 where all weights are 0."""
    return (value * weight).sum() / weight.sum().clamp_min(1e-6)


def point_loss(reading: CropReading, batch: ReaderBatch) -> Tensor:
    """Distance of mesh points in units of the crop's half side; the usual 68 count for more."""
    importance = constant(_IMPORTANCE, batch.points.device)
    error = F.smooth_l1_loss(
        reading.points, batch.points[..., :2], beta=0.01, reduction="none"
    ).sum(dim=-1)
    return weighted_mean(error, batch.point_weight * importance)


def depth_loss(reading: CropReading, batch: ReaderBatch) -> Tensor:
    """Error of the mesh depth in units of the crop's half side."""
    error = (reading.depth - batch.points[..., 2]).abs()
    return weighted_mean(error, batch.point_weight)


def rotation_loss(reading: CropReading, rotation: Tensor, batch: ReaderBatch) -> Tensor:
    """Error of the rotation vector in radians; `rotation` (B, 3) is the true one."""
    error = F.smooth_l1_loss(reading.pose, rotation, beta=0.02, reduction="none").sum(dim=-1)
    return weighted_mean(error, batch.pose_weight)


def jaw_loss(reading: CropReading, batch: ReaderBatch) -> Tensor:
    """Error of the jaw numbers."""
    error = (reading.jaw - batch.jaw).abs().sum(dim=-1)
    return weighted_mean(error, batch.expression_weight)


def expression_loss(reading: CropReading, batch: ReaderBatch) -> Tensor:
    """Mean error of the expression scores."""
    error = (reading.expression.sigmoid() - batch.expression).abs().mean(dim=-1)
    return weighted_mean(error, batch.expression_weight)


def presence_loss(reading: CropReading, batch: ReaderBatch) -> Tensor:
    """Cross entropy of a face being there."""
    return F.binary_cross_entropy_with_logits(reading.presence, batch.face)


def parsing_loss(logits: Tensor, batch: ReaderBatch) -> Tensor:
    """Weighted cross entropy plus one minus the soft overlap of each region.

    Where glasses may hide under other labels, "this label or glasses" is what must be likely.
    """
    target = batch.labels.long()
    known = (batch.parsing_weight > 0)[:, None, None].expand_as(target)
    probability = logits.float().log_softmax(dim=1)
    chosen = probability.gather(1, target.unsqueeze(1)).squeeze(1)
    zone = glasses_zone(batch.points, target.shape[-1]) & batch.glasses_unknown[:, None, None]
    either = torch.logaddexp(chosen, probability[:, GLASSES])
    chosen = torch.where(zone & (target != GLASSES), either, chosen)
    weight = constant(REGION_WEIGHT, logits.device)[target] * known
    entropy = -(chosen * weight).sum() / weight.sum().clamp_min(1.0)
    return entropy + _overlap_loss(probability.exp(), target, known & ~zone)


def _overlap_loss(probability: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """One minus the Dice overlap over the batch, mean over the regions that are there."""
    keep = known.float()
    total = (probability * keep.unsqueeze(1)).sum(dim=(0, 2, 3))
    picked = probability.gather(1, target.unsqueeze(1)).squeeze(1) * keep
    masks = [(target == region) * keep for region in range(1, probability.shape[1])]
    common = torch.stack([(picked * mask).sum() for mask in masks])
    true = torch.stack([mask.sum() for mask in masks])
    dice = (2 * common + 1) / (total[1:] + true + 1)
    there = (true > 0).float()
    return ((1 - dice) * there).sum() / there.sum().clamp_min(1)


def centre_map(boxes: Tensor, valid: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Heat (B, h, w) with 1 at each face's centre cell, and the box (B, h, w, 4) it stands for.

    Boxes (B, N, 4) are pixels of the detector's picture; rows that are not valid are skipped.
    """
    cells = cell_centres(height, width, boxes.device)
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    nearest = (centre / STRIDE).floor() * STRIDE + STRIDE / 2
    side = (boxes[..., 2:] - boxes[..., :2]).amin(dim=-1).clamp_min(1.0)
    width_of_peak = (0.12 * side).clamp_min(0.5 * STRIDE)
    offset = cells[None, None] - nearest[:, :, None, None]
    heat = (-offset.square().sum(-1) / (2 * width_of_peak.square()[..., None, None])).exp()
    heat = heat * valid[..., None, None]
    best, owner = heat.max(dim=1)
    index = owner.flatten(1).unsqueeze(-1).expand(-1, -1, 4)
    target = boxes.gather(1, index).unflatten(1, (height, width))
    return best, target


def detection_loss(
    logits: Tensor, boxes: Tensor, heat: Tensor, target: Tensor
) -> tuple[Tensor, Tensor]:
    """Focal loss of the centre map, and the error of boxes near centres (overlap and sides)."""
    probability = logits.sigmoid().clamp(1e-4, 1 - 1e-4)
    positive = (heat > 0.999).float()
    hit = -(1 - probability).square() * probability.log() * positive
    miss = -((1 - heat) ** 4) * probability.square() * (1 - probability).log() * (1 - positive)
    centre = (hit.sum() + miss.sum()) / positive.sum().clamp_min(1.0)
    weight = torch.where(heat > 0.4, heat, 0.0)
    side = (target[..., 2:] - target[..., :2]).clamp_min(1.0)
    sides = ((boxes - target).abs() / torch.cat([side, side], dim=-1)).sum(dim=-1)
    box = ((1 - overlap(boxes, target) + sides) * weight).sum() / weight.sum().clamp_min(1.0)
    return centre, box


def overlap(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of boxes (..., 4), broadcast: (...)."""
    low = torch.maximum(one[..., :2], other[..., :2])
    high = torch.minimum(one[..., 2:], other[..., 2:])
    common = (high - low).clamp_min(0).prod(dim=-1)
    areas = (one[..., 2:] - one[..., :2]).prod(dim=-1) + (other[..., 2:] - other[..., :2]).prod(-1)
    return common / (areas - common).clamp_min(1e-6)
