"""Portraits taken apart: layers, mouths that are lent, and borders that cut heads."""

import torch
from torch.testing import assert_close

from data.portraits import average_face, expression_bank, in_picture, open_mouth, portraits
from reenact.data.moments import MotionRange, draw_moments
from reenact.data.pairs import to_unit_range
from reenact.data.portrait_fit import keep_cuts_covered, pose_heads
from reenact.data.portrait_mesh import load_head_mesh
from reenact.data.portraits import take_apart


def test_picture_and_matte_are_the_still_and_its_labels() -> None:
    stills = portraits()
    taken = take_apart(stills, load_head_mesh())
    assert torch.equal(taken.layers[:, :3], stills.images)
    share = to_unit_range(taken.layers[:, 3])
    assert ((share > 0.5) == (stills.parsing > 0)).float().mean() > 0.97


def test_heads_are_where_their_meshes_are() -> None:
    taken = take_apart(portraits(count=2), load_head_mesh())
    assert_close(taken.heads.placement.rotation, torch.eye(3).expand(2, 3, 3), atol=1e-3, rtol=0)
    ratio = taken.heads.placement.scale[1] / taken.heads.placement.scale[0]
    assert_close(ratio, torch.tensor(1.1 / 0.9), atol=1e-3, rtol=0)


def test_closed_mouths_borrow_and_open_ones_keep_their_own() -> None:
    mesh = load_head_mesh()
    stills = portraits(count=2)
    face = average_face(mesh).unsqueeze(0)
    closed = face.clone()
    closed[:, mesh.mouth.lower] = closed[:, mesh.mouth.upper]
    opened = open_mouth(face, torch.tensor([0.5]), mesh)
    stills.landmarks[:] = in_picture(torch.cat([closed, opened]))
    taken = take_apart(stills, mesh)
    index = torch.tensor([0, 1])
    assert taken.donors.tolist() == [1]
    assert taken.lenders(index, torch.rand(2)).tolist() == [1, 1]
    gain = taken.mouth_gain(index, torch.tensor([1, 1]))
    assert_close(gain[1], torch.ones(3))
    fitting = taken.skin[0].mean() * taken.usual_inside
    assert_close(taken.inside[1] * gain[0], fitting, atol=1e-3, rtol=0.05)


def test_without_open_mouths_nobody_lends() -> None:
    mesh = load_head_mesh()
    stills = portraits(count=2)
    stills.landmarks[:, mesh.mouth.lower] = stills.landmarks[:, mesh.mouth.upper]
    taken = take_apart(stills, mesh)
    index = torch.tensor([1, 0])
    assert taken.lenders(index, torch.rand(2)).tolist() == [1, 0]
    assert taken.usual_inside.isfinite().all()


def test_a_head_cut_by_the_upper_border_stays_there() -> None:
    mesh = load_head_mesh()
    heads = take_apart(portraits(count=2), mesh).heads
    points = torch.tensor([[-0.2, -1.0], [0.2, -1.0], [-1, 0], [-1, 0], [1, 0], [1, 0]])
    points = points.expand(2, -1, -1)
    cut = torch.tensor([[True, True, False, False, False, False]]).expand(2, -1)
    limits, chance = MotionRange(shift=0.3), torch.Generator().manual_seed(0)
    free = draw_moments(heads, expression_bank(), mesh, limits, chance)
    kept = keep_cuts_covered(heads, free, points, cut)
    again = keep_cuts_covered(heads, kept, points, cut)
    assert_close(again.shift, kept.shift, atol=1e-5, rtol=0)
    assert (kept.shift[:, 1] <= free.shift[:, 1]).all()
    assert_close(kept.shift[:, 0], free.shift[:, 0])


def test_shoulders_follow_by_their_share_and_the_border_not_at_all() -> None:
    mesh = load_head_mesh()
    heads = take_apart(portraits(count=2), mesh).heads
    limits = MotionRange(angles=(0, 0, 0), zoom=0, strength=(0, 0), camera=0, shift=0.2)
    chance = torch.Generator().manual_seed(0)
    moments = draw_moments(heads, expression_bank(), mesh, limits, chance)
    posed, rest = pose_heads(heads.repeat(2), moments, mesh), heads.repeat(2)
    assert_close(posed.body, moments.body.unsqueeze(1) * moments.shift + moments.sway)
    assert (moments.sway != 0).all()
    assert torch.equal(moments.body[::2], moments.body[1::2])
    assert (moments.body >= limits.body[0]).all()
    assert (moments.body <= limits.body[1]).all()
    moved = (posed.rings - rest.rings)[..., :2].view(4, 5, 36, 2).norm(dim=-1)
    assert (moved[:, :-1].mean((1, 2)) > moved[:, -1].mean(1)).all()
    top = moved[:, :, 0] / moments.shift.norm(dim=-1, keepdim=True)
    assert_close(top[:, 0], torch.ones(4), atol=1e-3, rtol=0)
    assert (top.diff(dim=1) < 0).all()
    assert_close(top[:, -1], torch.zeros(4), atol=1e-3, rtol=0)
