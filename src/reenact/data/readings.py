"""What the frozen networks read of pictures that no side-car tells of."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reenact.data.decode import resized
from reenact.data.pairs import denormalize_points, to_unit_range
from reenact.data.sidecar import PARSING_SIZE, SideCar
from reenact.layers.rotation import euler_from_vector
from reenact.records import Parser, PoseEncoder

if TYPE_CHECKING:
    from reenact.perception.reader import FaceReader

READ_BATCH = 128
"""Pictures that a reader sees at once; always as many, so that kernels are chosen once."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Readers:
    """The frozen networks that fill in what a side-car lacks."""

    parser: Parser
    pose_encoder: PoseEncoder

    def read(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Labels (B, H, W) uint8 and pose codes (B, P) float32 of crops (B, 3, H, W) in [0, 1]."""
        from reenact.perception.reader import FaceReader

        one = self.parser
        if isinstance(one, FaceReader) and one is self.pose_encoder:
            # The shipped reader is both: its backbone, the larger part of the work, runs once.
            reading, logits = one.crop_reader(crops)
            return logits.argmax(dim=1).to(torch.uint8), reading.pose_code
        labels = self.parser.parse(crops).labels.to(torch.uint8)
        return labels, self.pose_encoder.encode(crops).float()


def read_pictures(images: Tensor, readers: Readers) -> tuple[Tensor, Tensor]:
    """Parsing labels (N, 256, 256) uint8 and pose codes (N, P) of crops uint8 (N, 3, S, S)."""
    return ReadAhead(images, readers).finish()


class ReadAhead:
    """Reads the first pictures of a stack while the others are still on their way to it."""

    def __init__(self, images: Tensor, readers: Readers) -> None:
        """Take the crops uint8 (N, 3, S, S), filled from the first on."""
        self.images = images
        self.readers = readers
        self._labels: list[Tensor] = []
        self._codes: list[Tensor] = []
        self._done = 0

    def read_up_to(self, filled: int) -> None:
        """Read whole batches among the pictures before number `filled`."""
        while filled - self._done >= READ_BATCH:
            self._read(self._done, self._done + READ_BATCH)

    def finish(self) -> tuple[Tensor, Tensor]:
        """Parsing labels (N, 256, 256) uint8 and pose codes (N, P), when all pictures are there."""
        self.read_up_to(len(self.images))
        if self._done < len(self.images):
            self._read(max(0, len(self.images) - READ_BATCH), len(self.images))
        _LOG.info("read parsing and pose of %d pictures that have none stored", len(self.images))
        return torch.cat(self._labels), torch.cat(self._codes)

    @torch.no_grad()
    def _read(self, first: int, last: int) -> None:
        crops = to_unit_range(resized(self.images[first:last], PARSING_SIZE))
        labels, codes = self.readers.read(crops)
        known = self._done - first
        self._labels.append(labels[known:])
        self._codes.append(codes[known:])
        self._done = last


class CropReadings:
    """Everything that the face reader says of a clip's crops, which come a batch at a time."""

    def __init__(self, reader: FaceReader) -> None:
        self.reader = reader
        self._device = next(reader.parameters()).device
        self._meshes: list[Tensor] = []
        self._angles: list[Tensor] = []
        self._codes: list[Tensor] = []
        self._labels: list[Tensor] = []

    @torch.no_grad()
    def add(self, crops: Tensor) -> None:
        """Read the next crops, uint8 (N, 3, 256, 256)."""
        reading, logits = self.reader.crop_reader(to_unit_range(crops.to(self._device)))
        points = denormalize_points(reading.points.float(), PARSING_SIZE)
        depth = reading.depth.float() * ((PARSING_SIZE - 1) / 2)
        self._meshes.append(torch.cat([points, depth.unsqueeze(-1)], dim=-1).cpu())
        self._angles.append(euler_from_vector(reading.pose.double()).float().cpu())
        self._codes.append(reading.pose_code.cpu())
        self._labels.append(logits.argmax(dim=1).to(torch.uint8).cpu())

    def sidecar(self, found: NDArray[np.bool_], fps: float | None) -> SideCar:
        """A side-car of these readings alone; found (T,) says in which frames a face is."""
        return self.added_to(
            SideCar(
                landmarks=torch.cat(self._meshes).numpy(),
                pose=torch.cat(self._angles).numpy(),
                valid=found,
                detected=found,
                fps=fps,
            )
        )

    def added_to(self, sidecar: SideCar) -> SideCar:
        """A side-car that has its own mesh, with parsing and pose code from these readings."""
        codes, labels = torch.cat(self._codes), torch.cat(self._labels)
        return replace(sidecar, pose_code=codes.numpy(), parsing=labels.numpy())
