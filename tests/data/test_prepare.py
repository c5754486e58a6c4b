from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import Tensor, nn

from footage import frames_of, write_footage
from reenact.data import prepare
from reenact.data.clips import find_clips
from reenact.data.decode import decode_clip, decode_still
from reenact.data.prepare import find_footage, prepare_folder
from reenact.data.readings import Readers
from reenact.data.sidecar import read_sidecar
from reenact.data.store import load_clips
from reenact.errors import DataError, MediaError
from reenact.perception.crop_reader import CropReading
from reenact.perception.cropping import crop_square
from reenact.records import Face, Image
from reenact.video import VideoWriter, save_image


class SquareReader(nn.Module):
    """Takes the box of all that is not the colour of the first pixel for the face."""

    code = "reader6"
    width = 6

    def __init__(self) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))

    def read(self, image: Image) -> list[Face]:
        different = np.abs(image.astype(int) - image[0, 0].astype(int)).sum(2) > 60
        rows, columns = np.flatnonzero(different.any(1)), np.flatnonzero(different.any(0))
        if len(rows) < 2:
            return []
        box = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=float)
        nothing = np.zeros(0)
        return [
            Face(
                box=box,
                landmarks=nothing,
                pose=nothing,
                pose_code=nothing,
                parsing=np.zeros((256, 256), dtype=np.uint8),
                crop=crop_square(box),
                expression=nothing,
                score=1.0,
            )
        ]

    def crop_reader(self, image: Tensor) -> tuple[CropReading, Tensor]:
        count = len(image)
        logits = torch.zeros(count, 15, *image.shape[-2:])
        logits[:, 3] = 1
        reading = CropReading(
            points=torch.zeros(count, 478, 2),
            depth=torch.ones(count, 478),
            pose=torch.tensor([0.0, 0.5, 0.0]).expand(count, 3),
            jaw=torch.full((count, 3), 0.25),
            expression=torch.zeros(count, 52),
            presence=torch.ones(count),
        )
        return reading, logits


def no_readers() -> Readers:
    raise AssertionError("prepared footage needs no reading")


@pytest.fixture(scope="module")
def reader() -> SquareReader:
    return SquareReader()


def write_clip(path: Path, count: int, *, blank: int = 0) -> None:
    frames = np.full((count, 180, 320, 3), 30, dtype=np.uint8)
    for number, frame in enumerate(frames[blank:]):
        x = 100 + number // 8
        frame[60:120, x : x + 50] = (200, 120, 90)
    with VideoWriter(path, rate=Fraction(25), comment=None) as sink:
        for frame in frames:
            sink.write(frame)


def test_footage_with_side_cars_keeps_its_crop_and_mesh(
    tmp_path: Path, reader: SquareReader
) -> None:
    source = write_footage(tmp_path / "in", {"ann": (3,)}, prepared=False)
    prepared = prepare_folder(source, tmp_path / "out", reader)  # type: ignore[arg-type]
    assert prepared.left_out == ()
    assert [path.relative_to(tmp_path / "out").as_posix() for path in prepared.kept] == [
        "clips/train/ann-00.mp4",
        "stills/ann-still.jpg",
    ]
    before = read_sidecar(source / "clips/train/ann-00.npz")
    after = read_sidecar(tmp_path / "out/clips/train/ann-00.npz")
    assert after.prepared
    assert_allclose(after.landmarks, before.landmarks, atol=0.13)
    assert after.parsing is not None
    assert (after.parsing == 3).all()
    bytes_before = (source / "clips/train/ann-00.mp4").read_bytes()
    assert (tmp_path / "out/clips/train/ann-00.mp4").read_bytes() == bytes_before
    assert (tmp_path / "out/manifest.csv").read_text() == (source / "manifest.csv").read_text()


def test_stills_and_their_mesh_are_cut_alike(tmp_path: Path, reader: SquareReader) -> None:
    source = write_footage(tmp_path / "in", {"ann": (2,)}, prepared=False)
    prepare_folder(source, tmp_path / "out", reader)  # type: ignore[arg-type]
    still = decode_still(tmp_path / "out/stills/ann-still.jpg")
    assert still.shape == (3, 256, 256)
    mesh = read_sidecar(tmp_path / "out/stills/ann-still.npz").landmarks[0]
    assert 0.55 < (mesh[152, 1] - mesh[10, 1]) / 256 < 0.63


def test_clips_are_cut_to_one_square_with_every_frame(tmp_path: Path, reader: SquareReader) -> None:
    (tmp_path / "in").mkdir()
    write_clip(tmp_path / "in/talk.mp4", 34)
    prepare_folder(tmp_path / "in", tmp_path / "out", reader)  # type: ignore[arg-type]
    clip = decode_clip(tmp_path / "out/talk.mp4", 256)
    sidecar = read_sidecar(tmp_path / "out/talk.npz")
    assert len(clip) == len(sidecar) == 34
    assert sidecar.fps == 25
    assert sidecar.pose_code is not None
    assert_allclose(sidecar.pose_code, np.tile([0, 0.5, 0, 0.25, 0.25, 0.25], (34, 1)))
    assert_allclose(sidecar.pose[0], [np.degrees(0.5), 0, 0], atol=0.02)
    assert_allclose(sidecar.landmarks[..., :2], 128, atol=0.1)
    reddish = (clip[0, 0].int() - clip[0, 2].int()) > 60
    height = int(reddish.any(1).sum())
    assert abs(height / 256 - 1 / 1.62) < 0.06


def test_a_clip_is_never_in_memory_as_a_whole(
    tmp_path: Path, reader: SquareReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    read = reader.crop_reader

    def counting(image: Tensor) -> tuple[CropReading, Tensor]:
        sizes.append(len(image))
        return read(image)

    monkeypatch.setattr(prepare, "BATCH", 16)
    monkeypatch.setattr(reader, "crop_reader", counting)
    (tmp_path / "in").mkdir()
    write_clip(tmp_path / "in/talk.mp4", 34)
    prepare_folder(tmp_path / "in", tmp_path / "out", reader)  # type: ignore[arg-type]
    assert sizes == [16, 16, 2]
    assert len(read_sidecar(tmp_path / "out/talk.npz")) == 34


def test_clips_may_be_short(tmp_path: Path, reader: SquareReader) -> None:
    (tmp_path / "in").mkdir()
    write_clip(tmp_path / "in/blink.mp4", 2)
    assert not prepare_folder(tmp_path / "in", tmp_path / "out", reader).left_out  # type: ignore[arg-type]
    assert len(decode_clip(tmp_path / "out/blink.mp4", 256)) == 2


def test_folders_of_pictures_become_clips_to_train_on(tmp_path: Path, reader: SquareReader) -> None:
    folder = tmp_path / "vox/train/id1#video#000001#000003.mp4"
    folder.mkdir(parents=True)
    for number, shade in enumerate((90, 140, 190)):
        picture = np.full((100, 120, 3), 20, dtype=np.uint8)
        picture[30:70, 40:80] = shade
        save_image(folder / f"{number:07d}.png", picture)
    assert not prepare_folder(tmp_path / "vox", tmp_path / "out", reader).left_out  # type: ignore[arg-type]
    (clip,) = find_clips(tmp_path / "out")
    assert (clip.path.is_file(), clip.identity) == (True, "id1")
    assert read_sidecar(clip.sidecar).fps == 25
    store = load_clips([clip], 64, torch.device("cpu"), no_readers)
    middles = store.frames[:, :, 24:40, 24:40].float().mean(dim=(1, 2, 3))
    assert_allclose(middles, [90, 140, 190], atol=6)


def test_what_is_done_is_not_done_again(tmp_path: Path, reader: SquareReader) -> None:
    source = write_footage(tmp_path / "in", {"ann": (3,)}, prepared=False)
    prepare_folder(source, tmp_path / "out", reader)  # type: ignore[arg-type]
    before = (tmp_path / "out/clips/train/ann-00.npz").stat().st_mtime_ns
    again = prepare_folder(source, tmp_path / "out", reader)  # type: ignore[arg-type]
    assert len(again.kept) == 2
    assert (tmp_path / "out/clips/train/ann-00.npz").stat().st_mtime_ns == before


def test_readings_without_their_pictures_are_not_done(tmp_path: Path, reader: SquareReader) -> None:
    source = write_footage(tmp_path / "in", {"ann": (3,)}, prepared=False)
    for path in prepare_folder(source, tmp_path / "out", reader).kept:  # type: ignore[arg-type]
        path.unlink()
    again = prepare_folder(source, tmp_path / "out", reader)  # type: ignore[arg-type]
    assert len(again.kept) == 2
    assert all(path.is_file() for path in again.kept)


def test_what_cannot_be_used_is_left_out_and_named(tmp_path: Path, reader: SquareReader) -> None:
    (tmp_path / "in").mkdir()
    write_clip(tmp_path / "in/moment.mp4", 1)
    write_clip(tmp_path / "in/faceless.mp4", 34, blank=20)
    save_image(tmp_path / "in/plain.png", np.full((64, 64, 3), 9, np.uint8))
    (tmp_path / "in/torn.mp4").write_bytes(b"no video")
    prepared = prepare_folder(tmp_path / "in", tmp_path / "out", reader)  # type: ignore[arg-type]
    assert prepared.kept == ()
    assert [reason.split(":")[0].rsplit("/", 1)[-1] for reason in prepared.left_out] == [
        "faceless.mp4",
        "moment.mp4",
        "plain.png",
        "torn.mp4",
    ]
    assert not list((tmp_path / "out").rglob("*.npz"))


@pytest.mark.parametrize("out", ["in", "in/prepared", "."])
def test_footage_is_never_written_over(tmp_path: Path, reader: SquareReader, out: str) -> None:
    source = write_footage(tmp_path / "in", {"ann": (3,)})
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    with pytest.raises(DataError, match="expected one apart"):
        prepare_folder(source, tmp_path / out, reader)  # type: ignore[arg-type]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_names_that_would_share_readings_are_left_out(tmp_path: Path, reader: SquareReader) -> None:
    (tmp_path / "in").mkdir()
    picture = np.full((90, 120, 3), 30, np.uint8)
    picture[30:60, 40:70] = 200
    for name in ("x.jpg", "x.png"):
        save_image(tmp_path / "in" / name, picture)
    prepared = prepare_folder(tmp_path / "in", tmp_path / "out", reader)  # type: ignore[arg-type]
    assert prepared.kept == (tmp_path / "out/x.jpg",)
    assert len(prepared.left_out) == 1
    assert "x.png: found x.jpg" in prepared.left_out[0]


def test_a_file_is_no_folder_to_write_to(tmp_path: Path, reader: SquareReader) -> None:
    source = write_footage(tmp_path / "in", {"ann": (3,)})
    (tmp_path / "out").touch()
    with pytest.raises(MediaError, match="cannot be a folder"):
        prepare_folder(source, tmp_path / "out", reader)  # type: ignore[arg-type]


def test_readings_that_cannot_be_written_end_the_run(tmp_path: Path, reader: SquareReader) -> None:
    source = write_footage(tmp_path / "in", {"ann": (3,)})
    (tmp_path / "out/clips/train/ann-00.npz").mkdir(parents=True)
    with pytest.raises(DataError, match="train: cannot be written to"):
        prepare_folder(source, tmp_path / "out", reader)  # type: ignore[arg-type]


def test_a_manifest_that_cannot_be_copied_ends_the_run(
    tmp_path: Path, reader: SquareReader
) -> None:
    source = write_footage(tmp_path / "in", {"ann": (3,)})
    (source / "manifest.csv").touch()
    (tmp_path / "out/manifest.csv").mkdir(parents=True)
    with pytest.raises(DataError, match=r"out/manifest\.csv: the manifest cannot be copied"):
        prepare_folder(source, tmp_path / "out", reader)  # type: ignore[arg-type]


def test_frames_of_a_clip_are_not_stills(tmp_path: Path) -> None:
    clip = tmp_path / "id1#v#1#2.mp4"
    clip.mkdir()
    save_image(clip / "0000000.png", frames_of(1, 0)[0])
    (tmp_path / "notes.txt").touch()
    assert list(find_footage(tmp_path)) == [clip]


def test_folders_without_footage_are_named(tmp_path: Path, reader: SquareReader) -> None:
    empty = tmp_path / "in"
    empty.mkdir()
    with pytest.raises(DataError, match="holds no videos and no pictures"):
        prepare_folder(empty, tmp_path / "out", reader)  # type: ignore[arg-type]
