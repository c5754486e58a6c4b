import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from reenact.facelet.query import ContextQuery, LiteralQuery, PoseGroupNorm, frame_layout
from reenact.records import Keypoints, MotionField

K = 3


def make_query() -> ContextQuery:
    torch.manual_seed(0)
    return ContextQuery(8, 4, num_keypoints=K, pose_width=6)


def make_inputs(visible: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Warped features of that visibility, occlusion, layout, pose."""
    generator = torch.Generator().manual_seed(1)
    occlusion = torch.full((2, 1, 16, 16), visible)
    features = torch.randn(2, 8, 16, 16, generator=generator)
    layout = torch.rand(2, 2 * K + 2, 16, 16, generator=generator)
    return features * occlusion, occlusion, layout, torch.randn(2, 6, generator=generator)


def test_hidden_pixels_ask_alike_literally_and_apart_with_context() -> None:
    inputs = make_inputs(visible=0.0)
    literal = LiteralQuery(8, 4)(*inputs)
    assert literal.std((-2, -1)).max() < 1e-6
    assert make_query()(*inputs).std((-2, -1)).min() > 0.01


def test_dimming_by_the_occlusion_is_undone() -> None:
    query = make_query()
    assert_close(query(*make_inputs(0.1)), query(*make_inputs(1.0)), atol=1e-3, rtol=0)


def test_pose_norm_starts_as_group_norm_whatever_the_pose() -> None:
    norm, features = PoseGroupNorm(64, 6, hidden=8), torch.randn(2, 64, 4, 4)
    assert_close(norm(features, torch.randn(2, 6)), F.group_norm(features, 32))


def test_pose_norm_is_steered_by_the_pose() -> None:
    norm, features = PoseGroupNorm(8, 6, hidden=8), torch.randn(1, 8, 4, 4)
    nn.init.normal_(norm.modulation.weight)
    one, other = norm(features, torch.zeros(1, 6)), norm(features, torch.ones(1, 6))
    assert (one - other).abs().max() > 0.01


def test_layout_holds_occlusion_masks_and_bumps() -> None:
    occlusions = tuple(torch.rand(2, 1, side, side) for side in (8, 16))
    flows = tuple(torch.zeros(2, side, side, 2) for side in (8, 16))
    masks = torch.rand(2, K + 1, 8, 8).softmax(1)
    motion = MotionField(masks, flows, occlusions)
    driving = Keypoints(torch.zeros(2, K, 2), torch.eye(2).expand(2, K, 2, 2))
    layout = frame_layout(motion, driving, scale=0, variance=0.01)
    assert_close(layout[:, :1], occlusions[0])
    assert_close(layout[:, 1 : K + 2], masks)
    fine = frame_layout(motion, driving, scale=1, variance=0.01)
    assert fine.shape == (2, 2 * K + 2, 16, 16)
    assert_close(fine[:, 1 : K + 2].sum(1), torch.ones(2, 16, 16))
    bumps = fine[:, K + 2 :]
    assert bumps[..., 7:9, 7:9].min() > bumps[..., :7, :].max()
