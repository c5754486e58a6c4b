from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from reenact.animator import Animator, to_images
from reenact.filmed import animate_video, count_shown, shown_at
from reenact.motion.following import Manner
from reenact.records import Image
from reenact.video import VideoReader
from stubs import StubModel, StubReader, picture_with_face
from video.clips import make_clip, number_of


def machine() -> Animator:
    return Animator(StubModel(), StubReader(), batch_size=2)


def clip(shades: list[int]) -> list[Image]:
    return [picture_with_face(shade=shade) for shade in shades]


def animated(source: list[Image], driving: list[Image], **manner: float) -> list[Image]:
    animator = machine()
    framing = animator.frame_driving(source)
    watched = animator.watch(driving)
    return list(animate_video(animator, source, watched, Manner(**manner), framing))  # type: ignore[arg-type]


def test_a_still_driving_face_leaves_the_film_as_it_is() -> None:
    source = clip([60, 90, 120])
    for made, before in zip(animated(source, clip([80] * 3)), source, strict=True):
        assert np.abs(made.astype(int) - before).max() <= 1


def test_motion_is_added_to_every_frame_s_own() -> None:
    source = clip([60, 90, 120])
    made = animated(source, clip([80, 80, 110]))
    change = [
        float((a.astype(float) - b)[60, 60:80].mean()) for a, b in zip(made, source, strict=True)
    ]
    assert change[:2] == pytest.approx([0, 0], abs=1)
    still = machine()
    portrait = still.encode_source(source[2])
    alone = list(still.animate(portrait, clip([80, 80, 110])))[2]
    assert np.abs(made[2].astype(int) - alone).max() <= 1


def test_without_strength_the_film_stays() -> None:
    source = clip([60, 90])
    for made, before in zip(animated(source, clip([80, 140]), strength=0.0), source, strict=True):
        assert np.abs(made.astype(int) - before).max() <= 1


@pytest.mark.parametrize(("frames", "driven"), [(3, 5), (5, 3)])
def test_the_shorter_one_ends_both(frames: int, driven: int) -> None:
    assert len(animated(clip([60] * frames), clip([80] * driven))) == 3


def test_a_frame_without_a_face_stays_as_it_is() -> None:
    empty = np.full((120, 160, 3), 60, dtype=np.uint8)
    source = [*clip([60]), empty, *clip([60])]
    made = animated(source, clip([80, 120, 120]))
    assert np.abs(made[1].astype(int) - empty).max() <= 1
    assert np.abs(made[2].astype(int) - source[2]).max() > 3


def test_frames_come_as_they_are_needed() -> None:
    animator, taken = machine(), 0
    framing = animator.frame_driving(clip([60]))

    def film() -> Iterator[Image]:
        nonlocal taken
        while True:
            taken += 1
            yield picture_with_face()

    watched = animator.watch(iter(clip([80] * 20)))
    made = animate_video(animator, film(), watched, Manner(), framing)
    for wanted in range(1, 10):
        next(made)
        assert taken == wanted


def test_a_picture_that_comes_again_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    animator, encoded = machine(), 0
    encode = animator.encode_square

    def count(*arguments: object) -> object:
        nonlocal encoded
        encoded += 1
        return encode(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(animator, "encode_square", count)
    first, second = clip([60, 90])
    watched = animator.watch(clip([80] * 5))
    framing = animator.frame_driving([first])
    source = [first, first, second, second, second]
    assert len(list(animate_video(animator, source, watched, Manner(), framing))) == 5
    assert encoded == 2


def test_bare_squares_need_no_framing() -> None:
    animator = machine()
    crop = np.full((64, 64, 3), 70, dtype=np.uint8)
    watched = animator.watch([crop], crop=False)
    (made,) = animate_video(animator, [crop], watched, Manner(), None, paste_back=False)
    assert np.array_equal(made, to_images(animator.encode_source(crop, crop=False).state.image)[0])


def shown(path: Path, times: list[Fraction]) -> list[int]:
    with VideoReader(path) as frames:
        numbers = [number_of(frame) for frame in shown_at(frames, times)]
    with VideoReader(path) as frames:
        assert count_shown(frames, times) == len(numbers)
    return numbers


def test_equal_rates_pair_frame_by_frame(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", 6, rate=Fraction(30000, 1001))
    assert shown(path, [index * Fraction(1001, 30000) for index in range(9)]) == [0, 1, 2, 3, 4, 5]


def test_a_coarse_clock_does_not_shift_frames(tmp_path: Path) -> None:
    ticks = [0, 33, 67, 100, 133, 167]
    path = make_clip(tmp_path / "a.mkv", 6, ticks=ticks, time_base=Fraction(1, 1000))
    assert shown(path, [Fraction(index, 30) for index in range(6)]) == [0, 1, 2, 3, 4, 5]


def test_another_rate_is_met_in_time(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", 4, rate=Fraction(25))
    assert shown(path, [Fraction(index, 50) for index in range(12)]) == [0, 1, 1, 2, 2, 3, 3, 3]
    assert shown(path, [Fraction(2 * index, 25) for index in range(4)]) == [0, 2]
