"""Who a synthetic head is, and what it does at a moment.

The same people can be drawn at several moments: all that is random about them is drawn once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reenact.data.head_chance import normal, uniform
from reenact.data.head_expression import random_expression
from reenact.data.head_light import Light, random_light
from reenact.data.head_scene import Stance
from reenact.data.head_skin import Skin, SkinMaps, paint
from reenact.layers.rotation import matrix_from_euler
from reenact.records import Record

_IDENTITY_DEVIATION = 0.85
"""Of the identity weights; 1 is the variety of the scans."""
_LEAN = (8.0, 3.0, 2.0)
"""Deviation of the shoulders' own turn, degrees."""


@dataclass(frozen=True, eq=False)
class People(Record):
    """B people before their cameras, but for what they wear."""

    identity: Tensor
    """(B, I) weights of the identity modes."""
    follow: Tensor
    """(B, 3) share of the head's yaw, pitch, roll that the shoulders join in."""
    lean: Tensor
    """(B, 3) yaw, pitch, roll of the shoulders by themselves, degrees."""
    distance: Tensor
    """(B,) of the camera, cm."""
    light: Light
    skin: Skin

    def __len__(self) -> int:
        return self.identity.shape[0]

    def stance(self, moment: Moment) -> Stance:
        """How they hold themselves: the shoulders follow the head in part."""
        return Stance(
            head=matrix_from_euler(moment.pose),
            bust=matrix_from_euler(moment.pose * self.follow + self.lean),
            shift=moment.shift,
        )


@dataclass(frozen=True, eq=False)
class Moment(Record):
    """What each of B people does at one moment."""

    pose: Tensor
    """(B, 3) yaw, pitch, roll in true degrees."""
    expression: Tensor
    """(B, E) weights of the expression modes."""
    shift: Tensor
    """(B, 3) how far head and shoulders have moved, cm in camera axes."""

    def __len__(self) -> int:
        return self.pose.shape[0]


def random_people(
    count: int, identities: int, maps: SkinMaps, generator: torch.Generator
) -> People:
    """People of all kinds, by this many identity modes, in any light."""
    follow = uniform((count, 3), 0.1, 0.7, generator)
    lean = normal((count, 3), 1.0, generator)
    return People(
        identity=normal((count, identities), _IDENTITY_DEVIATION, generator),
        follow=follow,
        lean=lean * lean.new_tensor(_LEAN),
        distance=torch.exp(uniform((count,), 3.8, 5.5, generator)),
        light=random_light(count, generator),
        skin=paint(maps, count, generator),
    )


def random_moment(
    pose: Tensor, expression_names: tuple[str, ...], generator: torch.Generator, shift: float = 0.0
) -> Moment:
    """Any expression at poses (B, 3) in true degrees, moved by a deviation in cm."""
    count = len(pose)
    return Moment(
        pose=pose,
        expression=random_expression(expression_names, count, generator),
        shift=normal((count, 3), shift, generator),
    )
