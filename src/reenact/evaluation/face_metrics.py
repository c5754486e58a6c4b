"""How far a generated face is from who it should be and what it should do: one number a frame.

Identity is compared by cosine (evaluation.md C4), head turns as angles (C5), expressions as scores
and as action units (C6). Who reads them is the business of `reenact.evaluation.judges`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from reenact.layers.rotation import euler_from_matrix
from reenact.perception.expressions import EXPRESSIONS

AU_THRESHOLD = 0.3
"""Score from which an action unit counts as there; chosen by eye, not calibrated."""
ACTION_UNITS: Mapping[int, tuple[str, ...]] = {
    1: ("browInnerUp",),
    2: ("browOuterUp",),
    4: ("browDown",),
    5: ("eyeWide",),
    6: ("cheekSquint",),
    7: ("eyeSquint",),
    9: ("noseSneer",),
    10: ("mouthUpperUp",),
    12: ("mouthSmile",),
    14: ("mouthDimple",),
    15: ("mouthFrown",),
    17: ("mouthShrugLower",),
    20: ("mouthStretch",),
    23: ("mouthPress",),
    25: ("jawOpen", "mouthLowerDown"),
    26: ("jawOpen",),
    28: ("mouthRoll",),
    45: ("eyeBlink",),
}
"""The 18 action units of the AUH, and the beginnings of the names of the scores that tell of each;
the largest of them counts."""


def identity_similarity(one: Tensor, other: Tensor) -> Tensor:
    """Cosine of two unit embeddings (B, D): (B,), 1 for the same face."""
    return (one * other).sum(dim=-1)


def rotation_distance(one: Tensor, other: Tensor) -> Tensor:
    """Mean over yaw, pitch, roll of the absolute difference of rotations (B, 3, 3): (B,) degrees.

    Head2Head's ARD. Differences are wrapped: 179 and -179 degrees are 2 apart.
    """
    apart = (euler_from_matrix(one) - euler_from_matrix(other)).abs()
    return torch.minimum(apart, 360 - apart).mean(dim=-1)


def geodesic_distance(one: Tensor, other: Tensor) -> Tensor:
    """The one angle that takes one rotation (B, 3, 3) to the other: (B,) degrees."""
    # By the sine of half the angle: the cosine of a small one is 1 to seven digits.
    apart = (one - other).square().sum(dim=(-2, -1)).sqrt()
    return torch.rad2deg(2 * (apart / 8**0.5).clamp(max=1).asin())


def expression_distance(one: Tensor, other: Tensor) -> Tensor:
    """Mean absolute difference of expression scores (B, 52), the neutral one aside: (B,)."""
    kept = [index for index, name in enumerate(EXPRESSIONS) if name != "_neutral"]
    return (one - other).abs()[:, kept].mean(dim=-1)


def action_unit_distance(one: Tensor, other: Tensor) -> Tensor:
    """Share of the 18 action units that only one of two faces shows: scores (B, 52) to (B,)."""
    return (action_units(one) != action_units(other)).float().mean(dim=-1)


def action_units(expression: Tensor) -> Tensor:
    """Which action units expression scores (B, 52) show: (B, 18) bool."""
    shown = [
        expression[:, [i for i, name in enumerate(EXPRESSIONS) if name.startswith(parts)]]
        for parts in ACTION_UNITS.values()
    ]
    return torch.stack([scores.amax(dim=1) > AU_THRESHOLD for scores in shown], dim=1)
