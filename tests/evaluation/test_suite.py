import json
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from reenact.checkpoint import save_model
from reenact.config import ModelConfig, load_config
from reenact.data.decode import decode_still
from reenact.data.sidecar import SideCar, write_sidecar
from reenact.errors import ConfigError, DataError
from reenact.evaluation import opening
from reenact.evaluation.clips import ScoredClip, find_scored_clips, open_clips
from reenact.evaluation.opening import common_size, open_suite, short_names
from reenact.evaluation.protocols import USUAL, Protocol
from reenact.evaluation.sheet import TILE
from reenact.evaluation.suite import Suite, exact_kernels
from reenact.evaluation.thinning import Thinning
from reenact.model import build_model
from reenact.perception import weights

CPU = torch.device("cpu")
SaveModel = Callable[..., str]


def write_clip(root: Path, name: str, frames: int = 24, sidecar_frames: int = 24) -> None:
    """A folder of pictures that grow brighter, of a head that turns from -40 to 40 degrees."""
    folder = root / "clips" / "test" / name
    folder.mkdir(parents=True)
    for number in range(frames):
        picture = np.full((64, 64, 3), 8 * number, dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"{number:03}.png"), picture)
    pose = np.zeros((sidecar_frames, 3))
    pose[:, 0] = np.linspace(-40, 40, sidecar_frames)
    parsing = np.zeros((sidecar_frames, 256, 256), np.uint8)
    parsing[:, 100:] = 1
    parsing[sidecar_frames // 2 :, :50] = 14
    write_sidecar(
        folder.with_name(f"{name}.npz"),
        SideCar(
            landmarks=np.zeros((sidecar_frames, 4, 3)),
            pose=pose,
            valid=np.ones(sidecar_frames, bool),
            detected=np.ones(sidecar_frames, bool),
            pose_code=np.zeros((sidecar_frames, 6)),
            parsing=parsing,
        ),
    )


@pytest.fixture
def save(tmp_path: Path) -> SaveModel:
    def run(name: str, *overrides: str) -> str:
        torch.manual_seed(0)
        config = load_config(ModelConfig, overrides=["size=tiny", *overrides])
        save_model(build_model(config), tmp_path / name, config)
        return str(tmp_path / name)

    return run


@pytest.fixture
def suite(
    tmp_path: Path, save: SaveModel, reader: object, monkeypatch: pytest.MonkeyPatch
) -> Suite:
    write_clip(tmp_path, "turning")
    monkeypatch.setattr(opening, "load_reader", lambda path, device: reader)
    monkeypatch.setattr(opening.checkpoint, "weights_hash", lambda module: "c" * 64)
    models = (save("with.safetensors"), save("without.safetensors", "bank.enabled=false"))
    return open_suite(
        models, tmp_path, ["test"], CPU, sqz_dist=False, identity=False, batch_size=32
    )


def unwatched(clips: Iterable[ScoredClip], total: int, stage: str) -> Iterable[ScoredClip]:
    return clips


def test_every_protocol_ends_in_a_table_and_files(suite: Suite, tmp_path: Path) -> None:
    results = [(which, *suite.measure(which, unwatched)) for which in USUAL]
    suite.write(tmp_path / "out", results)
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    reconstruction, occlusion, attention = summary["tables"]
    names = [line["name"] for line in reconstruction["lines"]]
    assert names == ["with", "without", "repeat the source"]
    assert reconstruction["lines"][0]["psnr"]["samples"] == 23
    assert occlusion["lines"][2]["name"] == "without minus with"
    assert occlusion["lines"][0]["hidden_l1"]["samples"] > 0
    assert attention["lines"][0]["ratio at 32"] == pytest.approx(1, rel=0.5)
    for which, rows, _ in results:
        lines = (tmp_path / "out" / f"{which.value}.csv").read_text().splitlines()
        assert lines[0].split(",") == [field.name for field in fields(rows[0])]
        assert len(lines) == len(rows) + 1


def test_one_person_drives_another(
    tmp_path: Path, save: SaveModel, reader: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "bob", "cat"):
        write_clip(tmp_path, name)
    monkeypatch.setattr(opening, "load_reader", lambda path, device: reader)
    monkeypatch.setattr(opening.checkpoint, "weights_hash", lambda module: "c" * 64)
    monkeypatch.setattr(weights, "folders", lambda: (tmp_path,))
    suite = open_suite(
        (save("model.safetensors"),),
        tmp_path,
        ["test"],
        CPU,
        protocols=[Protocol.CROSS],
        thinning=Thinning(frames=3),
    )
    rows, table = suite.measure(Protocol.CROSS, unwatched)
    assert [name for name, _ in table.lines] == [
        "model, absolute",
        "model, relative",
        "repeat the source",
        "repeat the driving frame",
    ]
    assert len(rows) == 3 * 3 * 4
    assert "thinned to at most 3 frames a clip" in table.title
    assert "Left out: csim_mfn" in table.note
    assert dict(table.lines)["repeat the driving frame"][0].mean == 0  # type: ignore[union-attr]
    results = [(Protocol.CROSS, rows, table)]
    suite.write(tmp_path / "out", results)
    assert len(json.loads((tmp_path / "out/summary.json").read_text())["pairs"]) == 3
    assert len((tmp_path / "out/cross-clips.csv").read_text().splitlines()) == 1 + 3 * 4
    suite.draw(tmp_path / "sheet.png", results)
    assert decode_still(tmp_path / "sheet.png").shape[1] > 2 * TILE


def test_the_hardest_frames_can_be_looked_at(suite: Suite, tmp_path: Path) -> None:
    measured = suite.measure(Protocol.RECONSTRUCTION, unwatched)
    suite.draw(tmp_path / "sheet.png", [(Protocol.RECONSTRUCTION, *measured)])
    assert decode_still(tmp_path / "sheet.png").shape[1] > TILE
    with pytest.raises(ConfigError, match="nothing to show of attention"):
        suite.draw(tmp_path / "other.png", [(Protocol.ATTENTION, [], measured[1])])


def test_tables_say_that_a_folder_has_no_splits(suite: Suite, tmp_path: Path) -> None:
    assert "no splits" not in suite.measure(Protocol.ATTENTION, unwatched)[1].note
    opened = open_suite(
        [str(tmp_path / "with.safetensors")],
        tmp_path / "clips/test",
        ["test"],
        CPU,
        sqz_dist=False,
        identity=False,
        batch_size=32,
    )
    for which in USUAL:
        note = opened.measure(which, unwatched)[1].note
        assert "The folder has no splits: all 1 clips." in note


def test_thinned_tables_say_so(suite: Suite) -> None:
    thinned = replace(suite, thinning=Thinning(every=4))
    rows, table = thinned.measure(Protocol.RECONSTRUCTION, unwatched)
    assert {row.frame for row in rows} == {1, 5, 9, 13, 17, 21}
    assert "not the protocol's frames" in table.title
    assert "thinned" not in thinned.measure(Protocol.ATTENTION, unwatched)[1].title


def test_precision_is_put_back() -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    with exact_kernels():
        assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_float32_matmul_precision() == "medium"
    torch.set_float32_matmul_precision(before)


def test_the_same_seed_gives_the_same_table_whatever_ran_before(suite: Suite) -> None:
    alone = [suite.measure(which, unwatched)[1] for which in USUAL]
    again = [suite.measure(which, unwatched)[1] for which in reversed(USUAL)]
    assert [t.markdown() for t in alone] == [t.markdown() for t in reversed(again)]


def test_models_of_different_sizes_cannot_be_compared(save: SaveModel) -> None:
    names = [save("small.safetensors"), save("large.safetensors", "image_size=96")]
    assert common_size(names[:1]) == 64
    with pytest.raises(ConfigError, match="different lengths"):
        common_size(names)


def test_models_are_called_by_their_stems_unless_these_recur() -> None:
    assert [*short_names(["runs/a.safetensors", "b"])] == ["a", "b"]
    recurring = ["a/best.safetensors", "b/best.safetensors"]
    assert [*short_names(recurring)] == recurring


def test_a_clip_and_its_side_car_must_be_of_one_length(tmp_path: Path) -> None:
    write_clip(tmp_path, "cut", frames=5)
    with pytest.raises(DataError, match=r"5 frames decoded, expected 24 as in its side-car"):
        list(open_clips(find_scored_clips(tmp_path, ["test"]), 64))


def test_validation_needs_its_people(tmp_path: Path) -> None:
    write_clip(tmp_path, "someone")
    (tmp_path / "clips/test").rename(tmp_path / "clips/train")
    with pytest.raises(DataError, match="none of the validation people"):
        find_scored_clips(tmp_path, ["validation"])


def test_clips_without_a_side_car_can_be_scored(tmp_path: Path) -> None:
    write_clip(tmp_path, "bare")
    (tmp_path / "clips/test/bare.npz").unlink()
    (clip,) = open_clips(find_scored_clips(tmp_path, ["test"]), 64)
    assert len(clip) == 24
    assert clip.labels is None
    assert clip.yaw is None
