import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reenact.data.clips import Footage
from reenact.evaluation.attention import RegionScore
from reenact.evaluation.cross import CrossScore
from reenact.evaluation.occlusion import PairScore
from reenact.evaluation.reconstruction import FrameScore
from reenact.evaluation.report import (
    list_hash,
    versions,
    write_clip_means,
    write_rows,
    write_summary,
)
from reenact.evaluation.tables import (
    attention_table,
    cross_table,
    occlusion_table,
    reconstruction_table,
)

FRAME = FrameScore("model", "one", "ann", 1, psnr=20.0, ssim=0.5, l1=0.25, sqz_dist=math.nan)
PAIR = PairScore("with", "one", "ann", 0, 20, 1, 640, hidden_l1=0.125, l1=0.5)


def test_clips_weigh_the_same_however_long(chance: np.random.Generator) -> None:
    rows = [FRAME, *(replace(FRAME, clip="two", frame=i, psnr=30.0) for i in range(1, 10))]
    table = reconstruction_table(rows, chance)
    assert table.columns == ("psnr", "ssim", "l1")
    assert table.plain()["lines"][0]["psnr"]["mean"] == 25
    assert table.plain()["lines"][0]["psnr"]["pooled"] == 29
    assert "2 clips, 10 frames, 0 dropped" in table.note


def test_methods_are_also_compared_pair_by_pair(chance: np.random.Generator) -> None:
    """People differ a lot, the two methods always by the same: no doubt about the difference."""
    people = [replace(PAIR, identity=name, hidden_l1=e) for name, e in (("a", 0.1), ("b", 0.5))]
    worse = [replace(row, method="without", hidden_l1=row.hidden_l1 + 0.0625) for row in people]
    table = occlusion_table([*people, *worse], chance)
    (name, (difference, _)) = table.lines[-1]
    assert name == "without minus with"
    assert not isinstance(difference, float)
    assert difference.low == pytest.approx(0.0625)
    assert difference.high == pytest.approx(0.0625)


def test_pairs_that_hide_nothing_are_counted(chance: np.random.Generator) -> None:
    nothing_hidden = replace(PAIR, driving_frame=40, hidden_l1=math.nan, l1=100.0)
    table = occlusion_table([PAIR, nothing_hidden], chance)
    assert "1 people, 1 pairs, 1 dropped" in table.note
    assert table.plain()["lines"][0]["l1"]["mean"] == 0.5


def test_attention_is_compared_inside_and_outside(chance: np.random.Generator) -> None:
    rows = [
        RegionScore("one", "ann", 1, size, "nose", inside=0.75, outside=0.125)
        for size in (32, 64, 128)
    ]
    table = attention_table(rows, chance)
    cells = dict(table.lines)["nose"]
    assert [cells[i] for i in (2, 5)] == [6.0, 6.0]
    assert "| nose | 0.750 [0.750, 0.750] |" in table.markdown()
    assert "| hair | none | none | nan |" in table.markdown()


def test_likeness_is_shown_with_its_failures(chance: np.random.Generator) -> None:
    rows = [replace(FRAME, csim_mfn=0.75, failed=0.0), replace(FRAME, frame=2, failed=1.0)]
    table = reconstruction_table(rows, chance)
    assert table.columns == ("psnr", "ssim", "l1", "csim_mfn", "failed")
    line = table.plain()["lines"][0]
    assert (line["csim_mfn"]["mean"], line["csim_mfn"]["dropped"]) == (0.75, 1)
    assert line["failed"]["mean"] == 0.5
    assert "not comparable with ArcFace" in table.note


def test_pairs_weigh_the_same_and_missing_judges_have_no_column(
    chance: np.random.Generator,
) -> None:
    nan = math.nan
    row = CrossScore("m", "a < b", "a", "b", 0, 0, nan, nan, nan, nan, nan, 6.0, 0.25, 0.0)
    rows = [row, replace(row, frame=5), replace(row, clip="c < d", ard_reader=2.0)]
    table = cross_table(rows, chance)
    assert table.columns == ("ard_reader", "expr_reader", "failed")
    assert table.plain()["lines"][0]["ard_reader"]["mean"] == 4
    assert "2 pairs, 3 frames, 0 dropped" in table.note


def test_what_was_thinned_or_left_out_is_said(chance: np.random.Generator) -> None:
    table = reconstruction_table([FRAME], chance).annotated("thinned", ["Left out: sqz_dist."])
    assert table.title == "Same-identity reconstruction (thinned)"
    assert table.note.endswith("Left out: sqz_dist.")
    assert table.annotated("", []) == table


def test_a_table_of_nothing_can_be_shown(chance: np.random.Generator) -> None:
    for table in (
        reconstruction_table([], chance),
        occlusion_table([], chance),
        attention_table([], chance),
        cross_table([], chance),
    ):
        assert table.title in table.markdown()


def test_rows_and_summary_are_read_back(tmp_path: Path, chance: np.random.Generator) -> None:
    write_rows(tmp_path / "out" / "frames.csv", [FRAME])
    head, line = (tmp_path / "out" / "frames.csv").read_text().splitlines()
    assert head == "method,clip,identity,frame,psnr,ssim,l1,sqz_dist,csim_mfn,failed"
    assert line == "model,one,ann,1,20.0,0.5,0.25,nan,nan,nan"
    table = reconstruction_table([replace(FRAME, psnr=math.inf)], chance)
    write_summary(tmp_path / "summary.json", {"tables": [table.plain()], "with": versions()})
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["tables"][0]["lines"][0]["psnr"]["dropped"] == 1
    assert summary["tables"][0]["lines"][0]["psnr"]["mean"] is None


def test_clips_have_a_row_of_means_each(tmp_path: Path) -> None:
    rows = [FRAME, replace(FRAME, frame=2, psnr=30.0, csim_mfn=0.5), replace(FRAME, clip="two")]
    write_clip_means(tmp_path / "clips.csv", rows)
    with (tmp_path / "clips.csv").open(newline="") as stored:
        one, two = csv.DictReader(stored)
    assert (one["clip"], one["rows"], one["psnr"]) == ("one", "2", "25.0")
    assert (one["csim_mfn"], one["sqz_dist"]) == ("0.5", "nan")
    assert (two["clip"], two["rows"]) == ("two", "1")
    assert "frame" not in one


def test_a_failed_summary_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_summary(tmp_path / "summary.json", {"psnr": math.nan})
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_clips_has_a_hash() -> None:
    one, two = (Footage(name, Path(name), name) for name in ("one", "two"))
    assert list_hash([one, two]) != list_hash([two, one])
