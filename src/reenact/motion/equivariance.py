"""Keypoints must follow when the picture is bent: the loss that makes them mean something."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reenact.layers.grid import identity_grid, sample
from reenact.layers.precision import exact_matmul, full_precision
from reenact.motion.local_flows import MIN_DETERMINANT, inverse_affine
from reenact.records import Keypoints, Record

_EPSILON = 1e-6


@dataclass(frozen=True, eq=False)
class Bend(Record):
    """A random smooth map T of the picture: affine, plus a bend pinned to a grid of points.

    T(z) = affine [z; 1] + (1, 1) sum_m w_m U(|z - c_m|), U(r) = r^2 ln(r + 1e-6), L1 distance.
    """

    affine: Tensor
    """(B, 2, 3) close to the identity."""
    weights: Tensor
    """(B, N^2) of the control points, moving x and y alike."""
    controls: Tensor
    """(N^2, 2) xy in [-1, 1], a regular grid (c_m)."""

    def __call__(self, points: Tensor) -> Tensor:
        """Where points (B, K, 2), or (1, K, 2) common to the batch, go: (B, K, 2)."""
        with full_precision(points):
            turned = (self.affine[:, None, :, :2] * points.unsqueeze(-2)).sum(-1)
            distance = (points.unsqueeze(-2) - self.controls).abs().sum(-1)
            kernel = distance.square() * torch.log(distance + _EPSILON)
            return turned + self.affine[:, None, :, 2] + kernel @ self.weights.unsqueeze(-1)

    def jacobian(self, points: Tensor) -> Tensor:
        """Derivative of the map at points (B, K, 2): (B, K, 2, 2), T'."""
        offset = points.unsqueeze(-2) - self.controls
        distance = offset.abs().sum(-1)
        slope = 2 * distance * torch.log(distance + _EPSILON)
        slope = slope + distance.square() / (distance + _EPSILON)
        gradient = ((slope * self.weights.unsqueeze(1)).unsqueeze(-1) * offset.sign()).sum(-2)
        return self.affine[:, None, :, :2] + gradient.unsqueeze(-2)

    def picture(self, image: Tensor) -> Tensor:
        """The bent picture I_T(z) = I(T(z)), mirrored at the border: (B, C, H, W)."""
        batch, _, height, width = image.shape
        grid = identity_grid(height, width, device=image.device)
        flow = self(grid.view(1, -1, 2)).view(batch, height, width, 2)
        return sample(image, flow, padding="reflection")


def random_bend(
    batch: int,
    generator: torch.Generator,
    *,
    sigma_affine: float = 0.05,
    sigma_bend: float = 0.005,
    points: int = 5,
) -> Bend:
    """Draw one map for every item of a batch, on the generator's device."""
    device = generator.device
    noise = torch.randn(batch, 2, 3, generator=generator, device=device)
    weights = torch.randn(batch, points**2, generator=generator, device=device)
    return Bend(
        affine=torch.eye(2, 3, device=device) + sigma_affine * noise,
        weights=sigma_bend * weights,
        controls=identity_grid(points, points, device=device).flatten(0, 1),
    )


def equivariance_loss(
    original: Keypoints,
    bent: Keypoints,
    bend: Bend,
    min_determinant: float = MIN_DETERMINANT,
) -> tuple[Tensor, Tensor]:
    """How far keypoints of the bent picture are from where they belong: points, and affines.

    mean |k - T(k_T)| and mean |I - A^-1 T'(k_T) A_T| (method.md 12), both unweighted.
    """
    points = (original.points - bend(bent.points)).abs().mean()
    expected = exact_matmul(bend.jacobian(bent.points), bent.affines)
    ratio = exact_matmul(inverse_affine(original.affines, min_determinant), expected)
    identity = torch.eye(2, device=ratio.device)
    return points, (identity - ratio).abs().mean()
