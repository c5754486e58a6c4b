"""From the reader's rotation vector to the angles people read."""

from __future__ import annotations

import cv2
import numpy as np

from reenact.perception.pose_curve import true_yaw
from reenact.records import FloatArray


def angles(rotation: FloatArray) -> FloatArray:
    """Rotation vector (3,) in radians to yaw, pitch, roll (3,) in true degrees.

    The camera looks down the negative z axis, y is up; R = R_y(yaw) R_x(-pitch) R_z(roll), as in
    `reenact.motion.rotation`, which this package may not import. The mesh reads far turns too
    small: yaw passes through the curve that renders of known pose gave.
    """
    matrix = cv2.Rodrigues(np.asarray(rotation, dtype=np.float64))[0]
    yaw = np.arctan2(matrix[0, 2], matrix[2, 2])
    pitch = np.arcsin(np.clip(matrix[1, 2], -1.0, 1.0))
    roll = np.arctan2(matrix[1, 0], matrix[1, 1])
    mesh = np.degrees([yaw, pitch, roll])
    return np.array([true_yaw(float(mesh[0])), mesh[1], mesh[2]])
