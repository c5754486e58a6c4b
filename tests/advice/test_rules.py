from __future__ import annotations

import pytest

from reenact.advice import Advice, Plan, about_driving, about_source
from reenact.advice.rules import turns_from

from .faces import clip, face, seconds, seen

STILL = seen(face())
"""A photograph that nothing is wrong with."""


def kinds(advice: list[Advice]) -> list[str]:
    return [line.kind for line in advice]


def only(advice: list[Advice], kind: str) -> str:
    assert kinds(advice) == [kind]
    return advice[0].text


def test_good_inputs_need_no_advice() -> None:
    calm = clip(*(face(yaw=yaw, mouth=yaw / 100) for yaw in range(0, 18)))
    assert not list(about_source(STILL))
    assert not about_driving(STILL, calm, [], seconds)


def test_a_clip_without_a_face_is_not_talked_about() -> None:
    assert not about_driving(STILL, [seen()], [1], seconds)


class TestSource:
    def test_a_cut_off_face(self) -> None:
        assert "whole face" in only(list(about_source(seen(face(shift=(-90, 0))))), "cut off")

    def test_a_small_face_is_not_called_blurred_too(self) -> None:
        line = only(list(about_source(seen(face(scale=0.4), blur=0.9))), "small")
        assert "pixels wide, less than 128" in line

    def test_a_blurred_face(self) -> None:
        assert "sharper" in only(list(about_source(seen(face(), blur=0.8))), "blurred")

    def test_other_faces_and_which_is_used(self) -> None:
        line = only(list(about_source(seen(face(), face(scale=0.5)))), "faces")
        assert line.startswith("shows 2 faces; the largest, around pixel 128, 1")
        assert not list(about_source(seen(face(), face(scale=0.2))))  # somebody far behind
        assert not list(about_source(seen(face(), face(scale=0.9), chosen=2)))  # asked for
        assert not list(about_source(seen(face(), face()), Plan(all_faces=True)))


class TestDriving:
    def test_a_face_that_leaves_the_frame(self) -> None:
        inside, outside = face(), face(shift=(-90, 0))
        line = only(
            about_driving(STILL, clip(*[inside] * 6, *[outside] * 4), [], seconds), "cut off"
        )
        assert "in 4 of the 10 frames" in line
        assert not about_driving(STILL, clip(*[inside] * 19, outside), [], seconds)

    def test_a_small_face(self) -> None:
        assert "closer video" in only(
            about_driving(STILL, clip(*[face(scale=0.4)] * 3), [], seconds), "small"
        )

    def test_a_blurred_face_but_not_a_blurred_moment(self) -> None:
        sharp = [seen(face(), index=index) for index in range(6)]
        soft = [seen(face(), index=index, blur=0.85) for index in range(6, 10)]
        assert not about_driving(STILL, sharp + soft, [], seconds)
        only(about_driving(STILL, sharp[:2] + soft, [], seconds), "blurred")

    def test_two_people(self) -> None:
        pair = [seen(face(), face(scale=0.8), index=index) for index in range(3)]
        alone = clip(*[face()] * 5)
        assert "largest" in only(about_driving(STILL, alone + pair, [], seconds), "faces")
        small = [seen(face(), face(scale=0.3), index=index) for index in range(3)]
        assert not about_driving(STILL, alone + small, [], seconds)

    def test_cuts_are_counted_and_the_first_are_named(self) -> None:
        one = only(about_driving(STILL, clip(face()), [24], seconds), "cuts")
        assert "jumps once, at 2.4 s;" in one
        many = only(about_driving(STILL, clip(face()), [24, 51, 60, 90], seconds), "cuts")
        assert "jumps 4 times, at 2.4 s, 5.1 s, 6.0 s and more;" in many


class TestFirstFrame:
    def test_a_better_frame_is_named(self) -> None:
        driving = clip(face(mouth=0.5), face(mouth=0.4), face(), face(mouth=0.4))
        line = only(about_driving(STILL, driving, [], seconds), "first frame")
        assert "the mouth is more open" in line
        assert "--find-best-frame: at 0.2 s" in line

    def test_where_no_frame_is_better_none_is_named(self) -> None:
        line = only(about_driving(STILL, clip(*[face(mouth=0.5)] * 4), [], seconds), "first frame")
        assert "--find-best-frame" not in line
        assert "--motion absolute" in line

    def test_a_turned_head(self) -> None:
        driving = clip(*[face(yaw=-26)] * 4)
        assert "turned 26 degrees" in only(
            about_driving(STILL, driving, [], seconds), "first frame"
        )

    def test_shut_eyes_are_measured_by_the_eyes_of_the_same_person(self) -> None:
        narrow = clip(*[face(eyes=0.16)] * 4)
        assert not about_driving(STILL, narrow, [], seconds)
        blinks = clip(face(eyes=0.05), *[face(eyes=0.3)] * 4)
        assert "eyes are shut" in only(about_driving(STILL, blinks, [], seconds), "first frame")
        sleeper = seen(face(eyes=0.05))
        assert not about_driving(sleeper, blinks, [], seconds)

    @pytest.mark.parametrize(
        "plan", [Plan(relative=False), Plan(best_frame=True), Plan(expression=False)]
    )
    def test_it_does_not_matter_where_motion_does_not_start_there(self, plan: Plan) -> None:
        driving = clip(face(mouth=0.5), face())
        assert not about_driving(STILL, driving, [], seconds, plan)


class TestTurn:
    def test_relative_turns_count_from_the_first_frame(self) -> None:
        driving = clip(face(yaw=18), face(), face(yaw=-15), face(yaw=-20))
        line = only(about_driving(STILL, driving, [], seconds), "turn")
        assert "up to 38 degrees" in line
        assert "beyond 30 first at 0.2 s" in line
        assert not about_driving(STILL, driving, [], seconds, Plan(relative=False))

    def test_it_is_said_where_turns_are_held(self) -> None:
        driving = clip(face(), *[face(yaw=60)] * 9)
        held, free = Plan(max_turn=35), Plan(relative=False, max_turn=35)
        line = only(about_driving(STILL, driving, [], seconds, held), "turn")
        assert "motion is held at 35 (--max-turn)" in line
        for plan in (free, Plan(max_turn=90), None):
            line = only(about_driving(STILL, driving, [], seconds, plan), "turn")
            assert "--max-turn" not in line

    def test_absolute_turns_count_from_the_photograph(self) -> None:
        driving = clip(*[face(yaw=10)] * 5)
        turned = seen(face(yaw=-25))
        line = only(about_driving(turned, driving, [], seconds, Plan(relative=False)), "turn")
        assert "from the photograph" in line

    def test_the_best_frame_is_where_turns_count_from(self) -> None:
        driving = clip(face(mouth=0.5), face(yaw=20), *[face(mouth=0.5, yaw=35)] * 3)
        assert "turn" in kinds(about_driving(STILL, driving, [], seconds))
        assert not about_driving(STILL, driving, [], seconds, Plan(best_frame=True))

    def test_a_head_that_stays_as_it_is_does_not_turn(self) -> None:
        driving = clip(face(yaw=25), *[face(yaw=-25)] * 4)
        assert not about_driving(STILL, driving, [], seconds, Plan(pose=False))

    def test_one_far_reading_of_many_is_a_mistake(self) -> None:
        assert not about_driving(STILL, clip(*[face()] * 30, face(yaw=60)), [], seconds)

    def test_nods_are_turns_and_tilts_are_none(self) -> None:
        sighting = seen(face())
        sighting.face.pose[:] = [0, 33, 50]
        assert turns_from(STILL.face.pose, [sighting]) == pytest.approx([33])


def test_every_line_says_what_to_do() -> None:
    bad = [seen(face(yaw=40, shift=(-90, 0), scale=0.9), face(shift=(9, 0)), blur=0.9)] * 3
    lines = [*about_source(seen(face(shift=(-90, 0)), face(), blur=0.9))]
    lines += about_driving(STILL, clip(face(yaw=-5)) + bad, [1], seconds)
    assert len(lines) >= 7
    for line in lines:
        assert "\n" not in line.text
        assert line.text.endswith(".")
        assert line.text.count(". ") == 1
