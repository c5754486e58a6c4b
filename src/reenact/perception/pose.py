"""From the reader's rotation vector to the angles people read."""

from __future__ import annotations

import numpy as np
import torch

from reenact.layers.rotation import euler_from_vector
from reenact.perception.pose_curve import true_yaw
from reenact.records import FloatArray


def angles(rotation: FloatArray) -> FloatArray:
    """Rotation vector (3,) in radians to yaw, pitch, roll (3,) in true degrees.

    Axes and signs are those of `reenact.layers.rotation`. The mesh reads far turns too small: yaw
    passes through the curve that renders of known pose gave.
    """
    vector = torch.from_numpy(np.asarray(rotation, dtype=np.float64))
    yaw, pitch, roll = euler_from_vector(vector).tolist()
    return np.array([true_yaw(yaw), pitch, roll])
