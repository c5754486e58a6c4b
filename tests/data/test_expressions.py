"""Filmed expressions: placing faces, collecting offsets, guessing what a stranger does."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from data.portraits import average_face, expression_bank, filmed_clip, open_mouth
from reenact.data.expressions import build_expression_bank, eye_apertures, place
from reenact.data.portrait_mesh import load_head_mesh
from reenact.errors import DataError
from reenact.layers.rotation import matrix_from_vector


def test_placing_finds_turn_size_and_shift_of_a_rigid_face() -> None:
    mesh = load_head_mesh()
    face = average_face(mesh)
    rotation = matrix_from_vector(torch.tensor([[0.2, -0.4, 0.1]]))
    seen = 7.0 * face @ rotation[0].T + torch.tensor([100.0, 120.0, -5.0])
    placement = place(seen.unsqueeze(0), mesh.average)
    assert_close(placement.rotation, rotation, atol=1e-4, rtol=0)
    assert_close(placement.scale, torch.tensor([7.0]), atol=1e-3, rtol=0)
    assert_close(placement.to_head(seen.unsqueeze(0))[0], face, atol=1e-3, rtol=0)
    assert_close(placement.to_picture(face.unsqueeze(0))[0], seen, atol=1e-2, rtol=0)


def test_placing_never_mirrors() -> None:
    mesh = load_head_mesh()
    mirrored = average_face(mesh) * torch.tensor([1.0, 1.0, -1.0])
    placement = place(mirrored.unsqueeze(0), mesh.average)
    assert_close(torch.linalg.det(placement.rotation), torch.ones(1))


def test_offsets_give_back_what_was_filmed() -> None:
    mesh, bank = load_head_mesh(), expression_bank()
    clip = filmed_clip(seed=0)
    landmarks = torch.from_numpy(clip.landmarks)
    faces = place(landmarks, mesh.average).to_head(landmarks)
    offsets = bank.offsets(bank.coefficients[: len(clip)])
    rest = (faces - offsets).mean(0)
    assert_close(offsets + rest, faces, atol=0.02, rtol=0)
    lower = offsets[:, 14, 1]
    assert lower[-1] > 1.2
    assert lower[0].abs() < 0.3


def test_jaw_is_relative_to_rest() -> None:
    bank = expression_bank()
    assert bank.jaw[:2, 0].abs().max() < 0.25
    assert bank.jaw[:, 0].max() > 0.75


def test_rest_eyes_are_open() -> None:
    mesh, bank = load_head_mesh(), expression_bank()
    expected = eye_apertures(average_face(mesh).unsqueeze(0), mesh).expand_as(bank.rest_apertures)
    assert_close(bank.rest_apertures, expected, atol=0.03, rtol=0)


def test_the_guess_for_a_face_at_rest_is_rest_and_for_an_open_mouth_an_open_mouth() -> None:
    mesh, bank = load_head_mesh(), expression_bank()
    face = average_face(mesh).unsqueeze(0)
    resting, jaw = bank.guess(face)
    assert bank.offsets(resting).abs().max() < 0.25
    assert jaw.abs().max() < 0.25
    opened, jaw = bank.guess(open_mouth(face, torch.ones(1), mesh))
    assert 0.6 < bank.offsets(opened)[0, 14, 1] < 1.4
    assert 0.4 < jaw[0, 0] < 0.9


def test_two_moments_come_from_one_clip_and_from_the_generator() -> None:
    bank = expression_bank()
    first, second = bank.draw(64, torch.Generator().manual_seed(3))
    assert torch.equal(first >= bank.starts[1], second >= bank.starts[1])
    again, _ = bank.draw(64, torch.Generator().manual_seed(3))
    assert torch.equal(first, again)
    assert first.max() >= bank.starts[1]


def test_turned_and_lost_frames_are_left_out() -> None:
    clip = filmed_clip()
    pose = clip.pose.copy()
    pose[:5, 0] = 30
    landmarks = clip.landmarks.copy()
    landmarks[5] = np.nan
    bank = build_expression_bank(
        [replace(clip, pose=pose, landmarks=landmarks)], ["a"], load_head_mesh(), rank=4
    )
    assert len(bank.coefficients) == len(clip) - 6
    assert bank.coefficients.isfinite().all()


def test_a_bank_without_frames_or_pose_codes_is_refused() -> None:
    clip = filmed_clip()
    with pytest.raises(DataError, match="of the front"):
        build_expression_bank([replace(clip, pose=clip.pose + 40)], ["a"], load_head_mesh())
    with pytest.raises(DataError, match="reenact prepare"):
        build_expression_bank([replace(clip, pose_code=None)], ["a"], load_head_mesh())
