"""From any footage to training material: crop squares of 256 pixels, each with its side-car.

What already has a side-car is taken for crop squares and keeps its pictures and its mesh; other
footage is searched for faces first. Parsing and pose code always come from the face reader.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reenact.data.clips import VIDEOS, is_clip, sidecar_path
from reenact.data.decode import PICTURES, decode_clip, decode_still
from reenact.data.pairs import denormalize_points, to_unit_range
from reenact.data.sidecar import SideCar, read_sidecar, write_sidecar
from reenact.data.store import READ_BATCH, Readers, cut_square, read_pictures
from reenact.errors import DataError
from reenact.motion.rotation import euler_from_vector
from reenact.perception.cropping import CROP_SIZE, crop_square, cut, union_box
from reenact.perception.mesh import outline_box
from reenact.perception.reader import FaceReader, overlap
from reenact.records import Face, FloatArray, Image
from reenact.video import VideoReader, VideoWriter, save_image

MAX_DRIFT = 1.55
"""Longest side of the union of a clip's face boxes over that of the median box; beyond, the head
wanders so far that one square would make it small."""
MIN_FRAMES = 32
"""Shorter clips teach nothing."""
MIN_FOUND = 0.9
"""Least share of frames with a face."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """What a folder gave."""

    kept: tuple[Path, ...]
    left_out: tuple[str, ...]
    """One reason each, beginning with the path."""


def prepare_folder(source: Path, target: Path, reader: FaceReader) -> Prepared:
    """Prepare all clips and stills below a folder, into the same folders below another.

    What is prepared already is left alone, so an interrupted run goes on.

    Raises:
        DataError: There is nothing below the folder.
    """
    found = list(find_footage(source))
    if not found:
        raise DataError(
            f"{source}: holds no videos and no pictures, expected some. Check the path."
        )
    kept, left_out = [], []
    for path in found:
        folder = target / path.parent.relative_to(source)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            kept.append(prepare_item(path, folder, reader))
        except DataError as error:
            left_out.append(str(error))
            _LOG.warning("left out: %s", error)
    _copy_manifest(source, target)
    return Prepared(tuple(kept), tuple(left_out))


def prepare_item(path: Path, folder: Path, reader: FaceReader) -> Path:
    """Prepare one clip or still into a folder; returns the path of its pictures.

    Raises:
        DataError: No face, or not the same one in the same place throughout.
    """
    still = path.suffix.lower() in PICTURES
    target = folder / f"{path.stem}{'.jpg' if still else '.mp4'}"
    if sidecar_path(target).is_file() and read_sidecar(sidecar_path(target)).prepared:
        return target
    known = sidecar_path(path).is_file()
    if still:
        sidecar = _known_still(path, target, reader) if known else _new_still(path, target, reader)
    else:
        sidecar = _known_clip(path, target, reader) if known else _new_clip(path, target, reader)
    write_sidecar(sidecar_path(target), sidecar)
    return target


def find_footage(root: Path) -> Iterator[Path]:
    """Clips and stills below a folder, sorted; hidden ones and frames of clips are not listed."""
    for path in sorted(root.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not (path.suffix.lower() in VIDEOS and is_clip(path)):
            yield from find_footage(path)
        elif path.is_dir() or path.suffix.lower() in (*VIDEOS, *PICTURES):
            yield path


def _known_clip(path: Path, target: Path, reader: FaceReader) -> SideCar:
    sidecar = read_sidecar(sidecar_path(path))
    crops = decode_clip(path, CROP_SIZE)
    if len(crops) != len(sidecar):
        raise DataError(
            f"{path}: {len(crops)} frames decoded, expected {len(sidecar)} as in its side-car. "
            "Remove the side-car to have it made anew."
        )
    if path.is_dir():
        _write_clip(target, _pictures(crops), Fraction(sidecar.fps or 25).limit_denominator(1001))
    else:
        shutil.copyfile(path, target)
    return _with_readings(sidecar, crops, reader)


def _known_still(path: Path, target: Path, reader: FaceReader) -> SideCar:
    sidecar = read_sidecar(sidecar_path(path))
    square = crop_square(outline_box(sidecar.landmarks[0]))
    crop = cut_square(decode_still(path), square.tolist(), CROP_SIZE)
    save_image(target, crop.permute(1, 2, 0).numpy())
    corner = np.array([*square[:2], 0.0], dtype=np.float32)
    moved = (sidecar.landmarks - corner) * np.float32(CROP_SIZE / square[2])
    return _with_readings(replace(sidecar, landmarks=moved), crop.unsqueeze(0), reader)


def _new_still(path: Path, target: Path, reader: FaceReader) -> SideCar:
    picture = decode_still(path)
    image = picture.permute(1, 2, 0).contiguous().numpy()
    faces = reader.read(image)
    if not faces:
        raise DataError(f"{path}: no face found, expected one. Leave it out.")
    crop = cut(image, faces[0].crop)
    save_image(target, crop)
    crops = torch.from_numpy(crop).permute(2, 0, 1).unsqueeze(0)
    return _read_crops(crops, np.ones(1, dtype=np.bool_), None, reader)


def _new_clip(path: Path, target: Path, reader: FaceReader) -> SideCar:
    with VideoReader(path) as frames:
        boxes = _follow(reader.read(frame) for frame in frames)
        square = crop_square(_steady_box(path, boxes))
        rate = frames.info.rate
        found = np.asarray(np.isfinite(boxes).all(axis=1), dtype=np.bool_)
        crops = torch.from_numpy(np.stack([cut(frame, square) for frame in frames]))
    crops = crops.permute(0, 3, 1, 2).contiguous()
    _write_clip(target, _pictures(crops), rate)
    return _read_crops(crops, found, float(rate), reader)


def _follow(readings: Iterator[list[Face]]) -> FloatArray:
    """Box (T, 4) of the same face in every frame, from the largest of the first; NaN where lost."""
    boxes: list[FloatArray] = []
    last: FloatArray | None = None
    for faces in readings:
        near = faces if last is None else [face for face in faces if overlap(face.box, last) > 0]
        if near:
            last = near[0].box
        boxes.append(near[0].box if near else np.full(4, np.nan))
    return np.stack(boxes)


def _steady_box(path: Path, boxes: FloatArray) -> FloatArray:
    """Union of the boxes (T, 4) of a clip that is long and steady enough."""
    found = np.isfinite(boxes).all(axis=1)
    if len(boxes) < MIN_FRAMES or found.mean() < MIN_FOUND:
        raise DataError(
            f"{path}: a face in {found.sum()} of {len(boxes)} frames, expected {MIN_FRAMES} frames "
            f"or more with one in {MIN_FOUND:.0%} of them. Leave it out or cut it."
        )
    union = union_box(boxes)
    median = np.median(boxes[found], axis=0)
    drift = float((union[2:] - union[:2]).max() / (median[2:] - median[:2]).max())
    if drift > MAX_DRIFT:
        raise DataError(
            f"{path}: the head covers {drift:.2f} times its own size, expected {MAX_DRIFT} or "
            "less. Cut it into pieces in which the head stays."
        )
    return union


def _read_crops(
    crops: Tensor, found: NDArray[np.bool_], fps: float | None, reader: FaceReader
) -> SideCar:
    """A side-car from the reader alone: crops uint8 (T, 3, 256, 256), found (T,) bool."""
    device = next(reader.parameters()).device
    meshes, angles = [], []
    for batch in crops.split(READ_BATCH):
        reading = reader.read_crops(to_unit_range(batch.to(device)))
        points = denormalize_points(reading.points.float(), CROP_SIZE)
        depth = reading.depth.float() * ((CROP_SIZE - 1) / 2)
        meshes.append(torch.cat([points, depth.unsqueeze(-1)], dim=-1).cpu().numpy())
        angles.append(euler_from_vector(reading.pose.double()).cpu().numpy())
    sidecar = SideCar(
        landmarks=np.concatenate(meshes).astype(np.float32),
        pose=np.concatenate(angles).astype(np.float32),
        valid=found,
        detected=found,
        fps=fps,
    )
    return _with_readings(sidecar, crops, reader)


def _with_readings(sidecar: SideCar, crops: Tensor, reader: FaceReader) -> SideCar:
    device = next(reader.parameters()).device
    readers = Readers(parser=reader, pose_encoder=reader)
    parsing, pose = read_pictures(crops.to(device), readers)
    return replace(sidecar, parsing=parsing.cpu().numpy(), pose_code=pose.cpu().numpy())


def _pictures(crops: Tensor) -> Iterator[Image]:
    return (crop.permute(1, 2, 0).contiguous().numpy() for crop in crops)


def _write_clip(target: Path, pictures: Iterator[Image], rate: Fraction) -> None:
    with VideoWriter(target, rate=rate, comment=None, quality=14) as sink:
        for picture in pictures:
            sink.write(picture)


def _copy_manifest(source: Path, target: Path) -> None:
    """Carry over who is who; without a list the names of the files tell (`identity_of`)."""
    if (source / "manifest.csv").is_file():
        shutil.copyfile(source / "manifest.csv", target / "manifest.csv")
