"""First frames of clips, and stills, as sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from torch import Tensor

from reenact.data.clips import Footage, find_stills
from reenact.data.decode import PICTURES, decode_still, stream_clip
from reenact.data.pairs import to_unit_range
from reenact.data.sidecar import read_sidecar
from reenact.data.store import cut_square
from reenact.errors import DataError, FaceNotFoundError
from reenact.perception.cropping import crop_square
from reenact.perception.mesh import outline_box
from reenact.perception.reader import FaceReader
from reenact.records import FloatArray


def open_sources(footage: Iterable[Footage], size: int, reader: FaceReader) -> Iterator[Tensor]:
    """Sources (1, 3, size, size) in [0, 1]; clips are crop squares, stills are cut to theirs."""
    for item in footage:
        if is_still(item.path):
            yield to_unit_range(_portrait(item, size, reader)).unsqueeze(0)
        else:
            yield to_unit_range(next(stream_clip(item.path, size, batch=1)))


def find_portraits(root: Path) -> tuple[Footage, ...]:
    """Still portraits of a folder.

    Raises:
        DataError: There are none.
    """
    found = find_stills(root)
    if not found:
        raise DataError(f"{root}: no stills there, expected portraits. Choose another --stills.")
    return found


def is_still(path: Path) -> bool:
    """Whether a path is one picture."""
    return path.suffix.lower() in PICTURES and not path.is_dir()


def _portrait(item: Footage, size: int, reader: FaceReader) -> Tensor:
    """The crop square of a still's face: (3, size, size) uint8."""
    picture = decode_still(item.path)
    return cut_square(picture, _square(item, picture, reader).tolist(), size)


def _square(item: Footage, picture: Tensor, reader: FaceReader) -> FloatArray:
    """By the mesh of the side-car, or by the reader where there is none."""
    if item.sidecar.is_file():
        return crop_square(outline_box(read_sidecar(item.sidecar).landmarks[0]))
    faces = reader.read(picture.permute(1, 2, 0).contiguous().numpy())
    if not faces:
        raise FaceNotFoundError(
            f"{item.path}: no face found, expected a portrait. Take it out of the folder."
        )
    return faces[0].crop
