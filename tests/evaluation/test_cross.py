from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from reenact.config import SIZES
from reenact.data.clips import Footage
from reenact.errors import DataError
from reenact.evaluation.clips import ScoredClip
from reenact.evaluation.cross import (
    CrossPair,
    CrossScore,
    Panel,
    blank_broken,
    choose_pairs,
    most_alike,
    reenact_across,
)
from reenact.evaluation.judges import FaceReadings, read_frames
from reenact.evaluation.methods import (
    absolute,
    animate_with,
    follow_with,
    repeat_driving,
    repeat_source,
)
from reenact.evaluation.thinning import Thinning
from reenact.layers.rotation import matrix_from_euler
from reenact.model import FaceletModel, build_model
from reenact.perception.identity import MobileFaceNet

CPU = torch.device("cpu")
MakeClip = Callable[..., ScoredClip]


class StubJudge:
    """The head is turned by 90 degrees times the mean red; no face where all is black."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def read(self, images: Tensor, like: FaceReadings | None = None) -> FaceReadings:
        self.batches.append(len(images))
        yaw = 90 * images[:, 0].mean(dim=(1, 2))
        mesh = torch.randn(478, 3, generator=torch.Generator().manual_seed(0)) / 4
        # The face grows narrow as it turns.
        points = mesh * torch.stack([1 - yaw / 180, *[torch.ones_like(yaw)] * 2], -1)[:, None]
        return FaceReadings(
            found=images.amax(dim=(1, 2, 3)) > 0,
            points=points,
            rotation=matrix_from_euler(torch.stack([yaw, 0 * yaw, 0 * yaw], dim=-1)),
            expression=yaw[:, None].expand(-1, 52) / 90,
        )


def footage(*names: str) -> tuple[Footage, ...]:
    """Clips named `person-number`."""
    return tuple(Footage(name, Path(name), name.split("-")[0]) for name in names)


def grey(*levels: float, name: str = "bob-1") -> ScoredClip:
    frames = torch.tensor(levels).mul(255).round().to(torch.uint8).view(-1, 1, 1, 1)
    return ScoredClip(name, name, frames.expand(-1, 3, 64, 64), None, None)


def score(panel: Panel, clip: ScoredClip, source: float, **methods: object) -> list[CrossScore]:
    pair = CrossPair(*footage("ann-1", "bob-1"))
    picture = torch.full((1, 3, 64, 64), source)
    thinning = Thinning(every=1)
    return list(
        reenact_across(methods, [pair], [picture], [clip], panel, CPU, 2, thinning)  # type: ignore[arg-type]
    )


def test_every_source_is_driven_by_somebody_else() -> None:
    clips = footage("ann-1", "ann-2", "bob-1", "cat-1", "cat-2")
    pairs = choose_pairs(clips, clips, np.random.default_rng(0))
    assert sorted(pair.source.name for pair in pairs) == [clip.name for clip in clips]
    assert all(pair.source.identity != pair.driving.identity for pair in pairs)
    again = choose_pairs(clips, clips, np.random.default_rng(0))
    other = choose_pairs(clips, clips, np.random.default_rng(1))
    assert pairs == again
    assert pairs != other


def test_more_pairs_than_sources_use_each_as_often() -> None:
    clips = footage("ann-1", "bob-1", "cat-1")
    pairs = choose_pairs(clips, clips, np.random.default_rng(0), 9)
    assert [sum(p.source is clip for p in pairs) for clip in clips] == [3, 3, 3]


def test_one_person_alone_makes_no_pair() -> None:
    clips = footage("ann-1", "ann-2")
    with pytest.raises(DataError, match="no clip of another person than ann"):
        choose_pairs(clips, clips, np.random.default_rng(0))


def test_repeating_either_side_is_right_about_that_side() -> None:
    panel = Panel(reader=StubJudge(), landmarker=StubJudge(), identity=None)
    rows = score(
        panel,
        grey(0.2, 0.4),
        0.1,
        still=absolute(repeat_source),
        driving=absolute(repeat_driving),
    )
    still = [row for row in rows if row.method == "still"]
    driving = [row for row in rows if row.method == "driving"]
    assert [row.frame for row in still] == [0, 1]
    assert [row.geodesic_mesh for row in still] == pytest.approx([9, 27], abs=0.4)
    assert [row.ard_mesh for row in still] == pytest.approx([3, 9], abs=0.2)
    assert [row.expr_reader for row in still] == pytest.approx([0.1, 0.3], abs=0.01)
    assert {row.geodesic_mesh for row in driving} == {0.0}
    assert {row.failed for row in rows} == {0.0}


def test_without_the_independent_judge_only_the_reader_speaks() -> None:
    panel = Panel(reader=StubJudge(), landmarker=None, identity=None)
    (row,) = score(panel, grey(0.2), 0.1, still=absolute(repeat_source))
    assert math.isnan(row.ard_mesh)
    assert math.isnan(row.csim_mfn)
    assert row.ard_reader == pytest.approx(3, abs=0.2)


def test_failures_count_and_driving_frames_without_a_face_do_not() -> None:
    panel = Panel(reader=StubJudge(), landmarker=None, identity=None)

    def black(source: Tensor, initial: Tensor) -> Callable[[Tensor], Tensor]:
        return torch.zeros_like

    rows = score(panel, grey(0.0, 0.4), 0.1, black=black, still=absolute(repeat_source))
    assert [(row.method, row.failed) for row in rows if row.frame == 1] == [
        ("black", 1.0),
        ("still", 0.0),
    ]
    assert all(math.isnan(row.failed) and math.isnan(row.ard_reader) for row in rows[::2][:1])
    assert all(math.isnan(row.failed) for row in rows if row.frame == 0)
    lost = next(row for row in rows if row.method == "black" and row.frame == 1)
    assert lost.ard_reader == pytest.approx(12, abs=0.3), "scored all the same"


def test_a_frame_that_one_method_leaves_unreadable_counts_for_none() -> None:
    panel = Panel(reader=StubJudge(), landmarker=None, identity=None)

    def broken(source: Tensor, initial: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda driving: driving.masked_fill(driving > 0.5, math.nan)

    rows = score(panel, grey(0.2, 0.8), 0.1, broken=broken, still=absolute(repeat_source))
    blanked = {(row.method, row.frame): row for row in blank_broken(rows)}
    assert all(math.isfinite(blanked[name, 0].ard_reader) for name in ("broken", "still"))
    assert all(math.isnan(blanked[name, 1].ard_reader) for name in ("broken", "still"))
    assert blanked["broken", 1].failed == 1
    assert blanked["still", 1].failed == 0


def test_motion_starts_where_the_driving_face_is_most_like_the_source() -> None:
    panel = Panel(reader=StubJudge(), landmarker=None, identity=None)
    rows = score(panel, grey(0.0, 0.9, 0.6, 0.3), 0.5, still=absolute(repeat_source))
    assert {row.start for row in rows} == {2}
    judge = StubJudge()
    unseen = [judge.read(torch.zeros(2, 3, 8, 8))]
    assert most_alike(judge.read(torch.ones(1, 3, 8, 8)), unseen) == 0


def test_likeness_is_to_the_source() -> None:
    torch.manual_seed(0)
    panel = Panel(reader=StubJudge(), landmarker=None, identity=MobileFaceNet())
    (row,) = score(panel, grey(0.7), 0.2, still=absolute(repeat_source))
    assert row.csim_mfn == pytest.approx(1, abs=1e-5)


def test_a_repeated_picture_is_looked_at_once() -> None:
    judge = StubJudge()
    picture = torch.full((1, 3, 8, 8), 0.5)
    once = read_frames(judge, picture.expand(6, -1, -1, -1))
    each = read_frames(judge, picture.repeat(6, 1, 1, 1))
    assert judge.batches == [1, 6]
    torch.testing.assert_close(once.rotation, each.rotation)


@pytest.fixture
def model(reader: object) -> FaceletModel:
    torch.manual_seed(0)
    return build_model(SIZES["tiny"]).eval().attach(reader, reader)  # type: ignore[arg-type]


def test_a_driving_face_that_does_not_move_leaves_the_source_as_it_is(
    model: FaceletModel, make_clip: MakeClip
) -> None:
    frames = make_clip(3).pictures(slice(None), CPU)
    source, driving = frames[:1], frames[1:2]
    with torch.no_grad():
        still = follow_with(model)(source, driving)(driving)
        at_rest = animate_with(model)(source)(source)
    torch.testing.assert_close(still, at_rest, atol=1e-5, rtol=0)


def test_relative_motion_of_a_batch_is_that_of_each_frame(
    model: FaceletModel, make_clip: MakeClip
) -> None:
    frames = make_clip(5).pictures(slice(None), CPU)
    draw = follow_with(model)(frames[:1], frames[1:2])
    with torch.no_grad():
        together = draw(frames[2:])
        alone = torch.cat([draw(frames[n : n + 1]) for n in (2, 3, 4)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
