"""Who looks at generated faces and says what they show.

Two judges read the same things. The landmarker has nothing to do with the model. The face reader is
the model's own eye: it poses the driving frames that the model is given, so what it says of the
result flatters, and stands beside the other's word, never in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from reenact.evaluation.metrics import is_repeated
from reenact.layers.rotation import matrix_from_vector
from reenact.perception.identity import MobileFaceNet, align_faces, five_points
from reenact.perception.landmarker import (
    MIN_SCORE,
    FaceLandmarker,
    FaceMeshes,
    mesh_rotations,
)
from reenact.perception.reader import FaceReader
from reenact.records import Record


@dataclass(frozen=True, eq=False)
class FaceReadings(Record):
    """What a judge sees in B pictures; where no face is found, what would be there if one were."""

    found: Tensor
    """(B,) bool."""
    points: Tensor
    """(B, 478, 3) mesh, xy in [-1, 1] of the picture, z of the same scale."""
    rotation: Tensor
    """(B, 3, 3) of the head, as in `reenact.layers.rotation`."""
    expression: Tensor
    """(B, 52) scores in [0, 1], in the order of `EXPRESSIONS`."""

    def __getitem__(self, rows: Tensor | slice) -> FaceReadings:
        """The readings of some of the pictures."""
        return self.map(lambda tensor: tensor[rows])


class FaceJudge(Protocol):
    """Reads the face in each of a batch of crop squares."""

    def read(self, images: Tensor, like: FaceReadings | None = None) -> FaceReadings:
        """Pictures (B, 3, S, S) in [0, 1]; `like` says where to look if no face is found."""
        ...


class LandmarkerJudge:
    """Reads by MediaPipe's landmarker, which the model does not know."""

    def __init__(self, landmarker: FaceLandmarker) -> None:
        self.landmarker = landmarker

    def read(self, images: Tensor, like: FaceReadings | None = None) -> FaceReadings:
        """Detect, read the mesh, and all else from the mesh."""
        boxes = self.landmarker.detect(images)
        seen = boxes.score >= MIN_SCORE
        if like is not None:
            boxes = boxes.where(seen, FaceMeshes(like.points, boxes.score).boxes())
        mesh = self.landmarker.read_mesh(images, boxes)
        return FaceReadings(
            found=seen & (mesh.score >= MIN_SCORE),
            points=mesh.points,
            rotation=mesh_rotations(mesh.points),
            expression=self.landmarker.read_expressions(mesh.points),
        )


class ReaderJudge:
    """Reads by the shipped face reader, on whose readings the model is conditioned."""

    def __init__(self, reader: FaceReader) -> None:
        self.reader = reader

    def read(self, images: Tensor, like: FaceReadings | None = None) -> FaceReadings:
        """It takes the picture for a crop square, so that it needs no place to look."""
        reading = self.reader.read_crops(images)
        return FaceReadings(
            found=reading.presence > 0,
            points=torch.cat([reading.points, reading.depth.unsqueeze(-1)], dim=-1),
            rotation=matrix_from_vector(reading.pose),
            expression=reading.expression.sigmoid(),
        )


def read_frames(judge: FaceJudge, frames: Tensor, like: FaceReadings | None = None) -> FaceReadings:
    """Readings of frames (B, 3, S, S); one look is enough where all are the same picture."""
    if is_repeated(frames):
        one = judge.read(frames[:1].clamp(0, 1))
        if bool(one.found):
            return one.map(lambda tensor: tensor.expand(len(frames), *tensor.shape[1:]))
    return judge.read(frames.clamp(0, 1), like)


def embed_faces(network: MobileFaceNet, frames: Tensor, readings: FaceReadings) -> Tensor:
    """Whom the faces show: unit vectors (B, D)."""
    if is_repeated(frames):
        one = embed_faces(network, frames[:1], readings[:1])
        return one.expand(len(frames), -1)
    points = five_points(readings.points[..., :2])
    embedding: Tensor = network(align_faces(frames.clamp(0, 1), points))
    return embedding
