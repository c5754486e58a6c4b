"""Mesh degrees and true degrees: the face mesh reads far turns too small.

The table holds the medians of what the mesh's network read of synthetic heads at known turns
(`tools/fit_pose_curve.py`), both sides together, up to 70 degrees. Beyond, it loses most of them;
there the curve is extended, flattening, past the 61 degrees it reads of a photographed profile.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

TRUE_YAW = (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0)
"""True degrees of yaw at the knots of the curve."""
MESH_YAW = (0.0, 10.5, 20.5, 30.0, 38.0, 47.0, 55.5, 61.0, 63.5, 65.0)
"""What the face mesh reads there."""
MAX_YAW = 110.0
"""True degrees beyond which no face can be read."""
PITCH_OFFSET = 0.8
"""Mesh degrees of pitch that the morphable head reads when it looks straight ahead."""


def true_yaw(mesh: float) -> float:
    """Yaw in mesh degrees to true degrees; goes on with the last slope, at most to MAX_YAW."""
    slope = (TRUE_YAW[-1] - TRUE_YAW[-2]) / (MESH_YAW[-1] - MESH_YAW[-2])
    size = abs(mesh)
    true = float(np.interp(size, MESH_YAW, TRUE_YAW)) + slope * max(0.0, size - MESH_YAW[-1])
    return float(np.copysign(min(true, MAX_YAW), mesh))


def mesh_yaw(true: Tensor) -> Tensor:
    """Yaw in true degrees, any shape, to what the face mesh reads."""
    knots = true.new_tensor(TRUE_YAW)
    values = true.new_tensor(MESH_YAW)
    size = true.abs()
    index = torch.searchsorted(knots, size.contiguous(), right=True).clamp(1, len(TRUE_YAW) - 1)
    low, high = knots[index - 1], knots[index]
    share = (size - low) / (high - low)
    return torch.sign(true) * torch.lerp(values[index - 1], values[index], share)
