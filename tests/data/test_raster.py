"""The rasteriser: coverage, order, and linear functions."""

import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.data.raster import Capacity, interpolate, rasterize


def square(low: float, high: float, depth: float = 0.0) -> tuple[Tensor, Tensor]:
    """Two triangles; vertices (1, 4, 3) and triangles (2, 3)."""
    corners = [(low, low), (high, low), (high, high), (low, high)]
    vertices = torch.tensor([[(x, y, depth) for x, y in corners]])
    return vertices, torch.tensor([[0, 1, 2], [0, 2, 3]])


def random_triangles(batch: int, count: int, size: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    vertices = torch.rand(batch, 3 * count, 3, generator=generator) * (size * 1.4) - size * 0.2
    return vertices, torch.arange(3 * count).view(count, 3)


def test_a_square_covers_exactly_its_pixels() -> None:
    vertices, triangles = square(1.5, 5.5)
    covered = rasterize(vertices, triangles, 8, 8).covered[0]
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[2:6, 2:6] = True
    assert torch.equal(covered, expected)


def test_neighbours_leave_no_crack() -> None:
    generator = torch.Generator().manual_seed(1)
    grid = torch.stack(torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="xy"), -1) * 8
    grid[1:-1, 1:-1] += torch.rand(7, 7, 2, generator=generator) * 4 - 2
    vertices = torch.cat([grid.view(1, 81, 2), torch.zeros(1, 81, 1)], -1)
    first = (torch.arange(8).view(8, 1) * 9 + torch.arange(8)).flatten()
    lower = torch.stack([first, first + 1, first + 10], 1)
    upper = torch.stack([first, first + 10, first + 9], 1)
    assert rasterize(vertices, torch.cat([lower, upper]), 65, 65).covered.all()


def test_the_nearer_triangle_wins_in_any_order() -> None:
    far, triangles = square(0, 7, depth=2.0)
    near, _ = square(2, 5, depth=-3.0)
    both = torch.cat([triangles, triangles + 4])
    fragments = rasterize(torch.cat([far, near], 1), both, 8, 8)
    flipped = rasterize(torch.cat([far, near], 1), both.flip(0), 8, 8)
    assert_close(fragments.depth, flipped.depth)
    expected = torch.full((1, 8, 8), 2.0)
    expected[0, 2:6, 2:6] = -3.0
    assert_close(fragments.depth, expected)
    assert (fragments.triangle[0, 2:6, 2:6] >= 2).all()


def test_crossing_triangles_meet_where_their_depths_do() -> None:
    flat, triangles = square(0, 15, depth=5.0)
    tilted = flat.clone()
    tilted[..., 2] = tilted[..., 0]
    fragments = rasterize(
        torch.cat([flat, tilted], 1), torch.cat([triangles, triangles + 4]), 16, 16
    )
    expected = torch.arange(16.0).clamp(max=5).expand(1, 16, 16)
    assert_close(fragments.depth, expected, atol=1e-4, rtol=0)


def test_a_linear_function_is_drawn_exactly() -> None:
    vertices, triangles = random_triangles(batch=2, count=5, size=32)
    fragments = rasterize(vertices, triangles, 32, 32)
    drawn = interpolate(fragments, vertices, triangles)
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    covered = fragments.covered
    expected = torch.stack([x, y], -1).expand(2, 32, 32, 2)
    assert_close(drawn[..., :2][covered], expected[covered], atol=5e-3, rtol=0)
    assert_close(drawn[..., 2][covered], fragments.depth[covered], atol=1e-3, rtol=1e-4)


def test_weights_sum_to_one_where_covered_and_to_zero_elsewhere() -> None:
    vertices, triangles = random_triangles(batch=3, count=4, size=24)
    fragments = rasterize(vertices, triangles, 24, 20)
    assert_close(fragments.barycentric.sum(-1), fragments.covered.float())
    assert (fragments.barycentric >= 0).all()
    assert torch.equal(fragments.depth.isinf(), ~fragments.covered)
    assert torch.equal(fragments.triangle < 0, ~fragments.covered)


def test_room_to_spare_changes_nothing_and_too_little_drops_pixels() -> None:
    vertices, triangles = random_triangles(batch=2, count=9, size=24)
    exact = rasterize(vertices, triangles, 24, 24)
    roomy = rasterize(vertices, triangles, 24, 24, capacity=Capacity(rows=5000, pixels=50_000))
    assert torch.equal(exact.triangle, roomy.triangle)
    assert torch.equal(exact.barycentric, roomy.barycentric)
    tight = rasterize(vertices, triangles, 24, 24, capacity=Capacity(rows=60, pixels=200))
    assert 0 < tight.covered.sum() <= 200


def test_a_batch_equals_its_samples() -> None:
    vertices, triangles = random_triangles(batch=3, count=40, size=24)
    whole = rasterize(vertices, triangles, 24, 24)
    for sample in range(3):
        alone = rasterize(vertices[sample : sample + 1], triangles, 24, 24)
        assert torch.equal(whole.triangle[sample], alone.triangle[0])
        assert torch.equal(whole.barycentric[sample], alone.barycentric[0])


def test_triangles_may_differ_between_samples() -> None:
    vertices, triangles = random_triangles(batch=2, count=6, size=16)
    order = torch.tensor([5, 4, 3, 2, 1, 0])
    mixed = torch.stack([triangles, triangles[order]])
    fragments = rasterize(vertices, mixed, 16, 16)
    reference = rasterize(vertices, triangles, 16, 16)
    assert_close(fragments.depth, reference.depth)
    assert_close(
        interpolate(fragments, vertices, mixed), interpolate(reference, vertices, triangles)
    )


def test_outside_degenerate_and_broken_triangles_are_left_out() -> None:
    vertices, triangles = square(-40, -20)
    assert not rasterize(vertices, triangles, 8, 8).covered.any()
    flat = torch.tensor([[[1.0, 1, 0], [5, 5, 0], [3, 3, 0]]])
    assert not rasterize(flat, torch.tensor([[0, 1, 2]]), 8, 8).covered.any()
    broken, triangles = square(0, 7)
    broken[0, 3] = torch.nan
    fragments = rasterize(broken, triangles, 8, 8)
    assert set(fragments.triangle.unique().tolist()) == {-1, 0}
