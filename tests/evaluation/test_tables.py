import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reenact.data.clips import Footage
from reenact.evaluation.attention import RegionScore
from reenact.evaluation.occlusion import PairScore
from reenact.evaluation.reconstruction import FrameScore
from reenact.evaluation.report import list_hash, versions, write_rows, write_summary
from reenact.evaluation.tables import (
    attention_table,
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


def test_a_table_of_nothing_can_be_shown(chance: np.random.Generator) -> None:
    for table in (
        reconstruction_table([], chance),
        occlusion_table([], chance),
        attention_table([], chance),
    ):
        assert table.title in table.markdown()


def test_rows_and_summary_are_read_back(tmp_path: Path, chance: np.random.Generator) -> None:
    write_rows(tmp_path / "out" / "frames.csv", [FRAME])
    head, line = (tmp_path / "out" / "frames.csv").read_text().splitlines()
    assert head == "method,clip,identity,frame,psnr,ssim,l1,sqz_dist"
    assert line == "model,one,ann,1,20.0,0.5,0.25,nan"
    table = reconstruction_table([replace(FRAME, psnr=math.inf)], chance)
    write_summary(tmp_path / "summary.json", {"tables": [table.plain()], "with": versions()})
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["tables"][0]["lines"][0]["psnr"]["dropped"] == 1
    assert summary["tables"][0]["lines"][0]["psnr"]["mean"] is None


def test_a_failed_summary_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_summary(tmp_path / "summary.json", {"psnr": math.nan})
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_clips_has_a_hash() -> None:
    one, two = (Footage(name, Path(name), name) for name in ("one", "two"))
    assert list_hash([one, two]) != list_hash([two, one])
