import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from reenact.evaluation.clips import ScoredClip
from reenact.evaluation.methods import Draw, repeat_source
from reenact.evaluation.occlusion import (
    MIN_GAP,
    MIN_TURN,
    MIN_YAW,
    OcclusionPairs,
    clip_pairs,
    score_hidden,
    select_pairs,
)
from reenact.records import Parser, Parsing

CPU = torch.device("cpu")
MakeClip = Callable[..., ScoredClip]


def labels(**boxes: tuple[int, int]) -> Tensor:
    """Parsing (1, 64, 64): bands of columns with a region's label, by its name."""
    names = {"skin": 1, "left_eye": 4, "right_eye": 5}
    result = torch.zeros(1, 64, 64, dtype=torch.uint8)
    for name, (start, stop) in boxes.items():
        result[..., start:stop] = names[name]
    return result


def make_pairs(source: Tensor, driving: Tensor) -> OcclusionPairs:
    return OcclusionPairs(
        source=torch.zeros(1, 3, 64, 64),
        driving=torch.full((1, 3, 64, 64), 0.5),
        source_parsing=Parsing(source),
        driving_parsing=Parsing(driving),
        clips=("clip",),
        identities=("someone",),
        frames=((0, 20),),
    )


@given(st.lists(st.floats(-60, 60) | st.just(math.nan), max_size=40))
def test_pairs_keep_the_rules(yaws: list[float]) -> None:
    yaw = np.array(yaws)
    pairs = select_pairs(yaw, np.random.default_rng(0), limit=30)
    assert len(pairs) <= 30
    assert len({tuple(pair) for pair in pairs.tolist()}) == len(pairs)
    for source, driving in pairs:
        assert abs(source - driving) >= MIN_GAP
        assert abs(yaw[source]) >= MIN_YAW
        assert abs(yaw[source] - yaw[driving]) >= MIN_TURN


def test_all_pairs_are_taken_where_there_are_few() -> None:
    yaw = np.zeros(20)
    yaw[0] = 30
    pairs = select_pairs(yaw, np.random.default_rng(0))
    assert pairs.tolist() == [[0, driving] for driving in range(10, 20)]


def test_the_same_seed_chooses_the_same_pairs() -> None:
    yaw = np.linspace(-50, 50, 80)
    one, same, other = (select_pairs(yaw, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert one.tolist() == same.tolist() != other.tolist()


def test_hidden_is_what_only_the_driving_frame_shows() -> None:
    pairs = make_pairs(
        labels(skin=(0, 30), left_eye=(40, 50)),
        labels(skin=(0, 30), left_eye=(40, 50), right_eye=(50, 60)),
    )
    assert pairs.hidden().nonzero().tolist() == [[0, 4]]


def test_only_errors_in_hidden_regions_count() -> None:
    pairs = make_pairs(labels(skin=(0, 30)), labels(skin=(0, 30), right_eye=(50, 60)))

    def wrong_elsewhere(source: Tensor) -> Draw:
        def draw(driving: Tensor) -> Tensor:
            frames = driving.clone()
            frames[..., :50] += 0.25
            return frames

        return draw

    still, elsewhere = score_hidden({"still": repeat_source, "elsewhere": wrong_elsewhere}, [pairs])
    assert (still.hidden_regions, still.hidden_pixels) == (1, 640)
    assert still.hidden_l1 == pytest.approx(0.5)
    assert elsewhere.hidden_l1 == 0
    assert elsewhere.l1 == pytest.approx(0.25 * 50 / 64)


def test_a_pair_that_hides_nothing_has_no_score() -> None:
    parsing = labels(skin=(0, 30))
    (row,) = score_hidden({"still": repeat_source}, [make_pairs(parsing, parsing)])
    assert math.isnan(row.hidden_l1)


def test_pairs_come_from_clips_that_turn(
    make_clip: MakeClip, reader: Parser, chance: np.random.Generator
) -> None:
    yaw = np.concatenate([np.full(15, 40.0), np.zeros(15)])
    clips = [
        make_clip(30, "turning", yaw=yaw),
        make_clip(30, "still", yaw=0 * yaw),
        make_clip(30, "unknown"),
    ]
    batches = list(clip_pairs(clips, reader, CPU, chance, batch_size=64))
    assert {clip for batch in batches for clip in batch.clips} == {"turning"}
    assert sum(len(batch.identities) for batch in batches) == 100
    first = batches[0]
    source, driving = first.frames[0]
    assert_close(first.source[0], clips[0].pictures(slice(None), CPU)[source])
    assert_close(first.driving[0], clips[0].pictures(slice(None), CPU)[driving])


def test_prepared_labels_are_used_as_they_are(make_clip: MakeClip, reader: Parser) -> None:
    prepared = torch.randint(0, 15, (3, 64, 64), dtype=torch.uint8)
    chosen = torch.tensor([2, 0])
    assert_close(make_clip(3, labels=prepared).parsing(chosen, reader, CPU), prepared[chosen])
