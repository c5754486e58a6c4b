from collections.abc import Callable

import torch
from torch.testing import assert_close

from reenact.layers.grid import identity_grid, sample
from reenact.motion.local_flows import inverse_affine, local_flows
from reenact.records import Keypoints

MakeKeypoints = Callable[..., Keypoints]


def test_equal_keypoints_mean_no_motion(make_keypoints: MakeKeypoints) -> None:
    keypoints = make_keypoints()
    flows = local_flows(keypoints, keypoints, (16, 12))
    assert_close(flows, identity_grid(16, 12).expand_as(flows), atol=1e-5, rtol=0)


def test_the_background_stays(make_keypoints: MakeKeypoints) -> None:
    flows = local_flows(make_keypoints(), make_keypoints(), (16, 16))
    assert_close(flows[:, 0], identity_grid(16, 16).expand(2, -1, -1, -1))


def test_each_part_looks_at_its_own_keypoint(make_keypoints: MakeKeypoints) -> None:
    """At the driving keypoint, the flow of that part points at the source keypoint."""
    source, driving = make_keypoints(), make_keypoints()
    flows = local_flows(source, driving, (32, 32))[:, 1:]
    for part in range(10):
        here = driving.points[:, part].view(2, 1, 1, 2)
        there = sample(flows[:, part].movedim(-1, 1), here).view(2, 2)
        assert_close(there, source.points[:, part], atol=1e-5, rtol=0)


def test_a_quarter_turn_worked_by_hand() -> None:
    still = torch.eye(2).view(1, 1, 2, 2)
    turned = torch.tensor([[0.0, -1.0], [1.0, 0.0]]).view(1, 1, 2, 2)
    source = Keypoints(torch.tensor([[[0.5, 0.0]]]), still)
    driving = Keypoints(torch.tensor([[[0.0, 0.0]]]), turned)
    flows = local_flows(source, driving, (3, 3))
    assert_close(flows[0, 1, 0, 1], torch.tensor([-0.5, 0.0]), msg="above turns to the left")
    assert_close(flows[0, 1, 1, 1], torch.tensor([0.5, 0.0]))


def test_inverse_is_the_inverse(make_keypoints: MakeKeypoints) -> None:
    affines = make_keypoints().affines
    assert_close(inverse_affine(affines), torch.linalg.inv(affines))


def test_a_collapsed_affine_stays_finite() -> None:
    singular = torch.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    inverse = inverse_affine(singular)
    inverse.sum().backward()
    assert_close(inverse, torch.tensor([[4.0, -2.0], [-2.0, 1.0]]) / 1e-3)
    assert singular.grad is not None
    assert singular.grad.isfinite().all()


def test_the_guard_of_the_determinant_can_be_set_and_left_out(
    make_keypoints: MakeKeypoints,
) -> None:
    small = torch.diag(torch.tensor([0.01, 0.01]))
    assert_close(inverse_affine(small, 0.1), torch.diag(torch.tensor([0.1, 0.1])))
    assert_close(inverse_affine(small, 0.0), torch.diag(torch.tensor([100.0, 100.0])))
    assert not inverse_affine(torch.zeros(2, 2), 0.0).isfinite().any()
    source, driving = make_keypoints(), make_keypoints()
    shrunk = Keypoints(driving.points, small.expand_as(driving.affines))
    reach = [local_flows(source, shrunk, (8, 8), guard)[:, 1:] for guard in (1e-3, 0.0)]
    centre = source.points[:, :, None, None]
    assert_close((reach[1] - centre) * 0.1, reach[0] - centre, atol=1e-3, rtol=1e-3)


def test_a_mirroring_affine_keeps_its_sign() -> None:
    mirroring = torch.diag(torch.tensor([-0.01, 0.01]))
    assert_close(inverse_affine(mirroring), torch.diag(torch.tensor([-10.0, 10.0])))


def test_autocast_does_not_move_a_flow(make_keypoints: MakeKeypoints) -> None:
    source, driving = make_keypoints(), make_keypoints()
    expected = local_flows(source, driving, (16, 16))
    with torch.autocast("cpu", torch.bfloat16):
        assert_close(local_flows(source, driving, (16, 16)), expected, atol=0, rtol=0)
