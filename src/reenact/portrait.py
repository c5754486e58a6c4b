"""A photograph made ready to be animated: the face that is chosen, the networks that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from torch import Tensor

from reenact.driving import FaceFinder
from reenact.errors import FaceNotFoundError
from reenact.motion.parts import Part, carriers
from reenact.opacity import Opacity, head_opacity
from reenact.perception.crop_reader import CropReading
from reenact.records import (
    Animation,
    Face,
    FloatArray,
    Image,
    Motion,
    Parser,
    Parsing,
    PoseEncoder,
    SourceState,
)
from reenact.restore import Residual


class ReenactmentModel(Protocol):
    """The three verbs of every model family."""

    def encode_source(self, image: Tensor, parsing: Parsing, pose: Tensor, /) -> SourceState:
        """Everything that depends on the source alone."""
        ...

    def read_motion(self, image: Tensor, pose: Tensor, /) -> Motion:
        """Everything that is read from a driving frame."""
        ...

    def render(self, source: SourceState, motion: Motion, /) -> Animation:
        """The source in that motion."""
        ...


class FaceReader(FaceFinder, Parser, PoseEncoder, Protocol):
    """Finds the faces of a picture; parses and poses aligned crops, and says if they show any."""

    def read_crops(self, image: Tensor, /) -> CropReading:
        """Pose, jaw, presence and more of aligned crops (B, 3, H, W) in [0, 1]."""
        ...


@dataclass(frozen=True, eq=False)
class Portrait:
    """A photograph made ready to be animated, any number of times."""

    photo: Image
    """The whole picture."""
    square: FloatArray
    """(3,) x0, y0, side of what the model sees, in pixels of the picture; may reach outside."""
    face: Face | None
    """The face in the square; None where the picture was taken for a bare crop."""
    parsing: Parsing
    """Regions of what the model sees, (1, 256, 256)."""
    state: SourceState
    residual: Residual
    """What the photograph shows and the model's picture of it does not."""
    stated_opacity: Opacity | None
    """What the photograph's file says of it; None: nothing."""

    @cached_property
    def head(self) -> Opacity:
        """Where in the photograph its head is, by its parsing."""
        return head_opacity(self.parsing, self.square, self.photo.shape[:2])

    @property
    def opacity(self) -> Opacity:
        """For outputs with alpha: as its file says, or else the head alone."""
        return self.stated_opacity or self.head

    @property
    def motion(self) -> Motion:
        """The portrait's own motion, which leaves it as it is."""
        return Motion(self.state.keypoints, self.state.pose)

    def carriers(self, part: Part | None) -> Tensor | None:
        """Which keypoints (K,) carry a part of the motion; None for all of it."""
        return None if part is None else carriers(self.state.keypoints, self.parsing, part)


def choose_face(image: Image, faces: Sequence[Face], number: int = 1, role: str = "source") -> Face:
    """One of the faces found in a photograph, counted from 1, the largest.

    Args:
        image: The photograph.
        faces: Those found in it, largest first.
        number: Which one.
        role: What the photograph is, for errors.

    Raises:
        FaceNotFoundError: There is no such face.
    """
    if not faces:
        height, width = image.shape[:2]
        raise FaceNotFoundError(
            f"{role}: found no face in the {width} x {height} picture, expected one that fills "
            "a tenth of its height or more. Use another photo, or --no-crop for a bare crop."
        )
    if number > len(faces):
        raise FaceNotFoundError(
            f"{role}: found {len(faces)} faces, expected {number} or more. "
            "Choose another --face; 1 is the largest."
        )
    return faces[number - 1]
