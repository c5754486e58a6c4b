"""Random moments of a photographed head: how it is held and what its face does."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reenact.data.expressions import ExpressionBank
from reenact.data.portrait_fit import HeadFit, Moments
from reenact.data.portrait_mesh import HeadMesh
from reenact.layers.precision import exact_matmul
from reenact.layers.rotation import matrix_from_euler, matrix_from_vector, vector_from_matrix

PROFILE = 25.0
"""Mesh degrees of yaw from which a head counts as seen from the side."""
EYE_SIZES = (0.6, 1.5)
"""Range of the factor from the filmed eye to the photographed one."""


@dataclass(frozen=True, kw_only=True)
class MotionRange:
    """How far re-rendered heads move from their photographs; a pair differs by up to twice that."""

    angles: tuple[float, float, float] = (15.0, 7.0, 5.0)
    """Deviations of yaw, pitch, roll in degrees."""
    max_angles: tuple[float, float, float] = (32.0, 16.0, 14.0)
    """Where the deviations are cut."""
    max_back: float = 3.0
    """Degrees that a head in profile may turn back: its far side was not photographed."""
    shift: float = 0.06
    """Deviation, in half widths of the picture."""
    body: tuple[float, float] = (0.1, 0.9)
    """Range of the share of the neck's movement that the shoulders join in."""
    sway: float = 0.04
    """Deviation of the shoulders' own movement, in half widths of the picture."""
    zoom: float = 0.04
    """Deviation of the size."""
    strength: tuple[float, float] = (0.7, 1.2)
    """Range of the factor on filmed expressions."""
    keep_own: float = 0.25
    """Chance that the mouth keeps its own expression under the filmed one."""
    camera: float = 0.08
    """Most that the camera zooms in; it shifts no further than that allows."""
    camera_moves: float = 0.3
    """Chance that the camera moves."""
    light: float = 0.35
    """Greatest share of the light that comes from one side."""
    untouched: float = 0.4
    """Chance that one of the two moments is the photograph itself."""


def draw_moments(
    heads: HeadFit,
    bank: ExpressionBank,
    mesh: HeadMesh,
    limits: MotionRange,
    generator: torch.Generator,
) -> Moments:
    """Two moments of each of B heads: 2 B, first and second of head 0, of head 1, and so on."""
    device = heads.pivot.device
    count = len(heads.pivot)
    normal = torch.randn(2 * count, 6, generator=generator, device=device).clamp(-2.5, 2.5)
    uniform = torch.rand(2, count, generator=generator, device=device).repeat_interleave(2, 1)
    low, high = limits.strength
    sway = _sways(2 * count, limits, generator)
    frames = torch.stack(bank.draw(count, generator), 1).flatten()
    heads = heads.repeat(2)
    offsets, jaw = _expressions(
        heads, bank, frames, low + (high - low) * uniform[0], uniform[1] >= limits.keep_own
    )
    size = (heads.apertures / bank.rest_apertures[frames]).clamp(*EYE_SIZES)
    offsets[:, :, 1] *= 1 + torch.einsum("be,ev->bv", size - 1, mesh.lid_weights)
    return Moments(
        rotation=_rotations(heads, normal[:, :3], limits),
        shift=normal[:, 3:5] * limits.shift,
        zoom=1 + normal[:, 5] * limits.zoom,
        body=_bodies(torch.rand(count, generator=generator, device=device), limits),
        sway=sway,
        offsets=_keep_edges_apart(heads, offsets, mesh),
        jaw=jaw,
        camera=_cameras(torch.rand(2 * count, 4, generator=generator, device=device), limits),
    )


def compose_pose(pose: Tensor, moments: Moments) -> Tensor:
    """Pose codes (B, 3 + J) of the photographs at their moments."""
    turn = mirror_axes(moments.rotation)
    rotation = vector_from_matrix(exact_matmul(turn, matrix_from_vector(pose[:, :3])))
    jaw = pose[:, 3:] + moments.jaw
    opening = torch.maximum(jaw[:, :1], pose[:, 3:4].clamp(max=0))
    return torch.cat([rotation, opening, jaw[:, 1:]], 1)


def mirror_axes(rotation: Tensor) -> Tensor:
    """Rotations (B, 3, 3) between camera axes (y up, z to the viewer) and picture axes."""
    signs = 1.0 - 2.0 * (torch.arange(3, device=rotation.device) > 0)
    return rotation * signs * signs.unsqueeze(1)


def _rotations(heads: HeadFit, normal: Tensor, limits: MotionRange) -> Tensor:
    """Turns (B, 3, 3) in picture axes: less far towards the side that was not photographed."""
    turn, pitch, roll = (
        (column * deviation).clamp(-bound, bound)
        for column, deviation, bound in zip(
            normal.unbind(1), limits.angles, limits.max_angles, strict=True
        )
    )
    facing = mirror_axes(heads.placement.rotation)
    yaw = torch.rad2deg(torch.atan2(facing[:, 0, 2], facing[:, 2, 2]))
    profile = (yaw.abs() / PROFILE).clamp(0, 1)
    room = limits.max_angles[0] + profile * (limits.max_back - limits.max_angles[0])
    back = torch.minimum(-turn * yaw.sign(), room)
    turn = torch.where(yaw == 0, turn, -back * yaw.sign())
    return mirror_axes(matrix_from_euler(torch.stack([turn, pitch, roll], 1)))


def _bodies(chance: Tensor, limits: MotionRange) -> Tensor:
    """Shares (2 B,) by which shoulders follow, from chance (B,); the same at both moments."""
    low, high = limits.body
    return (low + (high - low) * chance).repeat_interleave(2)


def _sways(count: int, limits: MotionRange, generator: torch.Generator) -> Tensor:
    """The shoulders' own movement (count, 2); where there is none, no chance is spent on it."""
    device = generator.device
    if limits.sway == 0:
        return torch.zeros(count, 2, device=device)
    normal = torch.randn(count, 2, generator=generator, device=device)
    return limits.sway * normal.clamp(-2.5, 2.5)


def _cameras(chance: Tensor, limits: MotionRange) -> Tensor:
    """Zoom and shift (B, 3) from chance (B, 4); the picture always fills the frame."""
    moves = chance[:, :1] < limits.camera_moves
    closer = limits.camera * chance[:, 1:2] * moves
    return torch.cat([1 + closer, (2 * chance[:, 2:] - 1) * closer], 1)


def _expressions(
    heads: HeadFit, bank: ExpressionBank, frames: Tensor, strength: Tensor, replace: Tensor
) -> tuple[Tensor, Tensor]:
    """Filmed offsets (B, 478, 3) and jaw (B, J), in place of what the photographed mouth does."""
    own, own_jaw = bank.guess(heads.placement.to_head(heads.points))
    strength, replace = strength.unsqueeze(1), replace.unsqueeze(1)
    coefficients = bank.coefficients[frames] * strength - own * replace
    return bank.offsets(coefficients), bank.jaw[frames] * strength - own_jaw * replace


def _keep_edges_apart(heads: HeadFit, offsets: Tensor, mesh: HeadMesh) -> Tensor:
    """Let lips and lids that would pass through each other meet halfway."""
    head = heads.placement.to_head(heads.points)
    apart = offsets.clone()
    for opening in (mesh.right_eye, mesh.left_eye, mesh.mouth):
        overlap = opening.gaps(head + offsets).clamp(max=0)
        apart[:, opening.upper[1:-1], 1] += overlap / 2
        apart[:, opening.lower[1:-1], 1] -= overlap / 2
    return apart
