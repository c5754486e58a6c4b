"""Face readings made by hand: a frontal face that can be moved, opened and turned."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from footage import frontal_mesh
from reenact.advice import Sighting
from reenact.perception.mesh import landmark_order, outline_box
from reenact.records import Face

LOWER_INNER_LIP = [65, 66, 67]
UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44], [41, 40, 47, 46]


def face(
    *,
    yaw: float = 0.0,
    mouth: float = 0.0,
    eyes: float = 0.3,
    shift: tuple[float, float] = (0.0, 0.0),
    scale: float = 1.0,
) -> Face:
    """A face in a picture of 256 x 256.

    Args:
        yaw: Degrees that the reading says; the landmarks stay.
        mouth: Height of the open mouth over its width.
        eyes: Height of the open eyes over their width.
        shift: Pixels in x and y.
        scale: Size of the face about the top left corner.
    """
    mesh = frontal_mesh()[:, :2] * scale + np.asarray(shift)
    points = mesh[landmark_order()]
    points[LOWER_INNER_LIP] = points[[63, 62, 61]]
    points[LOWER_INNER_LIP, 1] += mouth * np.linalg.norm(points[60] - points[64])
    points[LOWER_LIDS] = points[UPPER_LIDS]
    points[LOWER_LIDS, 1] += eyes * np.linalg.norm(points[36] - points[39])
    return Face(
        box=outline_box(mesh[None])[0],
        landmarks=points,
        pose=np.array([yaw, 0.0, 0.0]),
        pose_code=np.zeros(6),
        parsing=np.zeros((256, 256), dtype=np.uint8),
        crop=np.zeros(3),
        expression=np.zeros(52),
        score=1.0,
    )


def seen(*faces: Face, index: int = 0, blur: float = 0.5, chosen: int = 1) -> Sighting:
    """A picture of 256 x 256 with these faces."""
    return Sighting(index, 256, 256, faces, blur, chosen)


def clip(*faces: Face) -> list[Sighting]:
    """One frame for each face."""
    return [seen(one, index=index) for index, one in enumerate(faces)]


def seconds(index: int) -> Fraction:
    """Times at 10 frames a second."""
    return Fraction(index, 10)
