from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.testing import assert_close

from reenact.errors import CheckpointError, MediaError
from reenact.perception.mesh import OUTLINE, landmark_order, outline_box
from reenact.perception.reader import (
    FaceReader,
    detector_scale,
    load_reader,
    overlap,
    save_reader,
    suppress,
)
from reenact.records import Image, Parser, PoseEncoder


class Certain(FaceReader):
    """Finds a face in given boxes, whatever the picture shows."""

    def __init__(self, reader: FaceReader, boxes: np.ndarray) -> None:
        super().__init__(reader.config)
        self.load_state_dict(reader.state_dict())
        self.boxes = boxes
        self.crop_reader.presence.bias.data.fill_(20.0)

    def detect(self, image: Image) -> tuple[np.ndarray, np.ndarray]:
        return self.boxes, np.linspace(0.99, 0.9, len(self.boxes))


@pytest.fixture
def picture() -> Image:
    return np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)


def with_mesh(reader: Certain) -> Certain:
    """Spread the mesh points, which a fresh reader sees in one place."""
    generator = torch.Generator().manual_seed(0)
    bias = torch.rand(478, 2, generator=generator) - 0.5
    reader.crop_reader.offset.bias.data = bias.flatten()
    return reader


def test_faces_keep_the_contract(reader: FaceReader, picture: Image) -> None:
    boxes = np.array([[10.0, 10.0, 60.0, 70.0], [150.0, 80.0, 330.0, 280.0]])
    faces = with_mesh(Certain(reader, boxes)).read(picture, parse=True)
    assert len(faces) == 2
    areas = [(f.box[2] - f.box[0]) * (f.box[3] - f.box[1]) for f in faces]
    assert areas == sorted(areas, reverse=True)
    for face in faces:
        assert face.landmarks.shape == (478, 2)
        assert face.parsing is not None
        assert face.parsing.shape == (256, 256)
        assert face.parsing.dtype == np.uint8
        assert face.expression.shape == (52,)
        assert face.pose.shape == (3,)
        assert face.pose_code.shape == (6,)
        assert 0 <= face.score <= 1
        mesh = np.empty_like(face.landmarks)
        mesh[landmark_order()] = face.landmarks
        assert face.box == pytest.approx(outline_box(mesh))
        assert set(OUTLINE) <= set(range(478))


def test_faces_are_the_same_without_their_parsing(reader: FaceReader, picture: Image) -> None:
    boxes = np.array([[10.0, 10.0, 60.0, 70.0], [150.0, 80.0, 330.0, 280.0]])
    certain = with_mesh(Certain(reader, boxes))
    for bare, parsed in zip(certain.read(picture), certain.read(picture, parse=True), strict=True):
        assert bare.parsing is None
        for name in ("box", "landmarks", "pose", "pose_code", "crop", "expression", "score"):
            assert np.array_equal(getattr(bare, name), getattr(parsed, name)), name


def test_no_candidate_no_face(reader: FaceReader, picture: Image) -> None:
    assert Certain(reader, np.zeros((0, 4))).read(picture) == []


@pytest.mark.parametrize(
    "image",
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((0, 8, 3), np.uint8)],
)
def test_what_is_no_picture_is_refused(reader: FaceReader, image: np.ndarray) -> None:
    with pytest.raises(MediaError, match="expected an array of uint8"):
        reader.read(image)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (37, 53), (1000, 40)])
def test_any_size_of_picture_can_be_read(reader: FaceReader, size: tuple[int, int]) -> None:
    assert isinstance(reader.read(np.full((*size, 3), 90, np.uint8)), list)


@pytest.mark.parametrize(("size", "scale"), [((256, 256), 1.25), ((1080, 1920), 320 / 1080)])
def test_the_short_side_is_seen_at_320(size: tuple[int, int], scale: float) -> None:
    assert detector_scale(*size) == pytest.approx(scale)


def test_long_pictures_are_seen_at_640_at_most() -> None:
    assert detector_scale(100, 4000) * 4000 == pytest.approx(640)


def test_the_reader_is_parser_and_pose_encoder(reader: FaceReader) -> None:
    parser: Parser = reader
    encoder: PoseEncoder = reader
    image = torch.rand(1, 3, 128, 128)
    assert parser.parse(image).labels.shape == (1, 128, 128)
    code: Tensor = encoder.encode(image)
    assert code.shape == (1, encoder.width)
    assert code.dtype == torch.float32


def test_saved_and_loaded_in_half_precision(reader: FaceReader, tmp_path: Path) -> None:
    save_reader(reader, tmp_path / "reader.safetensors")
    again = load_reader(tmp_path / "reader.safetensors")
    assert again.config == reader.config
    for name, tensor in reader.state_dict().items():
        if tensor.is_floating_point():
            assert_close(again.state_dict()[name], tensor.half().float(), atol=0, rtol=0)


@pytest.mark.parametrize("damage", ["missing", "truncated", "foreign", "incomplete"])
def test_wrong_files_are_named(reader: FaceReader, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "reader.safetensors"
    if damage != "missing":
        save_reader(reader, path)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    if damage == "foreign":
        save_file({"x": torch.zeros(1)}, path, {"format": "something else"})
    if damage == "incomplete":
        from reenact.perception.config import to_json

        tensors = load_file(path)
        tensors.pop(sorted(tensors)[0])
        metadata = {"format": "reenact face reader 1", "config": to_json(reader.config)}
        save_file(tensors, path, metadata)
    with pytest.raises(CheckpointError, match=r"reader\.safetensors.*xpected"):
        load_reader(path)


def test_overlapping_boxes_are_one_face() -> None:
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [1.0, 1.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]])
    assert suppress(boxes, np.array([0.5, 0.9, 0.7])) == [1, 2]
    assert overlap(boxes[0], boxes[1]) == pytest.approx(0.81)
    assert overlap(boxes[0], boxes[2]) == 0
