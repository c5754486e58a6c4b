from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from reenact.perception.config import ReaderConfig, build_crop_reader, build_detector
from reenact.perception.crop_reader import CropReader, expected_points
from reenact.perception.reader import FaceReader


@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 30), (31, 31)])
def test_a_sharp_heat_map_gives_its_cell(row: int, column: int) -> None:
    heat = torch.full((1, 1, 32, 32), -50.0)
    heat[0, 0, row, column] = 50.0
    pixels = (expected_points(heat)[0, 0] + 1) * 127.5 + 0.5
    assert_close(pixels, torch.tensor([column * 8 + 4.0, row * 8 + 4.0]), atol=1e-3, rtol=0)


def test_an_even_heat_map_gives_the_middle() -> None:
    assert_close(expected_points(torch.zeros(1, 2, 32, 32)), torch.zeros(1, 2, 2))


def test_shapes_and_both_ways_agree(reader: FaceReader) -> None:
    image = torch.rand(2, 3, 256, 256)
    with torch.no_grad():
        reading, logits = reader.crop_reader(image)
        cheap = reader.crop_reader.read(image)
        regions = reader.crop_reader.parse(image)
    assert logits.shape == (2, 15, 256, 256)
    assert reading.points.shape == (2, 478, 2)
    assert reading.expression.shape == (2, 52)
    assert_close(cheap.points, reading.points)
    assert_close(regions, logits)


def test_two_crops_equal_two_batches_of_one(reader: FaceReader) -> None:
    image = torch.rand(2, 3, 256, 256)
    with torch.no_grad():
        both = reader.crop_reader.read(image)
        each = [reader.crop_reader.read(image[i : i + 1]) for i in range(2)]
    assert_close(both.pose, torch.cat([one.pose for one in each]), atol=1e-5, rtol=1e-4)


def test_shipped_sizes_keep_their_budget() -> None:
    """At most 6 M parameters (12 MiB in fp16); the way of every driving frame at most 0.4 GMAC."""
    config = ReaderConfig()
    crop, detector = build_crop_reader(config.crop), build_detector(config.detector)
    parameters = [p.numel() for p in (*crop.parameters(), *detector.parameters())]
    assert sum(parameters) <= 6_000_000
    assert _multiplications(crop) <= 400_000_000


def _multiplications(reader: CropReader) -> int:
    total = 0

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output.numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total += output.numel() * module.in_features

    for module in reader.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        reader.eval().read(torch.zeros(1, 3, 256, 256))
    return total
