import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from reenact.config import SIZES
from reenact.evaluation.clips import ScoredClip
from reenact.evaluation.methods import Draw, animate_with, render_with, repeat_source
from reenact.evaluation.metrics import PSNR_CAP
from reenact.evaluation.reconstruction import FrameScore, blank_failures, reconstruct
from reenact.model import FaceletModel, build_model
from reenact.records import Parser, PoseEncoder

CPU = torch.device("cpu")
MakeClip = Callable[..., ScoredClip]


def perfect(source: Tensor) -> Draw:
    """A method that has seen the answer."""
    return lambda driving: driving


def broken(source: Tensor) -> Draw:
    """A method that fails on dark frames."""
    return lambda driving: driving.masked_fill(driving[:, :1, :1, :1] < 0.5, math.nan)


@pytest.fixture
def model(reader: Parser) -> FaceletModel:
    torch.manual_seed(0)
    encoder: PoseEncoder = reader  # type: ignore[assignment]
    return build_model(SIZES["tiny"]).eval().attach(reader, encoder)


def test_the_first_frame_is_the_source_and_not_scored(make_clip: MakeClip) -> None:
    rows = list(reconstruct({"still": repeat_source}, [make_clip(5)], None, CPU))
    assert [row.frame for row in rows] == [1, 2, 3, 4]
    assert all(row.psnr < PSNR_CAP for row in rows)


def test_long_clips_end_at_frame_199(make_clip: MakeClip) -> None:
    rows = list(reconstruct({"still": repeat_source}, [make_clip(230, size=16)], None, CPU))
    assert [row.frame for row in rows] == list(range(1, 200))


def test_seeing_the_answer_gives_the_best_scores(make_clip: MakeClip) -> None:
    rows = list(reconstruct({"perfect": perfect}, [make_clip()], None, CPU, batch_size=4))
    assert {(row.psnr, row.l1) for row in rows} == {(PSNR_CAP, 0.0)}


def test_batches_do_not_change_a_model_s_frames(model: FaceletModel, make_clip: MakeClip) -> None:
    methods = {"model": animate_with(model)}
    one = list(reconstruct(methods, [make_clip(6)], None, CPU, batch_size=1))
    all_ = list(reconstruct(methods, [make_clip(6)], None, CPU, batch_size=32))
    assert [row.psnr for row in one] == pytest.approx([row.psnr for row in all_], abs=1e-3)


def test_one_source_serves_every_frame(model: FaceletModel, make_clip: MakeClip) -> None:
    frames = make_clip(4).pictures(slice(None), CPU)
    with torch.no_grad():
        once = render_with(model, frames[:1])(frames[1:]).frame
        each = render_with(model, frames[:1].expand(3, -1, -1, -1))(frames[1:]).frame
    torch.testing.assert_close(once, each)


def test_a_frame_on_which_one_method_fails_counts_for_none(make_clip: MakeClip) -> None:
    methods = {"perfect": perfect, "broken": broken}
    rows = list(reconstruct(methods, [make_clip(40)], None, CPU))
    failed = {row.frame for row in rows if math.isnan(row.psnr)}
    assert 0 < len(failed) < 39
    blanked = blank_failures(rows)
    for method in methods:
        mine: list[FrameScore] = [row for row in blanked if row.method == method]
        assert {row.frame for row in mine if math.isnan(row.l1)} == failed
        assert len(mine) == 39
