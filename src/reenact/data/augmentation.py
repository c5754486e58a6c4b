"""Changes that make a new pair of a known one; both frames get the same, all on the device."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from reenact.config import POSE_MIRRORS
from reenact.data.pairs import PairBatch
from reenact.data.reframing import ReframingRange, draw_reframing, reframe
from reenact.records import MIRROR_REGION

GREY = (0.299, 0.587, 0.114)
"""What red, green and blue give to brightness (ITU-R BT.601)."""


YIQ = (GREY, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))
"""Brightness and the two axes of the colour plane (NTSC)."""


class _Constants(NamedTuple):
    """Tables on a device; making them anew at every step would wait for the device each time."""

    mirror_label: Tensor
    mirror_point: Tensor
    grey: Tensor
    to_yiq: Tensor
    from_yiq: Tensor


@cache
def _constants(device: torch.device) -> _Constants:
    to_yiq = torch.tensor(YIQ, dtype=torch.float64)
    labels = (0, *(region + 1 for region in MIRROR_REGION))
    return _Constants(
        mirror_label=torch.tensor(labels, dtype=torch.uint8, device=device),
        mirror_point=torch.tensor((-1.0, 1.0), device=device),
        grey=torch.tensor(GREY, device=device),
        to_yiq=to_yiq.float().to(device),
        from_yiq=to_yiq.inverse().float().to(device),
    )


@cache
def _signs(signs: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(signs, dtype=torch.float32, device=device)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Time reversal, mirroring, colours (method.md 13), and another framing, drawn pair by pair."""

    reverse: float = 0.5
    """Chance that source and driving swap places."""
    flip: float = 0.5
    """Chance of mirroring a pair that was not reversed."""
    brightness: float = 0.1
    contrast: float = 0.1
    saturation: float = 0.1
    hue: float = 0.1
    """Half widths of the colour changes; hue in turns of the colour circle."""
    moved: float = 0.0
    """Chance of framing a pair otherwise; not in the paper."""
    reframing: ReframingRange = field(default_factory=ReframingRange)
    pose_mirror: tuple[int, ...] = POSE_MIRRORS["reader6"]
    """Sign of each number of the pose code in a mirrored picture."""

    def __call__(self, batch: PairBatch, generator: torch.Generator) -> PairBatch:
        """A changed copy of the batch; waits for nothing."""
        chance = torch.rand(2, len(batch), generator=generator, device=batch.source.device)
        reversed_ = chance[0] < self.reverse
        batch = batch.swapped().where(reversed_, batch)
        if self.flip > 0:
            flipped = (chance[1] < self.flip) & ~reversed_
            batch = mirrored(batch, self.pose_mirror).where(flipped, batch)
        return self._jittered(self._moved(batch, generator), generator)

    def _moved(self, batch: PairBatch, generator: torch.Generator) -> PairBatch:
        if self.moved == 0:
            return batch
        chance = torch.rand(len(batch), generator=generator, device=batch.source.device)
        reframing = draw_reframing(len(batch), self.reframing, generator)
        return reframe(batch, reframing).where(chance < self.moved, batch)

    def _jittered(self, batch: PairBatch, generator: torch.Generator) -> PairBatch:
        widths = (self.brightness, self.contrast, self.saturation, self.hue)
        if max(widths) == 0:
            return batch
        source, driving = jitter_colours(batch.source, batch.driving, widths, generator)
        return PairBatch(source, driving, *batch.tensors()[2:])


def mirrored(batch: PairBatch, pose_mirror: tuple[int, ...] = POSE_MIRRORS["reader6"]) -> PairBatch:
    """Both frames mirrored, and with them the sides of regions, poses and points.

    The points keep their order: they tie the two frames of a pair together and nothing else.
    """
    constants = _constants(batch.source.device)
    regions, pose = constants.mirror_label, _signs(pose_mirror, batch.source.device)
    across = constants.mirror_point
    return PairBatch(
        source=batch.source.flip(-1),
        driving=batch.driving.flip(-1),
        source_parsing=regions[batch.source_parsing.flip(-1).int()],
        driving_parsing=regions[batch.driving_parsing.flip(-1).int()],
        source_pose=batch.source_pose * pose,
        driving_pose=batch.driving_pose * pose,
        source_points=batch.source_points * across,
        driving_points=batch.driving_points * across,
        point_weights=batch.point_weights,
    )


def jitter_colours(
    source: Tensor,
    driving: Tensor,
    widths: tuple[float, float, float, float],
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Change brightness, contrast, saturation and hue in random order, alike in both frames.

    Each change is an affine map of the colour, so all of them together are one, (B, 3, 4), and the
    pictures are read and written once.
    """
    count, device = source.shape[0], source.device
    uniform = torch.rand(4, count, generator=generator, device=device) * 2 - 1
    amounts = torch.stack([width * row for width, row in zip(widths, uniform, strict=True)])
    order = torch.rand(count, 4, generator=generator, device=device).argsort(dim=1)
    mean = (source.mean(dim=(2, 3)) + driving.mean(dim=(2, 3))) / 2
    colours = _identity_maps(count, device)
    for step in range(4):
        changes = _changes(amounts, _apply(colours, mean.unsqueeze(-1)).squeeze(-1))
        chosen = changes[torch.arange(count, device=device), order[:, step]]
        colours = chosen @ colours
    return (
        _apply_to_image(colours, source).clamp_(0, 1),
        _apply_to_image(colours, driving).clamp_(0, 1),
    )


def _changes(amounts: Tensor, mean: Tensor) -> Tensor:
    """The four changes as homogeneous maps (B, 4, 4, 4), given the mean colour (B, 3) so far."""
    count, device = mean.shape[0], mean.device
    eye = torch.eye(3, device=device)
    grey = _constants(device).grey
    brightness, contrast, saturation = (1 + amounts[:3]).view(3, count, 1, 1)
    maps = _identity_maps(count, device).unsqueeze(1).repeat(1, 4, 1, 1)
    maps[:, 0, :3, :3] = brightness * eye
    maps[:, 1, :3, :3] = contrast * eye
    maps[:, 1, :3, 3] = ((1 - contrast) * (mean @ grey).view(-1, 1, 1)).squeeze(-1)
    maps[:, 2, :3, :3] = saturation * eye + (1 - saturation) * grey
    maps[:, 3, :3, :3] = _hue_rotation(amounts[3] * (2 * math.pi))
    return maps


def _hue_rotation(angle: Tensor) -> Tensor:
    """Turn of the colour plane that leaves brightness alone: (B,) radians to (B, 3, 3)."""
    constants = _constants(angle.device)
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    turn = torch.stack((one, zero, zero, zero, cos, -sin, zero, sin, cos), dim=-1)
    return constants.from_yiq @ turn.view(-1, 3, 3) @ constants.to_yiq


def _identity_maps(count: int, device: torch.device) -> Tensor:
    return torch.eye(4, device=device).expand(count, 4, 4)


def _apply(maps: Tensor, colours: Tensor) -> Tensor:
    """Homogeneous maps (B, 4, 4) of colours (B, 3, N)."""
    return torch.baddbmm(maps[:, :3, 3:], maps[:, :3, :3], colours)


def _apply_to_image(maps: Tensor, image: Tensor) -> Tensor:
    return _apply(maps, image.flatten(2)).view_as(image)
