"""Sizes of the face reader; they travel in the metadata of its weights file."""

from __future__ import annotations

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from reenact.errors import CheckpointError
from reenact.perception.crop_reader import CropReader
from reenact.perception.detector import FaceDetector

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class DetectorConfig:
    """The first stage: picture to boxes."""

    widths: tuple[int, int, int, int, int] = (16, 24, 48, 96, 160)
    """Channels at strides 2, 4, 8, 16, 32."""
    depths: tuple[int, int, int, int] = (1, 1, 2, 2)
    """Further blocks at strides 4, 8, 16, 32."""
    expand: int = 3
    """Widening inside the blocks of the last two stages."""
    neck: int = 64
    """Channels of the feature pyramid."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class CropReaderConfig:
    """The second stage: crop square to mesh, pose, expression and regions."""

    widths: tuple[int, int, int, int, int] = (16, 32, 64, 128, 256)
    """Channels at strides 2, 4, 8, 16, 32."""
    depths: tuple[int, int, int, int] = (1, 1, 3, 3)
    """Further blocks at strides 4, 8, 16, 32."""
    expand: int = 3
    """Widening inside the blocks of the last two stages."""
    neck: int = 64
    """Channels of the pyramid under the heat maps."""
    hidden: int = 256
    """Width of the layers that turn mesh and features into pose and expression."""
    decoder: tuple[int, int, int] = (96, 48, 32)
    """Channels of the parsing decoder at strides 8, 4, 2."""


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class ReaderConfig:
    """Both stages, and what counts as a face."""

    detector: DetectorConfig = DetectorConfig()
    crop: CropReaderConfig = CropReaderConfig()
    candidate_score: float = 0.3
    """Least score of a candidate of the first stage."""
    face_score: float = 0.65
    """Least score of a face: geometric mean of what the two stages say."""


def build_detector(config: DetectorConfig) -> FaceDetector:
    """The first stage with fresh weights."""
    return FaceDetector(
        widths=config.widths, depths=config.depths, expand=config.expand, neck=config.neck
    )


def build_crop_reader(config: CropReaderConfig) -> CropReader:
    """The second stage with fresh weights."""
    return CropReader(
        widths=config.widths,
        depths=config.depths,
        expand=config.expand,
        neck=config.neck,
        hidden=config.hidden,
        decoder=config.decoder,
    )


def to_json(config: ReaderConfig) -> str:
    """The whole config as one line of JSON."""
    return TypeAdapter(ReaderConfig).dump_json(config).decode()


def from_json(text: str, origin: str) -> ReaderConfig:
    """Read `to_json` back; `origin` names the file in the error."""
    try:
        return TypeAdapter(ReaderConfig).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CheckpointError(
            f"{origin}: the reader's config cannot be read ({place}: {first['msg']}). "
            "Expected a face reader file of this version; fetch it again."
        ) from None
