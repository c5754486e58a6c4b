from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from reenact.layers.grid import identity_grid, warp
from reenact.motion.field import AffineMotion, blend_flows
from reenact.motion.local_flows import local_flows
from reenact.motion.mask_estimator import (
    HourglassMaskEstimator,
    PoseAwareMaskEstimator,
    motion_cues,
)
from reenact.records import Keypoints

MakeKeypoints = Callable[..., Keypoints]

ESTIMATORS = {
    "pose aware": lambda: PoseAwareMaskEstimator(10, 6, widths=(8, 8, 16), last=8),
    "hourglass": lambda: HourglassMaskEstimator(10, base=8, max_width=16, blocks=3),
}


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(params=ESTIMATORS, ids=str)
def motion(request: pytest.FixtureRequest) -> AffineMotion:
    return AffineMotion(ESTIMATORS[request.param]()).eval()


def test_parameters_of_the_paper_and_of_the_small_model() -> None:
    with torch.device("meta"):
        assert parameters(PoseAwareMaskEstimator(10, 6)) == 12_754_524
        assert parameters(PoseAwareMaskEstimator(10, 6, (64, 128, 256), 32)) == 3_301_692
        assert parameters(HourglassMaskEstimator(10)) == 37_730_268


def test_equal_keypoints_leave_every_scale_unchanged(
    motion: AffineMotion, make_keypoints: MakeKeypoints
) -> None:
    keypoints, image = make_keypoints(), torch.rand(2, 3, 256, 256)
    field = motion(image, keypoints, keypoints, torch.randn(2, 6))
    assert [flow.shape[1] for flow in field.flows] == [16, 32, 64, 128, 256]
    for flow in field.flows:
        features = torch.rand(2, 4, *flow.shape[1:3])
        assert_close(flow, identity_grid(*flow.shape[1:3]).expand_as(flow), atol=1e-5, rtol=0)
        assert_close(warp(features, flow), features, atol=1e-4, rtol=0)
        assert_close(warp(image, flow), image, atol=1e-4, rtol=0)


def test_masks_share_out_every_pixel(motion: AffineMotion, make_keypoints: MakeKeypoints) -> None:
    field = motion(torch.rand(2, 3, 64, 64), make_keypoints(), make_keypoints(), torch.randn(2, 6))
    assert field.masks.shape == (2, 11, 16, 16)
    assert_close(field.masks.sum(1), torch.ones(2, 16, 16))
    assert [occlusion.shape[-1] for occlusion in field.occlusions] == [4, 8, 16, 32, 64]
    assert all(o.min() >= 0 and o.max() <= 1 for o in field.occlusions)


def test_autocast_does_not_move_the_field(
    motion: AffineMotion, make_keypoints: MakeKeypoints
) -> None:
    image, pose = torch.rand(2, 3, 64, 64), torch.randn(2, 6)
    source, driving = make_keypoints(), make_keypoints()
    expected = motion(image, source, driving, pose)
    with torch.autocast("cpu", torch.bfloat16):
        field = motion(image, source, driving, pose)
    for flow, exact in zip(field.flows, expected.flows, strict=True):
        assert_close(flow, exact, atol=0, rtol=0)


def test_the_pose_has_a_say_in_the_pose_aware_masks(make_keypoints: MakeKeypoints) -> None:
    estimator = PoseAwareMaskEstimator(10, 6, widths=(8, 8, 16), last=8).eval()
    for norm in (estimator.pose.norm1, estimator.pose.norm2):
        nn.init.normal_(norm.gamma.weight)
    cues = torch.randn(1, 44, 16, 16)
    front, _ = estimator(cues, torch.zeros(1, 6))
    turned, _ = estimator(cues, torch.ones(1, 6))
    assert (front - turned).abs().max() > 1e-4


def test_one_mask_alone_is_that_flow() -> None:
    flows = torch.randn(1, 3, 4, 4, 2)
    masks = torch.zeros(1, 3, 4, 4)
    masks[:, 2] = 1
    assert_close(blend_flows(masks, flows), flows[:, 2])


def test_cues_without_motion_are_the_picture_itself(make_keypoints: MakeKeypoints) -> None:
    keypoints, image = make_keypoints(), torch.rand(2, 3, 16, 16)
    flows = local_flows(keypoints, keypoints, (16, 16))
    cues = motion_cues(image, keypoints, keypoints, flows).unflatten(1, (11, 4))
    assert_close(cues[:, :, 0], torch.zeros(2, 11, 16, 16))
    assert_close(cues[:, :, 1:], image.unsqueeze(1).expand(-1, 11, -1, -1, -1), atol=1e-4, rtol=0)


def test_cues_are_warm_where_a_part_arrived_and_cold_where_it_left() -> None:
    """Two pixels of a line of five apart, so that one bump is gone where the other peaks."""
    unturned = torch.eye(2).expand(1, 1, 2, 2)
    source = Keypoints(torch.tensor([[[-0.5, 0.0]]]), unturned)
    driving = Keypoints(torch.tensor([[[0.5, 0.0]]]), unturned)
    flows = local_flows(source, driving, (5, 5))
    heat = motion_cues(torch.rand(1, 3, 5, 5), source, driving, flows, variance=0.02)[0, ::4]
    assert_close(heat[0], torch.zeros(5, 5), msg="the background never moves")
    near = torch.tensor(-0.25 / (2 * 0.02)).exp()
    row = torch.stack([-near, -torch.tensor(1.0), 0 * near, torch.tensor(1.0), near])
    assert_close(heat[1, 2], row, atol=1e-5, rtol=0)


def test_cues_are_each_part_warped_on_its_own(make_keypoints: MakeKeypoints) -> None:
    source, driving, image = make_keypoints(), make_keypoints(), torch.rand(2, 3, 16, 16)
    flows = local_flows(source, driving, (16, 16))
    cues = motion_cues(image, source, driving, flows).unflatten(1, (11, 4))
    for part in range(11):
        assert_close(cues[:, part, 1:], warp(image, flows[:, part]))


def test_gradients_reach_both_faces(motion: AffineMotion, make_keypoints: MakeKeypoints) -> None:
    source, driving = make_keypoints(), make_keypoints()
    tensors = [source.points, source.affines, driving.points, driving.affines]
    for tensor in tensors:
        tensor.requires_grad_()
    field = motion(torch.rand(2, 3, 64, 64), source, driving, torch.randn(2, 6))
    sum(flow.square().sum() for flow in field.flows).backward()
    for tensor in tensors:
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
        assert tensor.grad.abs().sum() > 0


def test_compiles_into_one_graph(motion: AffineMotion, make_keypoints: MakeKeypoints) -> None:
    source, driving = make_keypoints(), make_keypoints()
    image, pose = torch.rand(2, 3, 64, 64), torch.randn(2, 6)

    def finest_flow(image: Tensor, points: Tensor, pose: Tensor) -> Tensor:
        return motion(image, source, Keypoints(points, driving.affines), pose).flows[-1]

    compiled = torch.compile(finest_flow, fullgraph=True, backend="eager")
    assert_close(compiled(image, driving.points, pose), finest_flow(image, driving.points, pose))
