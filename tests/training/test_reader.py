"""The training of the face reader: laws of its variations, its losses, and a tiny run."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.motion.rotation import euler_from_matrix, matrix_from_euler
from reenact.perception.config import CropReaderConfig, DetectorConfig, ReaderConfig
from reenact.perception.crop_reader import CropReading
from reenact.perception.mesh import OUTLINE
from reenact.perception.reader import FaceReader, load_reader
from reenact.training.reader import losses
from reenact.training.reader.augment import (
    CROP_RESOLUTIONS,
    Placement,
    chance,
    compress,
    degrade,
    mirror,
    occlude,
    place,
    random_placement,
    recolour,
)
from reenact.training.reader.batch import ReaderBatch
from reenact.training.reader.compose import compose_pictures
from reenact.training.reader.glasses import LABEL, draw_glasses, glasses_zone
from reenact.training.reader.inspection import Inspection, angle_between, landmark_error
from reenact.training.reader.loop import ReaderTraining, train_reader
from reenact.training.reader.step import BatchSizes, LossWeights, crop_batch, step_data, step_loss
from reenact.training.reader.store import Labelled, ReaderStore, read_labelled, to_unit

SMALL = ReaderConfig(
    detector=DetectorConfig(widths=(4, 4, 8, 8, 8), depths=(0, 0, 0, 0), neck=8),
    crop=CropReaderConfig(
        widths=(4, 4, 8, 8, 8), depths=(0, 0, 0, 0), neck=8, hidden=16, decoder=(8, 8, 4)
    ),
)


def labelled(count: int = 4) -> Labelled:
    """Grey discs as faces, the outline of the mesh on their rim."""
    chances = np.random.default_rng(0)
    angle = np.linspace(0, 2 * np.pi, len(OUTLINE), endpoint=False)
    mesh = chances.uniform(100, 150, (478, 3))
    mesh[list(OUTLINE), 0] = 128 + 60 * np.sin(angle)
    mesh[list(OUTLINE), 1] = 140 - 75 * np.cos(angle)
    for point, x, y in ((33, 90, 120), (133, 115, 120), (263, 166, 120), (362, 141, 120)):
        mesh[point, :2] = x, y
    for above, below, x in ((105, 118, 102), (334, 347, 154)):
        mesh[above, :2], mesh[below, :2] = (x, 105), (x, 140)
    labels = np.zeros((256, 256), np.uint8)
    cv2.fillPoly(labels, [mesh[list(OUTLINE), :2].astype(np.int32)], 1)
    image = np.where(labels[..., None] > 0, 180, 40) + chances.integers(0, 30, (256, 256, 3))
    return Labelled(
        images=np.repeat(image[None].astype(np.uint8), count, axis=0),
        labels=np.repeat(labels[None], count, axis=0),
        landmarks=np.repeat(mesh[None].astype(np.float32), count, axis=0),
        pose=np.tile(np.array([[20.0, 5.0, -3.0]], np.float32), (count, 1)),
        jaw=np.tile(np.array([[0.2, 0.1, 0.0]], np.float32), (count, 1)),
        expression=chances.uniform(0, 1, (count, 52)).astype(np.float32),
        identity=[str(i) for i in range(count)],
        names=["stills/a", "clips/train/b"] * (count // 2),
    )


@pytest.fixture
def store() -> ReaderStore:
    return ReaderStore(labelled(), synthetic=2, device=torch.device("cpu"))


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def batch(store: ReaderStore) -> ReaderBatch:
    return store.batch(torch.arange(4))


def negatives() -> Tensor:
    chances = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (3, 3, 320, 320), generator=chances, dtype=torch.uint8)


def still(count: int) -> Placement:
    zero = torch.zeros(count)
    return Placement(scale=zero + 1, angle=zero, shift=torch.zeros(count, 2))


def no_fill(count: int) -> Tensor:
    return torch.zeros(count, dtype=torch.bool)


def test_the_placement_that_moves_nothing_changes_nothing(batch: ReaderBatch) -> None:
    same = place(batch, still(4), torch.zeros_like(batch.image), no_fill(4))
    assert_close(same.image, batch.image, atol=1e-4, rtol=0)
    assert (same.labels == batch.labels).all()
    assert_close(same.points, batch.points)
    assert_close(same.rotation, batch.rotation)


def test_points_stay_on_the_picture_wherever_it_is_placed(
    batch: ReaderBatch, generator: torch.Generator
) -> None:
    """The outline of the mesh bounds the labelled disc before and after."""
    moved = place(batch, random_placement(4, generator), batch.image, no_fill(4))
    for index in range(4):
        drawn = np.zeros((256, 256), np.uint8)
        pixels = (moved.points[index, list(OUTLINE), :2].numpy() + 1) * 127.5
        cv2.fillPoly(drawn, [pixels.round().astype(np.int32)], 1)
        assert (drawn != moved.labels[index].numpy()).mean() < 0.015


def test_a_quarter_turn_worked_by_hand(batch: ReaderBatch) -> None:
    """Counter-clockwise: what was right is above, and roll grows by ninety degrees."""
    turn = replace(still(4), angle=torch.full((4,), math.pi / 2))
    frontal = replace(batch, rotation=torch.eye(3).expand(4, 3, 3))
    right = replace(frontal, points=torch.tensor([0.5, 0.0, 0.0]).expand(4, 478, 3))
    turned = place(right, turn, batch.image, no_fill(4))
    assert_close(turned.points[0, 0], torch.tensor([0.0, -0.5, 0.0]), atol=1e-6, rtol=0)
    assert_close(turned.image, batch.image.rot90(1, (-2, -1)), atol=1e-3, rtol=0)
    assert euler_from_matrix(turned.rotation)[0].tolist() == pytest.approx([0, 0, 90], abs=1e-4)


def test_mirroring_twice_changes_nothing(batch: ReaderBatch) -> None:
    every = torch.ones(4, dtype=torch.bool)
    twice = mirror(mirror(batch, every), every)
    for name in ("image", "labels", "points", "rotation", "jaw", "expression"):
        assert_close(getattr(twice, name), getattr(batch, name))


def test_mirroring_swaps_sides(batch: ReaderBatch) -> None:
    marked = replace(batch, labels=torch.full_like(batch.labels, 4))
    once = mirror(marked, torch.tensor([True, False, False, False]))
    assert (once.labels[0] == 5).all()
    assert (once.labels[1] == 4).all()
    assert euler_from_matrix(once.rotation)[0].tolist() == pytest.approx([-20, 5, 3], abs=1e-3)
    assert_close(once.points[0, 263, 0], -batch.points[0, 33, 0])
    assert once.jaw[0, 1] == -batch.jaw[0, 1]


def test_what_is_covered_loses_its_label(batch: ReaderBatch, generator: torch.Generator) -> None:
    covered = occlude(batch, generator, share=1.0)
    lost = covered.labels != batch.labels
    assert lost.any()
    assert (covered.labels[lost] == 0).all()
    assert_close(covered.points, batch.points)


def test_drawn_glasses_lie_where_glasses_can_be(
    batch: ReaderBatch, generator: torch.Generator
) -> None:
    chosen = torch.tensor([True, True, True, False])
    worn = draw_glasses(batch, chosen, generator)
    glasses = worn.labels == LABEL
    assert glasses[:3].flatten(1).any(dim=1).all()
    assert_close(worn.image[3], batch.image[3])
    zone = glasses_zone(batch.points, 256)
    assert (glasses & ~zone).sum() < 0.2 * glasses.sum()


def test_light_and_compression_stay_in_range(
    batch: ReaderBatch, generator: torch.Generator
) -> None:
    image = degrade(recolour(batch.image, generator), generator, CROP_RESOLUTIONS)
    assert image.shape == batch.image.shape
    assert image.min() >= 0
    assert image.max() <= 1


def test_no_compression_changes_nothing(batch: ReaderBatch) -> None:
    assert_close(compress(batch.image, torch.zeros(4)), batch.image, atol=1e-3, rtol=0)


def test_chance_zero_and_one(generator: torch.Generator) -> None:
    assert not chance(50, 0.0, generator).any()
    assert chance(50, 1.0, generator).all()


def test_boxes_of_composed_pictures_hold_the_pasted_discs(
    store: ReaderStore, generator: torch.Generator
) -> None:
    pictures = compose_pictures(store, negatives(), 12, generator)
    assert pictures.image.shape == (12, 3, 320, 320)
    assert pictures.boxes.shape == (12, 4, 4)
    sizes = (pictures.boxes[..., 2:] - pictures.boxes[..., :2])[pictures.valid]
    assert pictures.valid.any(dim=1).float().mean() > 0.5
    assert (sizes > 20).all()


def test_a_faceless_crop_teaches_presence_alone(
    store: ReaderStore, generator: torch.Generator
) -> None:
    sizes = BatchSizes(crops=4, heads=1, empty=3, pictures=2)
    batch = crop_batch(store, negatives(), sizes, generator)
    empty = batch.face == 0
    assert empty.sum() == 3
    for weight in (batch.point_weight, batch.pose_weight, batch.expression_weight):
        assert (weight[empty] == 0).all()
    assert (batch.labels[empty] == 0).all()


def perfect(batch: ReaderBatch) -> CropReading:
    return CropReading(
        points=batch.points[..., :2],
        depth=batch.points[..., 2],
        pose=torch.zeros(len(batch), 3),
        jaw=batch.jaw,
        expression=batch.expression.logit(),
        presence=torch.full((len(batch),), 30.0),
    )


def test_a_perfect_reading_costs_nothing(batch: ReaderBatch) -> None:
    reading = perfect(batch)
    terms = (losses.point_loss, losses.depth_loss, losses.jaw_loss, losses.expression_loss)
    for term in (*terms, losses.presence_loss):
        assert term(reading, batch) < 1e-5
    logits = torch.nn.functional.one_hot(batch.labels.long(), 15).permute(0, 3, 1, 2) * 40.0
    assert losses.parsing_loss(logits, batch) < 1e-3


def test_unknown_glasses_may_be_called_glasses(batch: ReaderBatch) -> None:
    """Calling the whole zone glasses is free where the teacher cannot know, and only there."""
    zone = glasses_zone(batch.points, 256)
    called = torch.where(zone, LABEL, batch.labels.long())
    logits = torch.nn.functional.one_hot(called, 15).permute(0, 3, 1, 2) * 40.0
    unknown = replace(batch, glasses_unknown=torch.ones(4, dtype=torch.bool))
    known = replace(batch, glasses_unknown=torch.zeros(4, dtype=torch.bool))
    assert losses.parsing_loss(logits, unknown) < 0.01
    assert losses.parsing_loss(logits, known) > 1


def test_detection_is_best_where_the_faces_are() -> None:
    boxes = torch.tensor([[[40.0, 48.0, 88.0, 112.0], [0.0, 0.0, 9.0, 9.0]]])
    heat, target = losses.centre_map(boxes, torch.tensor([[True, False]]), 20, 20)
    assert heat.flatten().argmax() == 10 * 20 + 8
    assert heat.max() == 1
    assert_close(target[0, 10, 8], boxes[0, 0])
    sure = torch.where(heat > 0.999, 9.0, -9.0)
    centre, box = losses.detection_loss(sure, target, heat, target)
    wrong, _ = losses.detection_loss(-sure, target, heat, target)
    assert centre < 1e-3 < wrong
    assert box < 1e-5


def test_worked_errors(batch: ReaderBatch) -> None:
    off = batch.points.clone()
    off[..., 0] += 0.1
    diagonal = math.hypot(2 * 60 / 127.5, 2 * 75 / 127.5)
    assert landmark_error(off, batch.points)[0] == pytest.approx(0.1 / diagonal, rel=0.01)
    turned = matrix_from_euler(torch.tensor([[30.0, 5.0, -3.0]]))
    assert angle_between(turned, batch.rotation[:1])[0] == pytest.approx(10, abs=0.1)


def test_the_loss_falls_and_the_file_is_whole(
    store: ReaderStore, generator: torch.Generator, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    reader = FaceReader(SMALL)
    sizes = BatchSizes(crops=2, heads=1, empty=2, pictures=2)
    pictures = compose_pictures(store, negatives(), 2, generator)
    inspect = Inspection(store.batch(torch.arange(2)), pictures, tmp_path / "sheet.png")
    config = ReaderTraining(minutes=0.02, sizes=sizes, log_steps=1, save_minutes=0.01)
    averaged = train_reader(
        reader, store, negatives(), config, generator, tmp_path / "r.safetensors", inspect=inspect
    )
    again = load_reader(tmp_path / "r.safetensors")
    bias = averaged.crop_reader.heat.bias
    assert_close(again.crop_reader.heat.bias, bias.half().float(), atol=0, rtol=0)
    assert (tmp_path / "sheet.png").is_file()
    assert "points" in (tmp_path / "r.csv").read_text().splitlines()[0]
    assert not list(tmp_path.glob("*.part"))


def test_steps_overfit_one_batch(store: ReaderStore, generator: torch.Generator) -> None:
    torch.manual_seed(0)
    reader = FaceReader(SMALL).train().requires_grad_(True)
    sizes = BatchSizes(crops=2, heads=1, empty=2, pictures=2)
    batch, pictures = step_data(store, negatives(), sizes, generator)
    optimizer = torch.optim.Adam(reader.parameters(), lr=5e-3)
    history = []
    for _ in range(12):
        total, _ = step_loss(reader, batch, pictures, LossWeights())
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        history.append(float(total.detach()))
    assert history[-1] < 0.9 * history[0]


def test_a_pack_is_read_back(tmp_path: Path) -> None:
    data = labelled(2)
    (tmp_path / "stills").mkdir()
    picture = cv2.resize(data.images[0], (512, 512))
    cv2.imwrite(str(tmp_path / "stills" / "a.jpg"), picture)
    files = [cv2.imencode(".png", label)[1].ravel() for label in data.labels]
    np.savez(
        tmp_path / "stills.npz",
        bytes=np.concatenate(files),
        offsets=np.cumsum([0, *map(len, files)]),
        clip=np.array(["stills/a", "stills/a"]),
        identity=np.array(["x", "y"]),
        frame=np.zeros(2, np.int32),
        square=np.array([[0, 0, 512], [100, 100, 200]], np.float32),
        landmarks=data.landmarks.astype(np.float16),
        pose=data.pose,
        expression=data.expression,
        pose_code=np.zeros((2, 6), np.float32),
    )
    read = read_labelled(tmp_path / "stills.npz", tmp_path, workers=1)
    assert (read.labels == data.labels).all()
    assert np.abs(read.images[0].astype(int) - data.images[0]).mean() < 10
    assert read.identity == ["x", "y"]
    assert_close(to_unit(torch.tensor([[0.5, 255.5, 127.5]])), torch.tensor([[-1.0, 1.0, 1.0]]))
