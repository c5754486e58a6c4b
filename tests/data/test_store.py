from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from footage import write_footage
from reenact.data import readings
from reenact.data.clips import find_clips, find_stills
from reenact.data.pairs import PairBatch
from reenact.data.readings import ReadAhead, Readers
from reenact.data.sampling import ClipPairs, StillPairs
from reenact.data.sidecar import read_sidecar, write_sidecar
from reenact.data.store import (
    ClipStore,
    cut_square,
    group_identities,
    load_clips,
    load_stills,
    read_sidecars,
    scaled,
    with_codes,
)
from reenact.data.tracks import NUM_TRACKS
from reenact.data.visibility import mesh_triangles, visible_points
from reenact.errors import DataError
from reenact.perception.config import CropReaderConfig, ReaderConfig
from reenact.perception.reader import FaceReader
from reenact.records import Parsing

CPU = torch.device("cpu")


class Reader:
    """Calls everything skin, and takes the mean colour for the pose."""

    code = "reader6"
    width = 6

    def parse(self, image: Tensor) -> Parsing:
        return Parsing(torch.ones(image.shape[0], *image.shape[-2:], dtype=torch.uint8))

    def encode(self, image: Tensor) -> Tensor:
        return image.mean((2, 3)).repeat(1, 2)


def no_readers() -> Readers:
    raise AssertionError("side-cars are complete: nothing is to be read")


def stub_readers() -> Readers:
    return Readers(parser=Reader(), pose_encoder=Reader())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_footage(tmp_path_factory.mktemp("data"), {"ann": (4, 3), "bob": (5,)})


@pytest.fixture(scope="module")
def store(root: Path) -> ClipStore:
    return load_clips(find_clips(root), 64, CPU, no_readers)


def test_clips_lie_one_after_the_other(store: ClipStore) -> None:
    assert store.names == ("ann-00", "ann-01", "bob-00")
    assert store.starts.tolist() == [0, 4, 7]
    assert store.lengths.tolist() == [4, 3, 5]
    assert store.frames.shape == (12, 3, 64, 64)
    assert store.parsing.shape == (12, 64, 64)


def test_points_drift_by_the_pixels_of_the_side_car(store: ClipStore) -> None:
    drift = (store.points[1] - store.points[0])[:, 0]
    assert_close(drift, torch.full_like(drift, 2 / 255), atol=2e-3, rtol=0)


def test_followed_shoulders_come_after_the_mesh(root: Path, store: ClipStore) -> None:
    followed = load_clips(find_clips(root), 64, CPU, no_readers, follow=True)
    count = store.points.shape[1]
    assert torch.equal(followed.points[:, :count], store.points)
    assert torch.equal(followed.visible[:, :count], store.visible)
    assert followed.points.shape == (12, count + NUM_TRACKS, 2)
    assert followed.visible.shape == (12, count + NUM_TRACKS)


def test_every_person_is_drawn_equally_often(store: ClipStore) -> None:
    clips = store.identities.draw(4000, torch.Generator().manual_seed(0))
    share = torch.bincount(clips, minlength=3) / 4000
    assert_close(share, torch.tensor([0.25, 0.25, 0.5]), atol=0.04, rtol=0)


def test_pairs_stay_within_a_clip_and_run_forward(store: ClipStore) -> None:
    numbers = torch.arange(12.0).unsqueeze(1).expand(12, 6)
    pairs = ClipPairs(replace(store, pose=numbers)).draw(200, torch.Generator().manual_seed(1))
    source, driving = pairs.source_pose[:, 0].long(), pairs.driving_pose[:, 0].long()
    assert (source <= driving).all()
    clip_of = torch.repeat_interleave(torch.arange(3), store.lengths)
    assert (clip_of[source] == clip_of[driving]).all()


def test_far_pairs_turn_further(store: ClipStore) -> None:
    numbers = torch.arange(12.0).unsqueeze(1).expand(12, 6)

    def turn(far_share: float) -> torch.Tensor:
        pairs = ClipPairs(replace(store, pose=numbers), far_share)
        drawn = pairs.draw(500, torch.Generator().manual_seed(1))
        return (drawn.source_pose - drawn.driving_pose)[:, 0].abs().mean()

    assert turn(1.0) > 1.5 * turn(0.0)


def test_the_same_chance_draws_the_same_pairs(store: ClipStore) -> None:
    one, other = (ClipPairs(store).draw(5, torch.Generator().manual_seed(7)) for _ in range(2))
    for mine, theirs in zip(one.tensors(), other.tensors(), strict=True):
        assert_close(mine, theirs)


def test_missing_readings_are_read_once(tmp_path: Path) -> None:
    bare = write_footage(tmp_path / "bare", {"ann": (3,)}, prepared=False)
    store = load_clips(find_clips(bare), 64, CPU, stub_readers)
    assert (store.parsing == 1).all()
    means = store.frames.float().mean((2, 3)) / 255
    assert_close(store.pose[:, :3], means, atol=0.02, rtol=0)


def test_pictures_are_read_in_batches_of_one_size_while_others_arrive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readings, "READ_BATCH", 4)
    images = torch.randint(0, 256, (10, 3, 256, 256), dtype=torch.uint8)
    sizes: list[int] = []

    class Counting(Reader):
        def encode(self, image: Tensor) -> Tensor:
            sizes.append(len(image))
            return super().encode(image)

    ahead = ReadAhead(images, Readers(parser=Reader(), pose_encoder=Counting()))
    ahead.read_up_to(6)
    assert sizes == [4]
    labels, codes = ahead.finish()
    assert sizes == [4, 4, 4]
    assert labels.shape == (10, 256, 256)
    assert_close(codes, Reader().encode(images.float() / 255))


def test_the_shipped_reader_runs_its_backbone_once() -> None:
    widths = (4, 4, 8, 8, 8)
    crop = CropReaderConfig(
        widths=widths, depths=(0, 0, 0, 0), neck=8, hidden=16, decoder=(8, 8, 4)
    )
    reader = FaceReader(ReaderConfig(crop=crop)).eval()
    crops = torch.rand(2, 3, 256, 256)
    runs: list[object] = []
    reader.crop_reader.backbone.register_forward_hook(lambda *_: runs.append(0))
    with torch.no_grad():
        labels, codes = Readers(parser=reader, pose_encoder=reader).read(crops)
    assert len(runs) == 1
    assert_close(labels, reader.parse(crops).labels)
    assert_close(codes, reader.encode(crops))


def test_clips_longer_than_their_side_car_are_refused(tmp_path: Path) -> None:
    root = write_footage(tmp_path / "data", {"ann": (3,)})
    clip = find_clips(root)[0]
    other = write_footage(tmp_path / "other", {"ann": (4,)})
    write_sidecar(clip.sidecar, read_sidecar(find_clips(other)[0].sidecar))
    with pytest.raises(DataError, match="3 frames decoded, expected 4"):
        load_clips((clip,), 64, CPU, no_readers)


def test_points_outside_the_picture_are_not_seen(tmp_path: Path) -> None:
    root = write_footage(tmp_path / "data", {"ann": (2,)})
    clip = find_clips(root)[0]
    sidecar = read_sidecar(clip.sidecar)
    aside = sidecar.landmarks.copy()
    aside[1, :, 0] += 128
    write_sidecar(clip.sidecar, replace(sidecar, landmarks=aside))
    store = load_clips((clip,), 64, CPU, no_readers)
    left = store.points[1, :, 0] > 1
    assert 100 < left.sum() < 400
    assert not store.visible[1, left].any()
    assert store.visible[0, :468].sum() > store.visible[1, :468].sum() > 100


def test_side_cars_read_before_are_not_read_again(tmp_path: Path) -> None:
    root = write_footage(tmp_path / "data", {"ann": (2,)})
    clips = find_clips(root)
    sidecars = read_sidecars(clips)
    clips[0].sidecar.unlink()
    store = load_clips(clips, 64, CPU, no_readers, sidecars)
    known = with_codes(sidecars, store)[0]
    assert known.pose_code is not None
    assert_close(torch.from_numpy(known.pose_code), store.pose)
    assert known.parsing is None


def test_stills_are_cut_to_the_crop_square_with_their_mesh(root: Path) -> None:
    stills = load_stills(find_stills(root), 128, CPU, no_readers)
    assert stills.images.shape == (2, 3, 128, 128)
    centre = stills.landmarks[0, :468, 0].mean()
    assert_close(centre, torch.tensor(64.0), atol=3.0, rtol=0)
    height = stills.landmarks[0, 152, 1] - stills.landmarks[0, 10, 1]
    assert 0.5 < height / 128 < 1 / 1.62 + 0.02


def test_stills_are_drawn_by_person(root: Path) -> None:
    class Renderer:
        def __init__(self) -> None:
            self.seen = torch.zeros(0)

        def render(self, index: Tensor, generator: torch.Generator) -> PairBatch:
            self.seen = index
            return None  # type: ignore[return-value]

    renderer = Renderer()
    stills = load_stills(find_stills(root), 32, CPU, no_readers)
    StillPairs(stills, renderer).draw(6, torch.Generator().manual_seed(0))
    assert renderer.seen.shape == (6,)
    assert set(renderer.seen.tolist()) <= {0, 1}


def test_a_square_of_the_whole_picture_is_the_picture() -> None:
    image = (torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0)) * 255).byte()
    smooth = torch.nn.functional.avg_pool2d(image.float(), 5, 1, 2).byte()
    whole = cut_square(smooth, (0.0, 0.0, 32.0), 32)
    assert (whole.float() - smooth.float()).abs().mean() < 3


def test_a_square_moves_with_the_picture() -> None:
    ramp = torch.arange(64, dtype=torch.uint8).expand(3, 64, 64)
    square = cut_square(ramp, (16.0, 16.0, 32.0), 32)
    assert_close(square[0, 0], torch.arange(16, 48, dtype=torch.uint8), atol=1, rtol=0)


def test_outside_the_picture_its_border_goes_on() -> None:
    ramp = torch.arange(32, dtype=torch.uint8).expand(3, 32, 32)
    assert (cut_square(ramp, (-40.0, 0.0, 32.0), 32) == 0).all()


def test_scaled_chance_never_reaches_the_count() -> None:
    almost_one = torch.tensor([0.0, 0.5, 1 - 2**-24])
    assert scaled(almost_one, torch.tensor([3, 3, 3])).tolist() == [0, 1, 2]


def test_groups_are_padded_with_their_own() -> None:
    groups = group_identities(["a", "b", "a"], CPU)
    assert groups.items.tolist() == [[0, 2], [1, 1]]
    assert groups.counts.tolist() == [2, 1]


def test_turned_faces_hide_their_far_side(store: ClipStore) -> None:
    from footage import frontal_mesh

    mesh = torch.from_numpy(frontal_mesh())
    angle = torch.deg2rad(torch.tensor(50.0))
    turn = torch.tensor([[angle.cos(), 0, -angle.sin()], [0, 1, 0], [angle.sin(), 0, angle.cos()]])
    centre = mesh.mean(0)
    turned = (mesh - centre) @ turn.T + centre
    triangles = mesh_triangles()
    ahead, aside = visible_points(torch.stack([mesh, turned]), triangles)
    assert ahead[:468].float().mean() > 0.85
    right, left = 50, 280  # cheeks of the person's right and left
    assert ahead[right]
    assert ahead[left]
    assert aside[right] != aside[left]
    nose_moves_right = turned[1, 0] > mesh[1, 0]
    assert aside[right if nose_moves_right else left]


def test_unknown_points_are_hidden() -> None:
    unknown = torch.full((1, 478, 3), torch.nan)
    assert not visible_points(unknown, mesh_triangles()).any()
