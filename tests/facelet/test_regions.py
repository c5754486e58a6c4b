import pytest
import torch
from torch.testing import assert_close

from reenact.facelet.regions import present_regions, resize_masks


def test_area_masks_keep_their_share_of_the_picture() -> None:
    masks = (torch.rand(2, 14, 256, 256, generator=torch.Generator().manual_seed(0)) < 0.1).float()
    for side in (128, 64, 32, 16):
        assert_close(resize_masks(masks, (side, side)).mean((-2, -1)), masks.mean((-2, -1)))


def test_area_keeps_a_region_that_nearest_loses() -> None:
    masks = torch.zeros(1, 1, 256, 256)
    masks[..., 5:9, 5:9] = 1
    assert resize_masks(masks, (16, 16), "area").sum() > 0
    assert resize_masks(masks, (16, 16), "nearest").sum() == 0


def test_nearest_masks_stay_hard() -> None:
    masks = (torch.rand(1, 14, 64, 64, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    assert set(resize_masks(masks, (16, 16), "nearest").unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(("pixels", "present"), [(0, False), (15, False), (16, True), (400, True)])
def test_sixteen_pixels_make_a_region_present(pixels: int, present: bool) -> None:
    masks = torch.zeros(1, 1, 256, 256)
    masks.view(-1)[:pixels] = 1
    assert present_regions(masks).item() is present


def test_presence_does_not_depend_on_the_size_of_the_parsing() -> None:
    masks = torch.zeros(1, 1, 64, 64)
    masks[..., 0, 0] = 1
    assert present_regions(masks).item() is True
