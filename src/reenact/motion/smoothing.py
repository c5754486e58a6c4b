"""Takes the jitter out of read motion while it comes: the one-euro filter.

Casiez, Roussel and Vogel, "1 euro filter" (CHI 2012): a low-pass filter whose cutoff rises with
the speed, so that what rests is steady and what moves fast does not lag.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import tau

import torch
from torch import Tensor

from reenact.records import Keypoints, Motion

Seconds = Fraction | float


@dataclass(frozen=True, kw_only=True)
class OneEuro:
    """How strongly the one-euro filter smooths."""

    min_cutoff: float = 1.5
    """Hz, above 0, of what rests; lower is steadier."""
    beta: float = 10.0
    """Hz by which the cutoff rises at a speed of one unit a second; higher lags less."""
    speed_cutoff: float = 1.0
    """Hz, above 0, at which the speed itself is smoothed."""

    def __post_init__(self) -> None:
        if not (self.min_cutoff > 0 and self.beta >= 0 and self.speed_cutoff > 0):
            raise ValueError(f"{self}: expected cutoffs above 0 and a beta of 0 or more")


class OneEuroFilter:
    """Smooths one quantity of several numbers over time.

    All numbers share the cutoff of their mean speed: points that move as one are smoothed as one,
    and keep their shape.
    """

    def __init__(self, settings: OneEuro) -> None:
        self._settings = settings
        self._time: Seconds = 0.0
        self._value: Tensor | None = None
        self._speed: Tensor | None = None

    def __call__(self, value: Tensor, time: Seconds) -> Tensor:
        """The quantity, any shape, at a time in seconds; the first value is taken as it is."""
        if self._value is None or self._speed is None:
            self._value, self._speed = value, torch.zeros_like(value)
        elif (step := float(time - self._time)) > 0:
            speed = (value - self._value) / step
            self._speed = self._speed.lerp(speed, share(self._settings.speed_cutoff, step))
            mean = float(self._speed.square().mean().sqrt())
            cutoff = self._settings.min_cutoff + self._settings.beta * mean
            self._value = self._value.lerp(value, share(cutoff, step))
        self._time = time
        return self._value


def share(cutoff: float, step: float) -> float:
    """Weight of a new value in a low-pass filter of a cutoff in Hz, some seconds after the last."""
    turn = tau * cutoff * step
    return turn / (1 + turn)


class MotionSmoother:
    """Smooths motion frame by frame: points, affine maps, rotation and jaw, each with one cutoff.

    Rotation vectors are smoothed as they are: those of heads stay far from half a turn.
    """

    def __init__(self, settings: OneEuro) -> None:
        self._points, self._affines, self._rotation, self._jaw = (
            OneEuroFilter(settings) for _ in range(4)
        )

    def __call__(self, motion: Motion, times: Sequence[Seconds]) -> Motion:
        """Motion of B frames that follow those before, each shown at its time in seconds."""
        rows = range(len(times))
        points, affines = motion.keypoints.points, motion.keypoints.affines
        rotation, jaw = motion.pose[:, :3], motion.pose[:, 3:]
        return Motion(
            Keypoints(
                points=torch.stack([self._points(points[i], times[i]) for i in rows]),
                affines=torch.stack([self._affines(affines[i], times[i]) for i in rows]),
            ),
            pose=torch.stack(
                [
                    torch.cat([self._rotation(rotation[i], times[i]), self._jaw(jaw[i], times[i])])
                    for i in rows
                ]
            ),
        )
