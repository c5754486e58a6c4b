"""The face reader: any picture in, its faces out; and the two frozen readers of the model.

Two stages share one weights file. The detector looks at the whole picture, made small; every
candidate's crop square is then read from the picture at full size, once from the box that was
found and once more from the box of the mesh that was read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from reenact.errors import CheckpointError
from reenact.perception.config import (
    ReaderConfig,
    build_crop_reader,
    build_detector,
    from_json,
    to_json,
)
from reenact.perception.crop_reader import CropReading
from reenact.perception.cropping import CROP_SIZE, crop_square, cut, from_crop
from reenact.perception.detector import peaks
from reenact.perception.mesh import landmark_order, outline_box
from reenact.perception.pictures import check_picture
from reenact.perception.pose import angles
from reenact.records import Face, FloatArray, Image, Parsing

DETECTOR_SIDE = 320
"""Pixels of the shorter side of the detector's picture."""
_LONGEST_SIDE = 640
_CANDIDATES = 32
_OVERLAP = 0.4
_FORMAT = "reenact face reader 1"


class FaceReader(nn.Module):
    """Reads faces; serves as the frozen `Parser` and `PoseEncoder` of the model."""

    code = "reader6"
    width = 6

    def __init__(self, config: ReaderConfig) -> None:
        super().__init__()
        self.config = config
        self.detector = build_detector(config.detector)
        self.crop_reader = build_crop_reader(config.crop)
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def read(self, image: Image, *, parse: bool = False) -> list[Face]:
        """All faces of a uint8 RGB picture (H, W, 3), largest first; [] where there is none.

        Their parsing takes a third of the time, and is there only where it is asked for.
        """
        check_picture(image, "picture")
        boxes, first_scores = self.detect(image)
        if not len(boxes):
            return []
        squares = [crop_square(box) for box in boxes]
        boxes = outline_box(_points_in_picture(self._read_squares(image, squares), squares))
        squares = [crop_square(box) for box in boxes]
        reading, labels = self._read_fully(image, squares, parse)
        points = _points_in_picture(reading, squares)
        boxes = outline_box(points)
        scores = np.sqrt(first_scores * reading.presence.sigmoid().double().cpu().numpy())
        keep = [i for i in suppress(boxes, scores) if scores[i] >= self.config.face_score]
        faces = [_face(reading, i, points[i], labels, squares[i], float(scores[i])) for i in keep]
        return sorted(faces, key=_area, reverse=True)

    @torch.no_grad()
    def detect(self, image: Image) -> tuple[FloatArray, FloatArray]:
        """Candidate boxes (N, 4) in pixels of the picture and their scores (N,), best first."""
        scale = detector_scale(*image.shape[:2])
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(image, (width, height), interpolation=interpolation)
        padded = np.zeros((_round_up(height), _round_up(width), 3), dtype=np.uint8)
        padded[:height, :width] = small
        logits, corners = self.detector(self._tensor([padded]))
        found = peaks(logits, corners, count=_CANDIDATES)
        scores = found.scores[0].double().cpu().numpy()
        boxes = found.boxes[0].double().cpu().numpy() / np.tile([width, height], 2)
        boxes = boxes * np.tile(image.shape[1::-1], 2)
        keep = [i for i in suppress(boxes, scores) if scores[i] >= self.config.candidate_score]
        return boxes[keep], scores[keep]

    @torch.no_grad()
    def read_crops(self, image: Tensor) -> CropReading:
        """Mesh, pose, expression of aligned crops (B, 3, H, W) in [0, 1], parsing aside."""
        return self.crop_reader.read(_at_crop_size(image))

    @torch.no_grad()
    def parse(self, image: Tensor) -> Parsing:
        """Regions of aligned crops: (B, 3, H, W) in [0, 1] to labels (B, H, W)."""
        logits = self.crop_reader.parse(_at_crop_size(image))
        if logits.shape[-2:] != image.shape[-2:]:
            logits = F.interpolate(logits, image.shape[-2:], mode="bilinear", align_corners=True)
        return Parsing(labels=logits.argmax(dim=1).to(torch.uint8))

    @torch.no_grad()
    def encode(self, image: Tensor) -> Tensor:
        """Pose code `reader6` of aligned crops: (B, 3, H, W) in [0, 1] to (B, 6)."""
        return self.read_crops(image).pose_code

    def _read_squares(self, image: Image, squares: Sequence[FloatArray]) -> CropReading:
        reading: CropReading = self.crop_reader.read(self._cut(image, squares))
        return reading

    def _read_fully(
        self, image: Image, squares: Sequence[FloatArray], parse: bool
    ) -> tuple[CropReading, NDArray[np.uint8] | None]:
        """Like `_read_squares`, with labels (N, 256, 256) of the regions if they are wanted."""
        if not parse:
            return self._read_squares(image, squares), None
        reading, logits = self.crop_reader(self._cut(image, squares))
        return reading, logits.argmax(dim=1).to(torch.uint8).cpu().numpy()

    def _cut(self, image: Image, squares: Sequence[FloatArray]) -> Tensor:
        return self._tensor([cut(image, square) for square in squares])

    def _tensor(self, pictures: Sequence[Image]) -> Tensor:
        """Pictures of one size to (B, 3, H, W) in [0, 1] on the reader's device."""
        weight = self.detector.out.weight
        batch = torch.from_numpy(np.stack(pictures)).to(weight.device).permute(0, 3, 1, 2)
        return batch.to(weight.dtype) / 255


def save_reader(
    reader: FaceReader, path: Path, record: Mapping[str, float | str] | None = None
) -> None:
    """Write the weights as fp16 safetensors; config and training record are its metadata."""
    tensors = {
        name: tensor.detach().cpu().half().contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in reader.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    metadata = {"config": to_json(reader.config), "record": json.dumps(dict(record or {}))}
    save_file(tensors, path, {"format": _FORMAT, **metadata})


def load_reader(path: Path | str | None = None, device: torch.device | str = "cpu") -> FaceReader:
    """Open a reader's weights file, by default the shipped one."""
    file = shipped_reader() if path is None else Path(path)
    if not file.is_file():
        raise CheckpointError(
            f"{file}: no face reader here. Expected a safetensors file made by "
            "tools/train_reader.py; install reenact again to get the shipped one."
        )
    try:
        with safe_open(file, framework="pt") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name).float() for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{file}: not a readable safetensors file ({error}). Expected a face reader; "
            "fetch it again."
        ) from None
    if metadata.get("format") != _FORMAT:
        raise CheckpointError(
            f"{file}: found format {metadata.get('format')!r}, expected {_FORMAT!r}. "
            "Give the file of a face reader."
        )
    reader = FaceReader(from_json(metadata.get("config", ""), str(file)))
    _load_strictly(reader, tensors, file)
    return reader.to(device)


def shipped_reader() -> Path:
    """Where the package keeps the weights of its reader."""
    return Path(str(resources.files("reenact") / "weights" / "reader.safetensors"))


def read_faces(image: Image) -> list[Face]:
    """All faces of a uint8 RGB picture (H, W, 3), largest first; [] where there is none."""
    return _default_reader().read(image, parse=True)


@lru_cache(maxsize=1)
def _default_reader() -> FaceReader:
    return load_reader()


def detector_scale(height: int, width: int) -> float:
    """Pixels of the detector's picture per pixel of the picture."""
    return min(DETECTOR_SIDE / min(height, width), _LONGEST_SIDE / max(height, width))


def suppress(boxes: FloatArray, scores: FloatArray) -> list[int]:
    """Indices of the boxes (N, 4) that no better one overlaps, best first."""
    keep: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        if all(overlap(boxes[i], boxes[j]) < _OVERLAP for j in keep):
            keep.append(int(i))
    return keep


def overlap(one: FloatArray, other: FloatArray) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(np.prod(sides.clip(min=0)))
    areas = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]))
    return common / max(areas - common, 1e-9)


def _face(
    reading: CropReading,
    index: int,
    points: FloatArray,
    labels: NDArray[np.uint8] | None,
    square: FloatArray,
    score: float,
) -> Face:
    rotation = reading.pose[index].double().cpu().numpy()
    jaw = reading.jaw[index].double().cpu().numpy()
    return Face(
        box=outline_box(points),
        landmarks=points[landmark_order()],
        pose=angles(rotation),
        pose_code=np.concatenate([rotation, jaw]),
        parsing=None if labels is None else labels[index],
        crop=square,
        expression=reading.expression[index].sigmoid().double().cpu().numpy(),
        score=score,
    )


def _points_in_picture(reading: CropReading, squares: Sequence[FloatArray]) -> FloatArray:
    """Mesh points of each square's reading in pixels of the picture: (N, 478, 2)."""
    pixels = (reading.points.double().cpu().numpy() + 1) * ((CROP_SIZE - 1) / 2) + 0.5
    return np.stack([from_crop(pixels[i], square) for i, square in enumerate(squares)])


def _at_crop_size(image: Tensor) -> Tensor:
    if image.shape[-2:] == (CROP_SIZE, CROP_SIZE):
        return image
    return F.interpolate(
        image, (CROP_SIZE, CROP_SIZE), mode="bilinear", align_corners=False, antialias=True
    )


def _area(face: Face) -> float:
    return float((face.box[2] - face.box[0]) * (face.box[3] - face.box[1]))


def _round_up(pixels: int) -> int:
    return -(-pixels // 32) * 32


def _load_strictly(reader: FaceReader, tensors: dict[str, Tensor], file: Path) -> None:
    expected = {
        name: tensor.shape
        for name, tensor in reader.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    wrong = sorted(
        {name for name, tensor in tensors.items() if expected.get(name) != tensor.shape}
        | (expected.keys() - tensors.keys())
    )
    if wrong:
        raise CheckpointError(
            f"{file}: found {len(wrong)} tensors that are missing, unknown or of another shape, "
            f"first {wrong[0]!r}. Expected those of its own config; fetch the file again."
        )
    reader.load_state_dict(tensors, strict=False)
