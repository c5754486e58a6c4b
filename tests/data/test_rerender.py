"""Re-rendered stills: the photograph at rest, and pictures that agree with their readings."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from data.portraits import HAIR, SKIN, expression_bank, portraits
from reenact.data.moments import MotionRange, compose_pose, draw_moments
from reenact.data.pairs import PairBatch, to_unit_range
from reenact.data.portrait_fit import NUM_SHOULDER_POINTS, pose_heads
from reenact.data.rerender import StillRenderer
from reenact.layers.grid import sample
from reenact.layers.rotation import euler_from_vector

STILL = MotionRange(
    angles=(0, 0, 0),
    shift=0,
    sway=0,
    zoom=0,
    strength=(0, 0),
    keep_own=1,
    camera=0,
    light=0,
    untouched=0,
)
MOVING = MotionRange(light=0, untouched=0)


@cache
def renderer_of(motion: MotionRange) -> StillRenderer:
    return StillRenderer(portraits(), expression_bank(), motion)


def render(motion: MotionRange, seed: int = 0, index: tuple[int, ...] = (0, 1, 2)) -> PairBatch:
    return renderer_of(motion).render(torch.tensor(index), torch.Generator().manual_seed(seed))


def test_a_head_that_does_not_move_gives_back_the_photograph() -> None:
    stills, batch = portraits(), render(STILL)
    for frames in (batch.source, batch.driving):
        assert_close(frames, to_unit_range(stills.images), atol=0.03, rtol=0)
    assert (batch.source_parsing == stills.parsing).float().mean() > 0.97
    assert_close(batch.source_pose, stills.pose)
    assert_close(batch.source_points, batch.driving_points)


def test_untouched_moments_are_the_photograph_exactly_and_never_both() -> None:
    stills, batch = portraits(), render(MotionRange(untouched=1.0), index=(0, 1, 2) * 4)
    photo = to_unit_range(stills.images).repeat(4, 1, 1, 1)
    source = (batch.source == photo).flatten(1).all(1)
    driving = (batch.driving == photo).flatten(1).all(1)
    assert (source ^ driving).all()
    assert source.any()
    assert driving.any()
    first = batch.where(source, batch.swapped())
    assert torch.equal(first.source_parsing, stills.parsing.repeat(4, 1, 1))
    assert_close(first.source_pose, stills.pose.repeat(4, 1))


def test_the_same_generator_draws_the_same_pairs_and_another_different_ones() -> None:
    for one, two in zip(render(MOVING, 5).tensors(), render(MOVING, 5).tensors(), strict=True):
        assert torch.equal(one, two)
    other = render(MOVING, 6)
    assert not torch.equal(render(MOVING, 5).source, other.source)


def test_points_show_the_same_place_of_the_photograph_in_both_frames() -> None:
    renderer = StillRenderer(portraits(size=128), expression_bank(), MOVING)
    batch = renderer.render(torch.tensor((0, 1, 2) * 2), torch.Generator().manual_seed(0))
    seen = batch.point_weights > 0
    # Lids and lips slide over what is behind them, outlines blend with it; the rest does not.
    mesh = renderer.mesh
    seen[:, torch.cat([mesh.edge_points, mesh.outline, torch.arange(468, 478)])] = False
    places = [
        sample(frames, points.unsqueeze(1))[:, :2, 0].mT
        for frames, points in (
            (batch.source, batch.source_points),
            (batch.driving, batch.driving_points),
        )
    ]
    difference = (places[0] - places[1]).norm(dim=-1)[seen] * 128
    assert seen.float().mean() > 0.4
    assert difference.median() < 0.3
    assert difference.quantile(0.95) < 1.0
    shoulders = seen[:, -NUM_SHOULDER_POINTS:]
    assert shoulders.any()
    moved = (batch.source_points - batch.driving_points)[:, -NUM_SHOULDER_POINTS:]
    assert moved[shoulders].abs().max() > 0.03


def test_hidden_points_weigh_nothing() -> None:
    batch = render(MotionRange(angles=(60, 0, 0), max_angles=(60, 1, 1), untouched=0))
    hidden = 1 - batch.point_weights
    ears = hidden[:, [234, 454]].sum(1)
    assert (ears >= 1).any()
    assert (hidden[:, 1] == 0).float().mean() >= 0.3


def test_labels_are_those_of_the_photograph_and_what_opens() -> None:
    speaking = MotionRange(
        angles=(0, 0, 0), shift=0, zoom=0, strength=(1, 1), camera=0, untouched=0
    )
    batch = render(speaking, index=(0, 1, 2) * 4)
    labels = set(batch.source_parsing.unique().tolist()) | set(
        batch.driving_parsing.unique().tolist()
    )
    assert labels == {0, SKIN, HAIR, 4, 5, 10}
    # The jaw says how far the mouth is open, and so does the area between the lips.
    area = (batch.source_parsing == 10).sum((1, 2)).float()
    jaw = batch.source_pose[:, 3]
    assert torch.corrcoef(torch.stack([area, jaw]))[0, 1] > 0.8


def test_eyes_stay_eyes_when_they_blink() -> None:
    batch = render(replace(STILL, strength=(1, 1), keep_own=0), index=(0, 1, 2) * 8)
    for label in (4, 5):
        assert ((batch.source_parsing == label).sum((1, 2)) > 0).all()


@pytest.mark.parametrize(("angle", "axis"), [(0, 0), (1, 1), (2, 2)])
def test_a_turn_changes_the_pose_code_by_that_turn(angle: int, axis: int) -> None:
    deviations = tuple(12.0 if angle == i else 0.0 for i in range(3))
    motion = MotionRange(angles=deviations, shift=0, zoom=0, camera=0, strength=(0, 0), keep_own=1)
    renderer = renderer_of(motion)
    heads = renderer.portraits.heads
    moments = draw_moments(
        heads, renderer.bank, renderer.mesh, motion, torch.Generator().manual_seed(0)
    )
    euler = euler_from_vector(compose_pose(torch.zeros(6, 6), moments)[:, :3])
    nose = pose_heads(heads.repeat(2), moments, renderer.mesh).points[:, 4]
    chin = pose_heads(heads.repeat(2), moments, renderer.mesh).points[:, 152]
    moved = nose - heads.repeat(2).points[:, 4]
    assert_close(euler[:, [i for i in range(3) if i != axis]], torch.zeros(6, 2), atol=1e-3, rtol=0)
    # Yaw > 0: nose to the right; pitch > 0: nose up; roll > 0: counter-clockwise, chin right.
    swings = (moved[:, 0], -moved[:, 1], (chin - nose)[:, 0])
    assert torch.equal(swings[axis].sign(), euler[:, axis].sign())


def test_lips_and_lids_never_pass_through_each_other() -> None:
    renderer = renderer_of(MOVING)
    heads, mesh = renderer.portraits.heads, renderer.mesh
    motion = MotionRange(strength=(2, 2))
    moments = draw_moments(heads, renderer.bank, mesh, motion, torch.Generator().manual_seed(0))
    faces = heads.repeat(2).placement.to_head(heads.repeat(2).points) + moments.offsets
    for opening in (mesh.right_eye, mesh.left_eye, mesh.mouth):
        assert opening.gaps(faces).min() > -1e-3


def test_nothing_waits_for_the_device() -> None:
    renderer = renderer_of(MOVING)
    index, generator = torch.tensor([0, 1]), torch.Generator().manual_seed(0)
    with _Calls() as calls:
        renderer.render(index, generator)
    # Reading a number, finding indices, and moving constants from the host would all wait.
    waiting = {"_local_scalar_dense", "nonzero", "lift_fresh", "unique2", "masked_select"}
    assert not waiting & calls.names


class _Calls(TorchDispatchMode):
    """Names of the operators that run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None) -> Tensor:
        self.names.add(func.__name__.split(".")[0])
        return func(*args, **(kwargs or {}))
