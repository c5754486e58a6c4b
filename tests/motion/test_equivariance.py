from collections.abc import Callable

import pytest
import torch
from torch.testing import assert_close

from reenact.layers.precision import exact_matmul
from reenact.motion.equivariance import Bend, equivariance_loss, random_bend
from reenact.motion.local_flows import inverse_affine
from reenact.records import Keypoints

MakeKeypoints = Callable[..., Keypoints]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def bend() -> Bend:
    return random_bend(2, seeded(), sigma_affine=0.1, sigma_bend=0.05)


def straight(batch: int = 2) -> Bend:
    return random_bend(batch, seeded(), sigma_affine=0, sigma_bend=0)


def test_chance_belongs_to_the_caller() -> None:
    first, again, other = (
        random_bend(2, seeded(1)),
        random_bend(2, seeded(1)),
        random_bend(2, seeded(2)),
    )
    assert_close(first.weights, again.weights, atol=0, rtol=0)
    assert (first.affine - other.affine).abs().max() > 0


def test_without_noise_nothing_moves() -> None:
    image, points = torch.rand(2, 3, 16, 16), torch.randn(2, 5, 2)
    assert_close(straight()(points), points)
    assert_close(straight().picture(image), image, atol=1e-5, rtol=0)


def test_value_worked_by_hand() -> None:
    """One control point of weight w at distance 1 + 1: both coordinates move by w 4 ln 2."""
    bend = Bend(
        affine=torch.tensor([[[1.0, 0.0, 0.25], [0.0, 1.0, 0.0]]]),
        weights=torch.tensor([[0.1]]),
        controls=torch.tensor([[-1.0, -1.0]]),
    )
    shift = 0.1 * 4 * torch.log(torch.tensor(2.0))
    expected = torch.stack([shift + 0.25, shift]).view(1, 1, 2)
    assert_close(bend(torch.zeros(1, 1, 2)), expected)


def test_jacobian_is_the_derivative(bend: Bend) -> None:
    points = (2 * torch.rand(2, 7, 2, generator=seeded()) - 1).requires_grad_()
    rows = [torch.autograd.grad(bend(points)[..., axis].sum(), points)[0] for axis in range(2)]
    assert_close(bend.jacobian(points), torch.stack(rows, dim=-2), atol=1e-5, rtol=1e-4)


def test_bent_picture_shows_what_is_at_the_bent_points(bend: Bend) -> None:
    """A picture of its own coordinates, bent, shows where each pixel looks."""
    x = torch.linspace(-1, 1, 33).expand(33, 33)
    picture = torch.stack([x, x.T]).expand(2, 2, 33, 33)
    bent = bend.picture(picture).flatten(2).mT
    where = bend(picture[:1].flatten(2).mT)
    inside = (where.abs() < 1).all(-1)
    assert inside.float().mean() > 0.5
    assert_close(bent[inside], where[inside], atol=1e-4, rtol=0)


def test_keypoints_that_follow_cost_nothing(bend: Bend, make_keypoints: MakeKeypoints) -> None:
    bent = make_keypoints()
    affines = exact_matmul(bend.jacobian(bent.points), bent.affines)
    original = Keypoints(points=bend(bent.points), affines=affines)
    points, turned = equivariance_loss(original, bent, bend)
    assert points < 1e-6
    assert turned < 1e-4


def test_keypoints_that_stay_put_cost_the_bend(make_keypoints: MakeKeypoints) -> None:
    keypoints = make_keypoints()
    bend = straight()
    shifted = Bend(bend.affine + torch.tensor([0.0, 0.0, 0.3]), bend.weights, bend.controls)
    points, turned = equivariance_loss(keypoints, keypoints, shifted)
    assert_close(points, torch.tensor(0.3))
    assert turned < 1e-4


def test_affine_term_worked_by_hand(make_keypoints: MakeKeypoints) -> None:
    """Affines twice as large as they should be miss the identity by one half on the diagonal."""
    keypoints = make_keypoints()
    doubled = Keypoints(keypoints.points, 2 * keypoints.affines)
    _, turned = equivariance_loss(doubled, keypoints, straight())
    assert_close(turned, torch.tensor(0.25), atol=1e-4, rtol=0)
    assert_close(
        exact_matmul(inverse_affine(doubled.affines), keypoints.affines),
        0.5 * torch.eye(2).expand(2, 10, 2, 2),
        atol=1e-4,
        rtol=0,
    )


def test_affines_are_inverted_with_the_guard_that_is_given(make_keypoints: MakeKeypoints) -> None:
    keypoints = make_keypoints()
    small = Keypoints(keypoints.points, 0.01 * torch.eye(2).expand_as(keypoints.affines))
    _, guarded = equivariance_loss(small, small, straight())
    assert_close(guarded, torch.tensor(0.45), atol=1e-4, rtol=0)
    _, literal = equivariance_loss(small, small, straight(), 0.0)
    assert_close(literal, torch.tensor(0.0), atol=1e-4, rtol=0)


def test_gradients_are_finite_on_a_control_point(bend: Bend) -> None:
    points = bend.controls.expand(2, -1, -1).clone().requires_grad_()
    affines = torch.eye(2).expand(2, 25, 2, 2)
    losses = equivariance_loss(
        Keypoints(torch.zeros(2, 25, 2), affines), Keypoints(points, affines), bend
    )
    sum(losses).backward()
    assert points.grad is not None
    assert points.grad.isfinite().all()
