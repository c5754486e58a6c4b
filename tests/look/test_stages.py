from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from reenact.animator import Animator, to_images
from reenact.driving import Framing
from reenact.look import watch
from reenact.look.stages import at_rest, view_driving, view_source
from reenact.portrait import Portrait
from reenact.records import Image
from stubs import picture_with_face


def clip(count: int) -> Iterator[Image]:
    for index in range(count):
        yield picture_with_face(shade=60 + 4 * index)


def test_what_is_looked_at_is_what_is_animated(animator: Animator, portrait: Portrait) -> None:
    frames = list(clip(5))
    framing = animator.frame_driving(frames)
    made = list(animator.animate(portrait, frames, paste_back=False, framing=framing))
    stages = list(watch(animator, portrait, frames, framing))
    assert [stage.index for stage in stages] == [0, 1, 2, 3, 4]
    for frame, stage in zip(made, stages, strict=True):
        np.testing.assert_array_equal(to_images(stage.animation.frame)[0], frame)


def test_motion_counts_from_the_first_frame_wherever_one_looks(
    animator: Animator, portrait: Portrait
) -> None:
    everything = list(watch(animator, portrait, clip(6)))
    part = list(watch(animator, portrait, clip(6), start=3, count=2))
    assert [stage.index for stage in part] == [3, 4]
    assert_close(part[0].animation.frame, everything[3].animation.frame)
    assert part[1].change > part[0].change > 0


def test_only_frames_that_are_looked_at_are_read(animator: Animator, portrait: Portrait) -> None:
    animator.model.batches.clear()
    list(watch(animator, portrait, clip(8), start=5, count=2))
    assert animator.model.batches == [1, 1, 1]


def test_at_rest_nothing_changes(animator: Animator, portrait: Portrait) -> None:
    assert at_rest(animator, portrait).change == 0


def test_both_faces_are_viewed(animator: Animator, portrait: Portrait) -> None:
    source = view_source(animator, portrait)
    assert source.face is not None
    assert source.labels.shape == (256, 256)
    stage = next(watch(animator, portrait, clip(1)))
    assert stage.driving is not None
    assert stage.driving.face is not None


def test_a_face_outside_the_square_is_not_the_one_that_drives(animator: Animator) -> None:
    picture = picture_with_face()
    motion = animator.read_motion([picture])
    for square, seen in (([40.0, 30.0, 60.0], True), ([100.0, 0.0, 50.0], False)):
        framing = Framing(square=np.array(square), start=None, looked=1, found=1)
        assert (view_driving(animator, picture, motion, framing).face is not None) == seen


@pytest.mark.parametrize("mode", ["relative", "absolute"])
def test_the_first_frame_leaves_the_portrait_only_in_relative_motion(
    animator: Animator, portrait: Portrait, mode: str
) -> None:
    stage = next(watch(animator, portrait, clip(1), mode=mode))  # type: ignore[arg-type]
    assert (stage.change < 1e-6) == (mode == "relative")
    assert torch.isfinite(stage.animation.frame).all()
