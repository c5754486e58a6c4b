from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from torch import Tensor
from torch.testing import assert_close

from reenact.layers.rotation import euler_from_vector, vector_from_euler
from reenact.motion.local_flows import inverse_affine
from reenact.motion.transfer import hull_area, relative_size, transfer, transfer_pose
from reenact.records import Keypoints, Motion

MakeKeypoints = Callable[..., Keypoints]
MakeMotion = Callable[..., Motion]


@pytest.fixture
def make_motion(make_keypoints: MakeKeypoints) -> MakeMotion:
    generator = torch.Generator().manual_seed(3)

    def make(batch: int = 1) -> Motion:
        return Motion(make_keypoints(batch), 0.4 * torch.randn(batch, 6, generator=generator))

    return make


def assert_same_motion(result: Motion, expected: Motion) -> None:
    assert_close(result.keypoints.points, expected.keypoints.points)
    assert_close(result.keypoints.affines, expected.keypoints.affines, atol=1e-5, rtol=1e-4)
    assert_close(result.pose, expected.pose, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("adapt_scale", [False, True])
def test_a_driver_who_has_not_moved_leaves_the_source_as_it_is(
    make_motion: MakeMotion, adapt_scale: bool
) -> None:
    source, initial = make_motion(), make_motion()
    result = transfer(source.keypoints, source.pose, initial, initial, adapt_scale)
    assert_same_motion(result, source)


@pytest.mark.parametrize("adapt_scale", [False, True])
def test_driving_oneself_is_absolute_motion(make_motion: MakeMotion, adapt_scale: bool) -> None:
    source, driving = make_motion(), make_motion()
    result = transfer(source.keypoints, source.pose, driving, source, adapt_scale)
    assert_same_motion(result, driving)


def test_a_larger_face_takes_larger_steps(make_motion: MakeMotion) -> None:
    initial, driving = make_motion(), make_motion()
    source = Keypoints(2 * initial.keypoints.points, initial.keypoints.affines)
    result = transfer(source, initial.pose, driving, initial, adapt_scale=True)
    assert_close(result.keypoints.points, 2 * driving.keypoints.points, atol=1e-5, rtol=1e-4)


def test_without_following_the_driver_keeps_affines_and_pose(make_motion: MakeMotion) -> None:
    source, initial, driving = make_motion(), make_motion(), make_motion()
    result = transfer(
        source.keypoints, source.pose, driving, initial, follow_affines=False, follow_pose=False
    )
    assert_close(result.keypoints.affines, driving.keypoints.affines)
    assert_close(result.pose, driving.pose)


def test_one_source_serves_a_batch_of_frames(make_motion: MakeMotion) -> None:
    source, initial, driving = make_motion(), make_motion(), make_motion(batch=3)
    together = transfer(source.keypoints, source.pose, driving, initial, adapt_scale=True)
    assert together.pose.shape == (3, 6)
    for frame in range(3):
        alone = driving.map(lambda tensor, frame=frame: tensor[frame : frame + 1])
        expected = transfer(source.keypoints, source.pose, alone, initial, adapt_scale=True)
        assert_same_motion(together.map(lambda t, f=frame: t[f : f + 1]), expected)


def test_affines_change_as_those_of_the_driver(make_motion: MakeMotion) -> None:
    source, initial, driving = make_motion(), make_motion(), make_motion()
    affines = transfer(source.keypoints, source.pose, driving, initial).keypoints.affines
    change = driving.keypoints.affines @ inverse_affine(initial.keypoints.affines)
    assert_close(affines @ inverse_affine(source.keypoints.affines), change, atol=1e-4, rtol=1e-3)


def test_turning_from_one_side_to_the_other() -> None:
    """A driver who turns from 20 to 50 degrees turns a source at -10 to 20."""
    initial, driving, source = (
        torch.cat([vector_from_euler(torch.tensor([[yaw, 0.0, 0.0]])), jaw], dim=1)
        for yaw, jaw in (
            (20.0, torch.tensor([[0.1, 0.0, 0.0]])),
            (50.0, torch.tensor([[0.4, 0.1, 0.0]])),
            (-10.0, torch.tensor([[0.2, 0.0, 0.3]])),
        )
    )
    moved = transfer_pose(source, driving, initial)
    assert_close(
        euler_from_vector(moved[:, :3]), torch.tensor([[20.0, 0.0, 0.0]]), atol=1e-3, rtol=0
    )
    assert_close(moved[:, 3:], torch.tensor([[0.5, 0.1, 0.3]]))


coordinates = st.floats(-1, 1, width=32)
clouds = st.lists(st.tuples(coordinates, coordinates), min_size=10, max_size=10)


@given(clouds)
def test_hull_area_agrees_with_the_usual_library(cloud: list[tuple[float, float]]) -> None:
    points = np.array(cloud)
    spread = np.linalg.svd(points - points.mean(0), compute_uv=False)
    usual = ConvexHull(points).volume if spread[1] > 1e-3 else 0.0
    ours = hull_area(torch.tensor(points, dtype=torch.float32)[None])
    assert_close(ours.item(), float(usual), atol=3e-3 if usual == 0 else 1e-4, rtol=1e-3)


def square(side: float) -> Tensor:
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.5, 0.4], [0.5, 0.0]])
    return side * corners[None]


def test_hull_area_of_a_square_with_points_inside_and_on_its_side() -> None:
    assert_close(hull_area(square(0.5)), torch.tensor([0.25]))


def test_relative_size_is_a_length() -> None:
    assert_close(relative_size(square(0.9), square(0.3)), torch.tensor([3.0]))


def test_collapsed_keypoints_do_not_change_the_size() -> None:
    assert_close(relative_size(square(1e-5), square(0.3)), torch.tensor([1.0]))
    assert_close(relative_size(square(0.3), torch.zeros(1, 6, 2)), torch.tensor([1.0]))
