from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from reenact.data.decode import decode_still
from reenact.evaluation import sheet
from reenact.evaluation.clips import ScoredClip
from reenact.evaluation.cross import CrossScore
from reenact.evaluation.methods import absolute, repeat_driving, repeat_source
from reenact.evaluation.reconstruction import FrameScore
from reenact.evaluation.sheet import (
    Strip,
    cross_hardness,
    cross_strips,
    draw_page,
    error_map,
    hardest,
    reconstruction_strips,
    save_pages,
)

CPU = torch.device("cpu")
MakeClip = Callable[..., ScoredClip]
FRAME = FrameScore("model", "one", "ann", 1, psnr=20.0, ssim=0.5, l1=0.25, sqz_dist=math.nan)
CROSS = CrossScore("model", "a < b", "a", "b", 3, 1, 0.5, 4.0, 9.0, 0.1, 0.1, 5.0, 0.1, 0.0)


def plain(grey: float, count: int = 4) -> Tensor:
    return torch.full((count, 3, 32, 32), grey)


def test_the_hardest_frame_of_each_clip_is_chosen() -> None:
    rows = [
        FRAME,
        replace(FRAME, frame=2, psnr=15.0),
        replace(FRAME, frame=3, psnr=math.nan),
        replace(FRAME, clip="two", frame=9, psnr=30.0),
        replace(FRAME, method="other", frame=4, psnr=1.0),
        replace(FRAME, clip="three", psnr=math.nan),
    ]
    worst = hardest(rows, "model", lambda row: -row.psnr)
    assert {clip: row.frame for clip, row in worst.items()} == {"one": 2, "two": 9}


def test_unlike_is_harder_and_without_likeness_turned_away_is() -> None:
    assert cross_hardness(replace(CROSS, csim_mfn=0.2)) > cross_hardness(CROSS)
    blind = replace(CROSS, csim_mfn=math.nan)
    assert cross_hardness(replace(blind, ard_reader=20.0)) > cross_hardness(blind)


def test_a_strip_of_reconstruction_shows_how_far_the_result_is_off(make_clip: MakeClip) -> None:
    clips = [make_clip(5, name="one"), make_clip(5, name="two")]
    (strip,) = reconstruction_strips(repeat_source, {"one": replace(FRAME, frame=3)}, clips, CPU)
    source, driving, result, error = strip.tiles
    assert torch.equal(result, source)
    torch.testing.assert_close(driving, clips[0].pictures(slice(3, 4), CPU)[0])
    torch.testing.assert_close(error, error_map(source[None], driving[None])[0])
    assert strip.caption == "one, frame 3: 20.0 dB"


def test_a_strip_across_identities_shows_every_method(make_clip: MakeClip) -> None:
    clip, source = make_clip(5), torch.rand(1, 3, 64, 64)
    methods = (absolute(repeat_source), absolute(repeat_driving))
    (strip,) = cross_strips(methods, {"a < b": CROSS}, [source], [clip], ["a < b"], CPU)
    assert torch.equal(strip.tiles[2], source[0])
    assert torch.equal(strip.tiles[3], strip.tiles[1])
    assert "csim 0.50, 4.0 degrees off" in strip.caption


def test_no_error_is_black_and_a_large_one_bright() -> None:
    none, some, much = (error_map(plain(0.5, 1), plain(0.5 + x, 1)).mean() for x in (0, 0.1, 0.4))
    assert none < 0.02 < some < much
    assert much > 0.8


def test_pages_show_the_hardest_first_and_leave_out_the_easiest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sheet, "MOST_STRIPS", 3)
    strips = [Strip(f"grey {grey}", plain(grey), grey) for grey in (0.2, 0.8, 0.4, 0.6)]
    page = draw_page("model", strips)
    first_line = 2 * sheet.CAPTION + sheet.CAPTION + 10
    assert page[first_line, 20, 0] == round(0.8 * 255)
    assert page[first_line, page.shape[1] // 2 + 20, 0] == round(0.6 * 255)
    second_line = first_line + sheet.CAPTION + sheet.TILE + sheet.GAP
    assert page[second_line, 20, 0] == round(0.4 * 255)
    assert not (page == round(0.2 * 255)).all(axis=2).sum() > sheet.TILE
    narrow = draw_page("nothing", [])
    save_pages(tmp_path / "sheet.png", [page, narrow])
    stored = decode_still(tmp_path / "sheet.png").permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(stored[: len(page)], page)
    assert len(stored) == len(page) + len(narrow)
