from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from reenact.animator import Animator, to_images
from reenact.filmed import Absence, animate_video, count_shown, shown_at
from reenact.motion.following import Manner
from reenact.records import Image
from reenact.tracking import frame_faces
from reenact.video import VideoReader
from stubs import StubCrowd, StubModel, StubReader, picture_with_face, picture_with_faces
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


LARGE, SMALL = (30, 40, 70, 90), (170, 50, 200, 80)
"""Two faces whose squares do not meet."""


def people(shades: list[int], *, alone: Sequence[int] = ()) -> list[Image]:
    """A film of two faces; of the large one alone in some frames."""
    return [
        picture_with_faces(*([LARGE] if index in alone else [LARGE, SMALL]), shade=shade)
        for index, shade in enumerate(shades)
    ]


def together(
    source: list[Image], driving: list[Image], *, absence: Absence | None = None, skip: int = 0
) -> list[Image]:
    animator = Animator(StubModel(), StubCrowd(), batch_size=2)
    framings = frame_faces(source, animator.reader)
    watched = animator.watch(driving, skip=skip)
    film = animate_video(animator, source, watched, Manner(), framings, absence=absence, skip=skip)
    return list(film)


def change(made: Image, before: Image) -> Image:
    """How far every pixel is from what it was: (H, W)."""
    return np.asarray(np.abs(made.astype(int) - before).max(axis=2), dtype=np.uint8)


def inside(number: int, source: list[Image]) -> np.ndarray:
    """Pixels of the square of one face of a film: (H, W) bool."""
    x0, y0, side = frame_faces(source, StubCrowd())[number].square
    rows, columns = np.mgrid[:120, :240] + 0.5
    reach = side / 2 + 1  # squares are put onto whole pixels
    away = np.maximum(abs(columns - x0 - side / 2), abs(rows - y0 - side / 2))
    return np.asarray(away <= reach)


def test_all_faces_of_a_film_move_and_nothing_else_does() -> None:
    source = people([60, 90, 120])
    made = together(source, clip([80, 80, 120]))
    large, small = inside(0, source), inside(1, source)
    assert not (large & small).any()
    assert change(made[1], source[1]).max() <= 1
    moved = change(made[2], source[2])
    assert min(moved[65, 50], moved[65, 185]) > 10  # the middle of either face
    assert not moved[~(large | small)].any()


def test_faces_apart_move_together_as_one_at_a_time() -> None:
    source, driving = people([60, 90, 120, 80]), clip([80, 120, 60, 100])
    both = together(source, driving)
    for number, framing in enumerate(frame_faces(source, StubCrowd())):
        animator = Animator(StubModel(), StubCrowd())
        place = inside(number, source)
        alone = animate_video(animator, source, animator.watch(driving), Manner(), framing)
        for here, there in zip(both, alone, strict=True):
            assert np.array_equal(here[place], there[place])


def test_a_face_out_of_sight_is_left_as_it_is_while_others_move() -> None:
    source, absence = people([60] * 4, alone=[0, 2]), Absence()
    made = together(source, clip([80, 120, 120, 120]), absence=absence)
    place = inside(1, source)
    assert change(made[2], source[2])[place].max() <= 1
    assert change(made[2], source[2])[65, 50] > 10
    assert change(made[3], source[3])[65, 185] > 10
    assert (absence.absent, absence.frames) == (2, 4)
    assert "out of sight in 2 of 4 frames" in str(absence)


@pytest.mark.parametrize("skip", [0, 1, 3, 5])
def test_frames_that_are_skipped_are_counted_and_change_nothing(skip: int) -> None:
    source, driving = people([60, 90, 120, 80], alone=[0, 2]), clip([80, 120, 60, 100])
    whole, absence = together(source, driving), Absence()
    rest = together(source, driving, absence=absence, skip=skip)
    assert (absence.absent, absence.frames) == (2, 4)
    assert len(rest) == max(0, 4 - skip)
    for here, there in zip(rest, whole[skip:], strict=True):
        assert np.array_equal(here, there)


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
