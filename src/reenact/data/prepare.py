"""From any footage to training material: crop squares of 256 pixels, each with its side-car.

What already has a side-car is taken for crop squares and keeps its pictures and its mesh; other
footage is searched for faces first. Parsing and pose code always come from the face reader.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reenact.data.clips import VIDEOS, footage_below, is_frames, sidecar_path
from reenact.data.decode import PICTURES, PictureFolder, decode_still, stacked, stream_clip
from reenact.data.readings import CropReadings
from reenact.data.sidecar import SideCar, read_sidecar, write_sidecar
from reenact.data.store import cut_square
from reenact.errors import DataError, MediaError
from reenact.perception.cropping import CROP_SIZE, crop_square, cut, union_box
from reenact.perception.mesh import outline_box
from reenact.perception.reader import FaceReader, overlap
from reenact.places import make_folder
from reenact.records import Face, FloatArray, Image
from reenact.video import VideoReader, VideoWriter, save_image

BATCH = 32
"""Crops of a clip that are in memory together."""
MAX_DRIFT = 1.55
"""Longest side of the union of a clip's face boxes over that of the median box; beyond, the head
wanders so far that one square would make it small."""
FOLDER_RATE = Fraction(25)
"""Frames a second of clips stored as pictures, which do not say: VoxCeleb's."""
MIN_FOUND = 0.9
"""Least share of frames with a face."""

Watch = Callable[[Sequence[Path]], Iterable[Path]]
"""Passes footage on, one after another."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """What a folder gave."""

    kept: tuple[Path, ...]
    left_out: tuple[str, ...]
    """One reason each, beginning with the path."""


def prepare_folder(source: Path, target: Path, reader: FaceReader, watch: Watch = iter) -> Prepared:
    """Prepare all clips and stills below a folder, into the same folders below another.

    What is prepared already is left alone, so an interrupted run goes on.

    Args:
        source: The footage.
        target: Where it goes; neither in the source nor around it.
        reader: Finds and reads faces.
        watch: Passes the footage on, and may show how far it is.

    Raises:
        DataError: There is nothing below the folder, or the other one is not apart from it or
            cannot be written to.
        MediaError: The other one cannot be a folder.
    """
    _check_apart(source, target)
    found = list(find_footage(source))
    if not found:
        raise DataError(
            f"{source}: holds no videos and no pictures, expected some. Check the path."
        )
    kept, left_out = [], []
    firsts: dict[Path, Path] = {}
    for path in watch(found):
        folder = target / path.parent.relative_to(source)
        make_folder(folder, "one to write to")
        try:
            first = firsts.setdefault(folder / path.stem, path)
            if first is not path:
                raise DataError(
                    f"{path}: found {first.name} beside it, whose readings would have the same "
                    "name, expected another name. Rename one."
                )
            kept.append(prepare_item(path, folder, reader))
        except (DataError, MediaError) as error:
            left_out.append(str(error))
            _LOG.warning("left out: %s", error)
        except OSError as error:
            raise DataError(f"{folder}: cannot be written to {_remedy(error)}") from error
    _copy_manifest(source, target)
    return Prepared(tuple(kept), tuple(left_out))


def prepare_item(path: Path, folder: Path, reader: FaceReader) -> Path:
    """Prepare one clip or still into a folder; returns the path of its pictures.

    Raises:
        DataError: No face, or not the same one in the same place throughout.
    """
    still = path.suffix.lower() in PICTURES
    target = folder / f"{path.stem}{'.jpg' if still else '.mp4'}"
    done = sidecar_path(target).is_file() and target.is_file()
    if done and read_sidecar(sidecar_path(target)).prepared:
        return target
    known = sidecar_path(path).is_file()
    if still:
        sidecar = _known_still(path, target, reader) if known else _new_still(path, target, reader)
    else:
        sidecar = _known_clip(path, target, reader) if known else _new_clip(path, target, reader)
    write_sidecar(sidecar_path(target), sidecar)
    return target


def find_footage(root: Path) -> Iterator[Path]:
    """Clips and stills below a folder; frames are what a folder named as a video holds."""
    return footage_below(root, lambda path: path.suffix.lower() in VIDEOS and is_frames(path))


def _check_apart(source: Path, target: Path) -> None:
    """Refuse to write among the footage, over it, or to read what was written."""
    one, other = source.resolve(), target.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise DataError(
            f"{target}: found the folder of the footage, or one in it or around it, expected one "
            "apart. Choose another output."
        )


def _known_clip(path: Path, target: Path, reader: FaceReader) -> SideCar:
    sidecar = read_sidecar(sidecar_path(path))
    crops = stream_clip(path, CROP_SIZE, batch=BATCH, expected=len(sidecar))
    readings = CropReadings(reader)
    if path.is_dir():
        rate = Fraction(sidecar.fps or FOLDER_RATE).limit_denominator(1001)
        _write_and_read(crops, target, rate, readings)
    else:
        for batch in crops:
            readings.add(batch)
        shutil.copyfile(path, target)
    return readings.added_to(sidecar)


def _known_still(path: Path, target: Path, reader: FaceReader) -> SideCar:
    sidecar = read_sidecar(sidecar_path(path))
    square = crop_square(outline_box(sidecar.landmarks[0]))
    crop = cut_square(decode_still(path), square.tolist(), CROP_SIZE)
    save_image(target, crop.permute(1, 2, 0).numpy())
    corner = np.array([*square[:2], 0.0], dtype=np.float32)
    moved = (sidecar.landmarks - corner) * np.float32(CROP_SIZE / square[2])
    readings = CropReadings(reader)
    readings.add(crop.unsqueeze(0))
    return readings.added_to(replace(sidecar, landmarks=moved))


def _new_still(path: Path, target: Path, reader: FaceReader) -> SideCar:
    picture = decode_still(path)
    image = picture.permute(1, 2, 0).contiguous().numpy()
    faces = reader.read(image)
    if not faces:
        raise DataError(f"{path}: no face found, expected one. Leave it out.")
    crop = cut(image, faces[0].crop)
    save_image(target, crop)
    readings = CropReadings(reader)
    readings.add(torch.from_numpy(crop).permute(2, 0, 1).unsqueeze(0))
    return readings.sidecar(np.ones(1, dtype=np.bool_), fps=None)


def _new_clip(path: Path, target: Path, reader: FaceReader) -> SideCar:
    if path.is_dir():
        return _cut_out(path, PictureFolder(path), FOLDER_RATE, target, reader)
    with VideoReader(path) as frames:
        return _cut_out(path, frames, frames.info.rate, target, reader)


def _cut_out(
    path: Path, frames: Iterable[Image], rate: Fraction, target: Path, reader: FaceReader
) -> SideCar:
    """Write and read the square of one face in frames (H, W, 3), which are looped over twice."""
    boxes = _follow(reader.read(frame) for frame in frames)
    square = crop_square(_steady_box(path, boxes))
    readings = CropReadings(reader)
    crops = stacked((cut(frame, square) for frame in frames), BATCH)
    _write_and_read(crops, target, rate, readings)
    found = np.asarray(np.isfinite(boxes).all(axis=1), dtype=np.bool_)
    return readings.sidecar(found, float(rate))


def _follow(readings: Iterator[list[Face]]) -> FloatArray:
    """Box (T, 4) of the same face in every frame, from the largest of the first; NaN where lost."""
    boxes: list[FloatArray] = []
    last: FloatArray | None = None
    for faces in readings:
        near = faces if last is None else [face for face in faces if overlap(face.box, last) > 0]
        if near:
            last = near[0].box
        boxes.append(near[0].box if near else np.full(4, np.nan))
    return np.array(boxes).reshape(-1, 4)


def _steady_box(path: Path, boxes: FloatArray) -> FloatArray:
    """Union of the boxes (T, 4) of a clip whose head stays in one place."""
    if len(boxes) < 2:
        raise DataError(
            f"{path}: found {len(boxes)} frames, expected 2 or more: one moment has no motion. "
            "Save it as a picture, or leave it out."
        )
    found = np.isfinite(boxes).all(axis=1)
    if found.mean() < MIN_FOUND:
        raise DataError(
            f"{path}: a face in {found.sum()} of {len(boxes)} frames, expected one in "
            f"{MIN_FOUND:.0%} of them. Cut it to where the face is seen, or leave it out."
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


def _write_and_read(
    crops: Iterable[Tensor], target: Path, rate: Fraction, readings: CropReadings
) -> None:
    """Write a clip from batches of crops uint8 (N, 3, 256, 256), and read each on its way."""
    with VideoWriter(target, rate=rate, comment=None, quality=14) as sink:
        for batch in crops:
            for picture in batch.permute(0, 2, 3, 1).contiguous().numpy():
                sink.write(picture)
            readings.add(batch)


def _copy_manifest(source: Path, target: Path) -> None:
    """Carry over who is who; without a list the names of folders and files tell."""
    if (source / "manifest.csv").is_file():
        try:
            shutil.copyfile(source / "manifest.csv", target / "manifest.csv")
        except OSError as error:
            raise DataError(
                f"{error.filename}: the manifest cannot be copied {_remedy(error)}"
            ) from error


def _remedy(error: OSError) -> str:
    return (
        f"({error.strerror}), expected permission and room. Make some and run the command again: "
        "it goes on where it stopped."
    )
