from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reenact.animator import Animator, to_batch, to_images
from reenact.driving import Framing, middle_square
from reenact.errors import FaceNotFoundError, MediaError
from reenact.motion.hold import MotionHold
from reenact.motion.smoothing import OneEuro
from reenact.perception.cropping import crop_square, cut
from reenact.records import Face, Image
from reenact.video import VideoReader
from reenact.video.images import EvenTiming
from stubs import StubModel, StubReader, picture_with_face
from video.clips import make_clip

BOX = (50, 40, 90, 90)


def animator(tint: float = 0.0, blur: int = 1, batch_size: int = 4) -> Animator:
    return Animator(StubModel(tint, blur), StubReader(), batch_size=batch_size)


def clip(shades: list[int]) -> list[Image]:
    return [picture_with_face(BOX, shade) for shade in shades]


def photograph(magnification: int) -> Image:
    """A face before a background full of detail."""
    face = picture_with_face(BOX).repeat(magnification, axis=0).repeat(magnification, axis=1)
    noise = np.random.default_rng(0).integers(0, 200, face.shape, dtype=np.uint8)
    return np.where((face == face[0, 0]).all(axis=-1, keepdims=True), noise, face)


def test_the_source_is_seen_through_the_square_around_its_largest_face() -> None:
    photo = picture_with_face(BOX)
    portrait = animator().encode_source(photo)
    assert np.abs(portrait.square - crop_square(np.array(BOX))).max() <= 0.5
    seen = to_images(portrait.state.image)[0]
    assert np.array_equal(seen, cut(photo, portrait.square))


@pytest.mark.parametrize("magnification", [1, 5])
def test_a_still_driving_face_leaves_the_photograph_as_it_is(magnification: int) -> None:
    machine = animator(tint=0.05, blur=9)
    photo = photograph(magnification)
    frames = list(machine.animate(machine.encode_source(photo), clip([90] * 3)))
    assert len(frames) == 3
    for frame in frames:
        assert frame.shape == photo.shape
        assert np.abs(frame.astype(int) - photo).max() <= 1


def test_relative_motion_starts_from_the_photograph_and_absolute_does_not() -> None:
    machine, driving = animator(), clip([90, 90, 140])
    source = machine.encode_source(picture_with_face(BOX, shade=60))

    def brightness(motion: str) -> list[float]:
        made = machine.animate(source, driving, motion, paste_back=False)  # type: ignore[arg-type]
        return [float(frame.mean()) for frame in made]

    relative, absolute = brightness("relative"), brightness("absolute")
    own = float(to_images(source.state.image)[0].mean())
    assert relative[0] == pytest.approx(own, abs=0.6)
    assert relative[2] > relative[0] + 10
    assert absolute[0] > own + 10


@pytest.mark.parametrize("skip", [0, 1, 2, 5, 6, 9])
@pytest.mark.parametrize("motion", ["relative", "absolute"])
def test_frames_that_are_skipped_change_nothing_in_the_others(skip: int, motion: str) -> None:
    machine, driving = animator(batch_size=2), clip([60, 80, 100, 90, 70, 140])
    source = machine.encode_source(picture_with_face(BOX))
    whole = list(machine.animate(source, driving, motion))  # type: ignore[arg-type]
    rest = list(machine.animate(source, driving, motion, skip=skip))  # type: ignore[arg-type]
    assert len(rest) == max(0, 6 - skip)
    for here, there in zip(rest, whole[skip:], strict=True):
        assert np.array_equal(here, there)


def test_relative_motion_may_start_from_a_chosen_frame() -> None:
    machine, driving = animator(), clip([90, 120, 150])
    source = machine.encode_source(picture_with_face(BOX))
    framing = Framing(crop_square(np.array(BOX)), start=driving[1], looked=3, found=3)
    frames = machine.animate(source, driving, framing=framing, paste_back=False)
    dark, same, light = (float(frame.mean()) for frame in frames)
    own = float(to_images(source.state.image)[0].mean())
    assert same == pytest.approx(own, abs=0.6)
    assert dark < same < light


def test_frames_do_not_depend_on_how_they_are_batched() -> None:
    photo, driving = picture_with_face(BOX), clip([60, 80, 100, 120, 140])
    results = []
    for batch_size in (1, 2, 5, 8):
        machine = animator(batch_size=batch_size)
        results.append(list(machine.animate(machine.encode_source(photo), driving)))
        assert max(machine.model.batches) == min(batch_size, 5)
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize(("skip", "alpha"), [(0, False), (2, True), (4, False)])
@pytest.mark.parametrize("recorded", [False, True])
def test_batches_can_be_whole_to_the_last_and_give_the_same_frames(
    skip: int, alpha: bool, recorded: bool
) -> None:
    driving, made = clip([60, 80, 100, 90, 70]), []
    times = [Fraction(number, 25) for number in range(5)]
    for whole in (False, True):
        machine = animator(batch_size=4)
        assert not machine.whole_batches  # on a CPU, where more is not faster
        machine.whole_batches = whole
        portrait = machine.encode_source(photograph(2))
        machine.model.batches.clear()
        machine.model.rendered.clear()
        motion = machine.record(driving, times, EvenTiming()) if recorded else driving
        frames = machine.animate([portrait, portrait], motion, skip=skip, alpha=alpha)
        made.append([*frames])
        assert len(made[-1]) == 5 - skip
        assert set(machine.model.batches) == ({4} if whole else {1, 4})
        assert not whole or set(machine.model.rendered) == {4}
    np.testing.assert_array_equal(*made)


def test_a_stream_is_animated_while_it_comes() -> None:
    machine = animator(batch_size=2)
    source = machine.encode_source(picture_with_face(BOX))
    taken = 0

    def camera() -> Iterator[Image]:
        nonlocal taken
        while True:
            taken += 1
            yield picture_with_face(BOX, shade=60 + taken % 50)

    frames = machine.animate(source, camera())
    for wanted in range(1, 30):
        next(frames)
        assert taken <= max(8, wanted + 2)
    frames.close()  # type: ignore[attr-defined]


def test_the_driving_square_holds_still_over_the_clip() -> None:
    machine = animator()
    boxes = [(20, 40, 60, 90), (80, 40, 120, 90)]
    framing = machine.frame_driving([picture_with_face(box) for box in boxes])
    assert np.allclose(framing.square, crop_square(np.array([20, 40, 120, 90])))


def test_a_video_file_can_drive(tmp_path: Path) -> None:
    machine = animator()
    source = machine.encode_source(picture_with_face(BOX))
    with VideoReader(make_clip(tmp_path / "clip.mp4", 9)) as frames:
        assert len(list(machine.animate(source, frames, crop=False))) == 9


def test_bare_squares_in_and_out() -> None:
    machine = animator()
    photo = np.full((100, 140, 3), 70, dtype=np.uint8)
    source = machine.encode_source(photo, crop=False)
    assert source.face is None
    assert np.allclose(source.square, [20, 0, 100])
    (frame,) = machine.animate(source, [photo], crop=False, paste_back=False)
    assert frame.shape == (256, 256, 3)
    assert (frame == 70).all()


def test_outside_the_square_the_photograph_is_untouched() -> None:
    machine = animator()
    photo = np.random.default_rng(0).integers(0, 200, (200, 300, 3), dtype=np.uint8)
    photo[60:100, 100:140] = picture_with_face((0, 0, 40, 40), height=40, width=40)
    source = machine.encode_source(photo)
    x0, y0, side = source.square
    outside = np.ones(photo.shape[:2], dtype=bool)
    outside[int(y0) : int(y0 + side) + 1, int(x0) : int(x0 + side) + 1] = False
    for frame in machine.animate(source, clip([90, 200])):
        assert np.array_equal(frame[outside], photo[outside])
    assert (frame != photo).any()


def test_without_detail_the_colours_of_the_photograph_are_kept() -> None:
    machine, photo = animator(tint=0.1, blur=9), photograph(4)
    source = machine.encode_source(photo)
    soft = list(machine.animate(source, clip([90, 90]), detail=False))[1].astype(int)
    assert np.abs((soft - photo).mean(axis=(0, 1))).max() < 1
    assert np.abs(soft - photo).max() > 50


def test_a_face_is_chosen_by_its_place_in_size() -> None:
    class TwoFaces(StubReader):
        def read(self, image: Image) -> list[Face]:
            (face,) = super().read(image)
            return [face, replace(face, box=face.box - 20)]

    machine = Animator(StubModel(), TwoFaces())
    photo = picture_with_face(BOX)
    first, second = (machine.encode_source(photo, face=number) for number in (1, 2))
    assert np.abs(first.square - crop_square(np.array(BOX))).max() <= 0.5
    assert np.abs(first.square - second.square - [20, 20, 0]).max() <= 1
    with pytest.raises(FaceNotFoundError, match=r"2 faces.*--face"):
        machine.encode_source(photo, face=3)


def test_no_face_is_an_error_of_four_parts() -> None:
    empty = np.zeros((30, 40, 3), dtype=np.uint8)
    with pytest.raises(FaceNotFoundError, match=r"source.*no face.*40 x 30.*expected.*Use"):
        animator().encode_source(empty)
    machine = animator()
    with pytest.raises(FaceNotFoundError, match=r"^photo\.jpg: found no face"):
        machine.encode_source(empty, role="photo.jpg")
    with pytest.raises(FaceNotFoundError, match=r"^photo\.jpg: found no face"):
        machine.encode_sources(empty, role="photo.jpg")
    source = machine.encode_source(picture_with_face(BOX))
    with pytest.raises(FaceNotFoundError, match=r"^driving video: no face"):
        machine.animate(source, [empty, empty])


def test_a_driving_clip_without_a_face_is_called_by_its_name(tmp_path: Path) -> None:
    machine = animator()
    source = machine.encode_source(picture_with_face(BOX))
    path = make_clip(tmp_path / "wall.mp4", 2)
    with VideoReader(path) as frames, pytest.raises(FaceNotFoundError, match=r"wall\.mp4: no face"):
        machine.animate(source, frames)


def test_faces_that_are_known_are_not_looked_for_again() -> None:
    reader = StubReader()
    machine = Animator(StubModel(), reader)
    photo = picture_with_face(BOX)
    faces = reader.read(photo)
    (one,) = machine.encode_sources(photo, faces=faces)
    other = machine.encode_source(photo, faces=faces)
    assert reader.looks == 1
    assert one.face is other.face is faces[0]
    with pytest.raises(FaceNotFoundError, match="found no face"):
        machine.encode_source(photo, faces=[])


def test_wrong_pictures_and_modes_are_refused_at_once() -> None:
    machine = animator()
    with pytest.raises(MediaError, match="float32"):
        machine.encode_source(np.zeros((8, 8, 3), dtype=np.float32))  # type: ignore[arg-type]
    source = machine.encode_source(picture_with_face(BOX))
    with pytest.raises(ValueError, match="sideways"):
        machine.animate(source, clip([90]), "sideways")  # type: ignore[arg-type]


def test_pictures_and_tensors_are_inverse() -> None:
    pictures = [
        np.random.default_rng(i).integers(0, 256, (5, 7, 3), dtype=np.uint8) for i in (0, 1)
    ]
    batch = to_batch(pictures, torch.device("cpu"))
    assert batch.shape == (2, 3, 5, 7)
    for before, after in zip(pictures, to_images(batch), strict=True):
        assert np.array_equal(before, after)
    assert np.allclose(middle_square(np.zeros((10, 30, 3), np.uint8)), [10, 0, 10])


def two_faces() -> Animator:
    """Sees a second, smaller face of every picture to the upper left of the first."""

    class TwoFaces(StubReader):
        def read(self, image: Image) -> list[Face]:
            (face,) = super().read(image)
            x0, y0, *_ = face.box
            return [face, replace(face, box=np.array([x0 - 30, y0 - 30, x0 - 10, y0 - 10]))]

    return Animator(StubModel(), TwoFaces(), batch_size=2)


def test_all_faces_of_a_photograph_move_together() -> None:
    machine, photo = two_faces(), picture_with_face(BOX)
    portraits = machine.encode_sources(photo)
    assert [each.square[2] for each in portraits] == sorted(
        (each.square[2] for each in portraits), reverse=True
    )
    frames = list(machine.animate(portraits, clip([90, 90, 150])))
    assert np.abs(frames[1].astype(int) - photo).max() <= 1
    change = np.abs(frames[2].astype(int) - photo).max(axis=2)
    for x, y in ((70, 60), (28, 18)):  # the middle of either square
        assert change[y, x] > 10


def test_faces_of_several_photographs_do_not_go_together() -> None:
    machine = animator()
    portraits = [machine.encode_source(picture_with_face(BOX)) for _ in range(2)]
    with pytest.raises(ValueError, match="several photographs"):
        machine.animate(portraits, clip([90]))
    with pytest.raises(ValueError, match="expected one"):
        machine.animate([portraits[0], portraits[0]], clip([90]), paste_back=False)


@pytest.mark.parametrize("motion", ["relative", "absolute"])
def test_without_strength_the_photograph_stays(motion: str) -> None:
    machine, photo = animator(), picture_with_face(BOX)
    frames = machine.animate(machine.encode_source(photo), clip([90, 150]), motion, strength=0)  # type: ignore[arg-type]
    for frame in frames:
        assert np.abs(frame.astype(int) - photo).max() <= 1


def test_more_strength_moves_further() -> None:
    machine = animator()
    source = machine.encode_source(picture_with_face(BOX))

    def brightness(strength: float) -> float:
        made = machine.animate(source, clip([90, 110]), strength=strength, paste_back=False)
        return float(list(made)[1].mean())

    rest, half, whole, twice = (brightness(strength) for strength in (0.0, 0.5, 1.0, 2.0))
    assert half - rest == pytest.approx((whole - rest) / 2, abs=1)
    assert twice - rest == pytest.approx(2 * (whole - rest), abs=1)


@pytest.mark.parametrize("skip", [0, 2, 3, 5])
@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_the_last_motion_is_held_while_the_face_is_lost(skip: int, batch_size: int) -> None:
    machine = animator(batch_size=batch_size)
    source = machine.encode_source(picture_with_face(BOX))
    lost = np.full((120, 160, 3), 200, dtype=np.uint8)
    driving = [lost, *clip([90, 130]), lost, lost, *clip([110])]
    hold = MotionHold()
    frames = list(machine.animate(source, driving, hold=hold, skip=skip))
    assert (hold.held, hold.frames) == (3, 6)
    seen = list(machine.animate(source, clip([90, 90, 130, 130, 130, 110])))
    for made, expected in zip(frames, seen[skip:], strict=True):
        assert np.array_equal(made, expected)


def test_bare_crops_are_believed_to_show_a_face() -> None:
    machine, hold = animator(), MotionHold()
    crops = [np.full((64, 64, 3), shade, dtype=np.uint8) for shade in (60, 90)]
    source = machine.encode_source(crops[0], crop=False)
    dark, light = machine.animate(source, crops, crop=False, paste_back=False, hold=hold)
    assert light.mean() > dark.mean() + 20
    assert hold.held == 0


def test_backward_and_forward_from_the_best_frame_is_all_frames_from_it() -> None:
    """The usual way, reverse(backward) + forward[1:], for motion that has no memory."""
    machine, driving = animator(), clip([60, 80, 100, 90, 70, 140])
    source, best = machine.encode_source(picture_with_face(BOX)), 2
    square = crop_square(np.array(BOX))
    framing = Framing(square, start=driving[best], looked=6, found=6)
    plain = Framing(square, start=None, looked=6, found=6)
    at_once = list(machine.animate(source, driving, framing=framing))
    forward = list(machine.animate(source, driving[best:], framing=plain))
    backward = list(machine.animate(source, driving[best::-1], framing=plain))
    for here, there in zip(at_once, backward[::-1] + forward[1:], strict=True):
        assert np.array_equal(here, there)


@pytest.mark.parametrize("skip", [0, 1, 4])
def test_smooth_motion_lags_by_frame_times_and_goes_on_after_a_skip(skip: int) -> None:
    machine, driving = animator(batch_size=2), clip([90, 90, 150, 150, 150, 150])
    source = machine.encode_source(picture_with_face(BOX))

    def made(rate: int, skip: int = 0, smooth: OneEuro | None = None) -> list[Image]:
        timing = EvenTiming(Fraction(rate))
        return list(
            machine.animate(
                source, driving, smooth=smooth, timing=timing, skip=skip, paste_back=False
            )
        )

    gentle = OneEuro(min_cutoff=1.0, beta=0.0)
    raw, slow, fast = made(25), made(5, smooth=gentle), made(50, smooth=gentle)
    assert np.array_equal(raw[1], fast[1])  # constant so far
    assert raw[2].mean() > slow[2].mean() + 1 > fast[2].mean() + 2
    for here, there in zip(made(5, skip, gentle), slow[skip:], strict=True):
        assert np.array_equal(here, there)


def test_a_part_of_the_motion_needs_frames_that_can_be_seen_twice() -> None:
    machine, photo = animator(), picture_with_face(BOX)
    source = machine.encode_source(photo)
    frames = list(machine.animate(source, clip([90, 120, 150]), only="pose"))
    assert np.abs(frames[0].astype(int) - photo).max() <= 1
    assert np.abs(frames[2].astype(int) - photo).max() > 10
    still = list(machine.animate(source, clip([90, 120, 150]), only="expression"))
    assert np.abs(still[2].astype(int) - photo).max() <= 1  # the stub's keypoints move as one
    with pytest.raises(ValueError, match="once"):
        machine.animate(source, iter(clip([90])), only="pose")


def test_what_is_no_picture_is_refused_with_what_to_do() -> None:
    machine = animator()
    portrait = machine.encode_source(photograph(2))
    frame = picture_with_face(BOX)
    with pytest.raises(MediaError, match=r"source: found the path 'photo\.png'.*load_image"):
        machine.encode_source("photo.png")  # type: ignore[arg-type]
    with pytest.raises(MediaError, match="source: found a Tensor"):
        machine.encode_sources(torch.zeros(3, 8, 8))  # type: ignore[arg-type]
    path: Any = "talk.mp4"
    for use in (
        lambda: machine.animate(portrait, path),
        lambda: machine.watch(path),
        lambda: machine.frame_driving(path),
        lambda: machine.record(path, [], EvenTiming()),
    ):
        with pytest.raises(MediaError, match=r"found the path 'talk\.mp4'.*VideoReader"):
            use()
    for wrong in (frame[..., 0], frame.astype(np.float32), frame[:0]):
        with pytest.raises(MediaError, match="driving frame: found"):
            next(machine.animate(portrait, [wrong], crop=False))
    for source in (frame, None, [portrait, frame]):
        with pytest.raises(TypeError, match="encode_source"):
            machine.animate(source, [frame])  # type: ignore[arg-type]
