"""A photograph made ready to be animated, and the networks that this takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from reenact.driving import FaceFinder
from reenact.motion.parts import Part, carriers
from reenact.opacity import Opacity
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
    opacity: Opacity
    """For outputs with alpha."""

    @property
    def motion(self) -> Motion:
        """The portrait's own motion, which leaves it as it is."""
        return Motion(self.state.keypoints, self.state.pose)

    def carriers(self, part: Part | None) -> Tensor | None:
        """Which keypoints (K,) carry a part of the motion; None for all of it."""
        return None if part is None else carriers(self.state.keypoints, self.parsing, part)
