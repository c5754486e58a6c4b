"""How good is the reader on people it was not trained on? Numbers and a sheet to look at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reenact.layers.rotation import compose, matrix_from_vector, vector_from_matrix
from reenact.perception.detector import Detections, peaks
from reenact.perception.mesh import LANDMARKS_68, OUTLINE
from reenact.perception.reader import FaceReader
from reenact.records import NUM_REGIONS, REGIONS
from reenact.training.reader.batch import ReaderBatch, constant
from reenact.training.reader.compose import PictureBatch
from reenact.training.reader.losses import overlap


@dataclass(frozen=True)
class Inspection:
    """Held-out crops and pictures, and where the sheet goes."""

    crops: ReaderBatch
    pictures: PictureBatch
    sheet: Path
    chunk: int = 64

    @torch.no_grad()
    def __call__(self, reader: FaceReader) -> dict[str, float]:
        """Landmark error, pose error, overlap of regions, misses and false alarms."""
        errors, turns, present = [], [], []
        common = torch.zeros(NUM_REGIONS + 1, device=self.crops.image.device)
        union = torch.zeros_like(common)
        for start in range(0, len(self.crops), self.chunk):
            part = self.crops.take(slice(start, start + self.chunk))
            reading, logits = reader.crop_reader(part.image)
            errors.append(landmark_error(reading.points, part.points))
            turned = matrix_from_vector(reading.pose)
            turns.append(angle_between(turned, part.rotation))
            present.append(reading.presence > 0)
            overlap_counts(logits.argmax(1), part.labels, common, union)
        overlap = (common / union.clamp_min(1))[1:]
        there = union[1:] > 0
        scores = {
            "nme%": float(torch.cat(errors).mean()) * 100,
            "pose": float(torch.cat(turns).median()),
            "present": float(torch.cat(present).float().mean()),
            "iou": float(overlap[there].mean()),
            **self._detection(reader),
        }
        draw_sheet(reader, self.crops, self.pictures, self.sheet)
        return scores | {name: float(overlap[i]) for i, name in enumerate(REGIONS) if there[i]}

    def _detection(self, reader: FaceReader) -> dict[str, float]:
        found_faces = faces = alarms = 0
        for start in range(0, len(self.pictures.image), self.chunk):
            part = self.pictures.map(lambda t, s=start: t[s : s + self.chunk])  # type: ignore[misc]
            found = found_boxes(reader, part.image)
            near = overlap(found.boxes[:, :, None], part.boxes[:, None]) > 0.5
            near = near & part.valid[:, None] & (found.scores > 0.3)[..., None]
            found_faces += int(near.any(dim=1).sum())
            faces += int(part.valid.sum())
            alarms += int(((found.scores > 0.3) & ~near.any(dim=2)).sum())
        return {
            "recall": found_faces / max(faces, 1),
            "alarms": alarms / len(self.pictures.image),
        }


def found_boxes(reader: FaceReader, image: Tensor) -> Detections:
    """The eight best candidates of the detector."""
    logits, boxes = reader.detector(image)
    found: Detections = peaks(logits, boxes, count=8)
    return found


def landmark_error(points: Tensor, true: Tensor) -> Tensor:
    """Mean distance of the 68 points over the diagonal of the mesh box: (B,)."""
    outline = true[:, constant(OUTLINE, true.device), :2]
    diagonal = (outline.amax(dim=1) - outline.amin(dim=1)).norm(dim=-1)
    usual = constant(LANDMARKS_68, true.device)
    distance: Tensor = (points[:, usual, :2] - true[:, usual, :2]).norm(dim=-1).mean(dim=-1)
    relative: Tensor = distance / diagonal
    return relative


def angle_between(one: Tensor, other: Tensor) -> Tensor:
    """Angle in degrees between rotations (B, 3, 3): (B,)."""
    turn = vector_from_matrix(compose(one, other.transpose(1, 2)))
    return torch.rad2deg(turn.norm(dim=-1))


def overlap_counts(found: Tensor, true: Tensor, common: Tensor, union: Tensor) -> None:
    """Add the pixels (labels (B, H, W)) that agree on each region, and that either has."""
    for region in range(NUM_REGIONS + 1):
        ours, theirs = found == region, true == region
        common[region] += (ours & theirs).sum()
        union[region] += (ours | theirs).sum()


def draw_sheet(reader: FaceReader, crops: ReaderBatch, pictures: PictureBatch, path: Path) -> None:
    """Crops with mesh and regions above, pictures with boxes below, as one PNG."""
    step = max(1, len(crops) // 16)
    some = crops.take(slice(0, 16 * step, step))
    reading, logits = reader.crop_reader(some.image)
    labels = logits.argmax(1).cpu().numpy()
    points = (reading.points.cpu().numpy() + 1) * 127.5
    tiles = [_crop_tile(_uint8(some.image[i]), points[i], labels[i]) for i in range(len(labels))]
    shown = pictures.map(lambda tensor: tensor[:8])
    found = found_boxes(reader, shown.image)
    tiles += [
        _picture_tile(
            _uint8(shown.image[i]), found.boxes[i].cpu().numpy(), found.scores[i].tolist()
        )
        for i in range(len(shown.image))
    ]
    blank = np.zeros((256, 256, 3), np.uint8)
    tiles += [blank] * (-len(tiles) % 8)
    rows = [np.concatenate(tiles[i : i + 8], axis=1) for i in range(0, len(tiles), 8)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(np.concatenate(rows)[..., ::-1]))


def palette() -> NDArray[np.uint8]:
    """A colour for each label: (15, 3)."""
    hues = np.arange(NUM_REGIONS + 1) * 47 % 180
    hsv = np.stack([hues, np.full_like(hues, 200), np.full_like(hues, 255)], axis=-1)
    colours = cv2.cvtColor(hsv.astype(np.uint8)[None], cv2.COLOR_HSV2RGB)[0]
    colours[0] = 0
    return np.asarray(colours, dtype=np.uint8)


def _crop_tile(
    image: NDArray[np.uint8], points: NDArray[np.float32], labels: NDArray[np.int64]
) -> NDArray[np.uint8]:
    mixed = image // 2 + palette()[labels] // 2
    tile = np.where((labels > 0)[..., None], mixed, image).astype(np.uint8)
    for x, y in points[list(LANDMARKS_68), :2]:
        cv2.circle(tile, (round(float(x)), round(float(y))), 1, (255, 255, 255), -1)
    return tile


def _picture_tile(
    image: NDArray[np.uint8], boxes: NDArray[np.float32], scores: list[float]
) -> NDArray[np.uint8]:
    tile = image.copy()
    for box, score in zip(boxes, scores, strict=True):
        if score > 0.3:
            x0, y0, x1, y1 = (round(float(value)) for value in box)
            cv2.rectangle(tile, (x0, y0), (x1, y1), (0, 255, 0), 2)
    return np.asarray(cv2.resize(tile, (256, 256), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _uint8(image: Tensor) -> NDArray[np.uint8]:
    pixels = (image.float().clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    return np.ascontiguousarray(pixels.cpu().numpy())
