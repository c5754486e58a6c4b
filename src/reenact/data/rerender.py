"""Photographs as training clips: each portrait is drawn at two random moments (`StillRenderer`).

A photograph is taken apart into head and background. The head is a mesh in three dimensions that
wears the photograph; it turns, speaks and blinks as filmed people do, over a background with the
hole behind it filled. What is not known to be head keeps its colour difference to the filled
background and moves along, so a head that does not move gives back the photograph.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from reenact.data.expressions import ExpressionBank
from reenact.data.moments import MotionRange, compose_pose, draw_moments
from reenact.data.pairs import PairBatch, resize_labels, to_unit_range
from reenact.data.portrait_drawing import Subjects, draw_heads
from reenact.data.portrait_fit import HeadFit, keep_cuts_covered
from reenact.data.portrait_mesh import load_head_mesh
from reenact.data.portraits import take_apart
from reenact.data.store import StillStore

THROAT, TONGUE = (0.20, 0.07, 0.07), (0.55, 0.26, 0.26)
"""Brightest colours of a mouth behind the teeth, beside skin of brightness `LIGHT_SKIN`."""
LIGHT_SKIN = 0.6


class StillRenderer:
    """Draws pairs of moments of photographs, on the device of the photographs.

    Nothing waits for the device, and the same state of the generator draws the same pictures.
    """

    def __init__(
        self, stills: StillStore, bank: ExpressionBank, motion: MotionRange | None = None
    ) -> None:
        """Takes the photographs apart, about a second for a thousand of them on a GPU."""
        self.mesh = load_head_mesh(stills.device)
        self.bank = bank
        self.motion = motion or MotionRange()
        self.portraits = take_apart(stills, self.mesh)
        self._flesh = torch.tensor((THROAT, TONGUE), device=stills.device)

    @torch.no_grad()
    def render(self, index: Tensor, generator: torch.Generator) -> PairBatch:
        """Two moments of each of the stills numbered index (B,); now and then one is the still."""
        portraits = self.portraits
        heads = portraits.heads.take(index)
        chance = torch.rand(len(index), 5, generator=generator, device=index.device)
        untouched = _untouched(chance[:, 0], self.motion.untouched)
        moments = draw_moments(heads, self.bank, self.mesh, self.motion, generator)
        cut_points, cut = portraits.cut_points[index], portraits.cut[index]
        moments = keep_cuts_covered(heads, moments, cut_points, cut).at_rest(untouched)
        subjects = self._subjects(index, heads, chance[:, 1:])
        drawing = draw_heads(subjects, moments, self.mesh)
        photo = subjects.layers[:, :3].repeat_interleave(2, 0)
        labels = resize_labels(subjects.labels, photo.shape[-1]).repeat_interleave(2, 0)
        pose = portraits.pose[index].repeat_interleave(2, 0)
        return _pairs(
            frames=torch.where(untouched.view(-1, 1, 1, 1), photo, drawing.frames),
            labels=torch.where(untouched.view(-1, 1, 1), labels, drawing.labels),
            pose=compose_pose(pose, moments),
            points=drawing.points,
            visible=drawing.visible,
        )

    def _subjects(self, index: Tensor, heads: HeadFit, chance: Tensor) -> Subjects:
        """What is drawn of the stills numbered index (B,), by chance (B, 4)."""
        portraits = self.portraits
        lender = portraits.lenders(index, chance[:, 0])
        brightness = portraits.skin[index].mean(1, keepdim=True) / LIGHT_SKIN
        flesh = self._flesh.unsqueeze(1) * brightness * (0.6 + 0.4 * chance[:, 3:])
        return Subjects(
            heads=heads,
            layers=to_unit_range(portraits.layers[index]),
            labels=portraits.labels[index],
            light=_light(chance[:, 1:3], self.motion.light),
            throat=flesh[0],
            tongue=flesh[1],
            lenders=portraits.heads.take(lender),
            lent=to_unit_range(portraits.layers[lender, :3]),
            lent_gain=portraits.mouth_gain(index, lender),
        )


def _untouched(chance: Tensor, share: float) -> Tensor:
    """Which of the 2 B moments is the photograph, from chance (B,): (2 B,) bool, never both."""
    return torch.stack([chance < share / 2, (chance >= 1 - share / 2)], 1).flatten()


def _light(chance: Tensor, strength: float) -> Tensor:
    """A light somewhere above and in front of each head, (B, 2) to (B, 3) in picture axes."""
    angle = (chance[:, 0] * 2 - 1) * (math.pi / 2)
    towards = torch.stack([angle.sin(), -0.4 * torch.ones_like(angle), -angle.cos()], 1)
    return strength * chance[:, 1:] * towards


def _pairs(
    frames: Tensor, labels: Tensor, pose: Tensor, points: Tensor, visible: Tensor
) -> PairBatch:
    """Moments in turn, (2 B, ...), to pairs."""
    return PairBatch(
        source=frames[0::2],
        driving=frames[1::2],
        source_parsing=labels[0::2],
        driving_parsing=labels[1::2],
        source_pose=pose[0::2],
        driving_pose=pose[1::2],
        source_points=points[0::2],
        driving_points=points[1::2],
        point_weights=(visible[0::2] & visible[1::2]).float(),
    )
