"""What happens while the driving face is out of sight: the last motion is held."""

from __future__ import annotations

import torch
from torch import Tensor

from reenact.records import Keypoints, Motion


class MotionHold:
    """Replaces the motion of frames without a face by the last one before, and counts them."""

    def __init__(self) -> None:
        self.frames = 0
        """Frames that came by."""
        self.held = 0
        """Frames of these that showed no face."""
        self._last: Motion | None = None

    def __call__(self, motion: Motion, seen: Tensor) -> tuple[Motion, Tensor]:
        """Motion of B frames that follow those before, and whether it means anything, (B,) bool.

        Args:
            motion: As read.
            seen: (B,) bool, where there is a face.
        """
        lost = int((~seen).sum())
        self.frames, self.held = self.frames + len(seen), self.held + lost
        known = seen
        if lost:
            motion, known = self._hold(motion, seen)
        if bool(known[-1]):
            self._last = motion.map(lambda tensor: tensor[-1:])
        return motion, known

    def __str__(self) -> str:
        """What a person is told, where frames were held."""
        return f"no driving face in {self.held} of {self.frames} frames; the last motion was held"

    def _hold(self, motion: Motion, seen: Tensor) -> tuple[Motion, Tensor]:
        before = motion.map(lambda tensor: tensor[:1]) if self._last is None else self._last
        numbers = torch.arange(1, len(seen) + 1, device=seen.device)
        latest = torch.where(seen, numbers, 0).cummax(0).values  # 0: the last one before these
        known = latest > 0 if self._last is None else torch.ones_like(seen)
        return join_motions(before, motion).map(lambda tensor: tensor[latest]), known


def join_motions(first: Motion, second: Motion) -> Motion:
    """Frames of one motion after those of another."""
    return Motion(
        Keypoints(
            torch.cat([first.keypoints.points, second.keypoints.points]),
            torch.cat([first.keypoints.affines, second.keypoints.affines]),
        ),
        torch.cat([first.pose, second.pose]),
    )
