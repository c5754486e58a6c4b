"""Taking a portrait apart: matte, background, and where the border cuts."""

import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.data.matte import NECK, background, border_cuts, fill, guided_filter, head_matte


def disc(size: int, radius: float, centre: tuple[float, float] = (0.0, 0.0)) -> Tensor:
    """(1, S, S) bool."""
    at = torch.arange(size) - (size - 1) / 2
    return ((at - centre[0]) ** 2 + (at.view(-1, 1) - centre[1]) ** 2 < radius**2).unsqueeze(0)


def test_a_head_of_another_colour_is_cut_out_cleanly() -> None:
    head = disc(64, 20)
    image = torch.where(head, 0.8, 0.2).unsqueeze(1).expand(-1, 3, -1, -1)
    matte = head_matte(image, head.to(torch.uint8), torch.zeros_like(head))
    assert_close(matte[:, 0], head.float(), atol=0.3, rtol=0)
    assert ((matte > 0.5)[:, 0] == head).all()


def test_the_face_is_head_whatever_the_labels_say() -> None:
    face = disc(64, 15)
    image = torch.full((1, 3, 64, 64), 0.5)
    matte = head_matte(image, torch.zeros(1, 64, 64, dtype=torch.uint8), face)
    assert (matte[:, 0][disc(64, 12)] > 0.9).all()


def test_the_background_is_the_picture_where_it_is_known() -> None:
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    matte = disc(64, 12).float().unsqueeze(1)
    behind = background(image, matte, torch.zeros(1, 64, 64), torch.tensor([40.0]))
    known = ~disc(64, 15)
    assert_close(behind[:, :, known[0]], image[:, :, known[0]])
    assert (behind[:, :, disc(64, 8)[0]] != image[:, :, disc(64, 8)[0]]).all()


def test_the_neck_below_the_chin_stays() -> None:
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(1, 64, 64, dtype=torch.uint8)
    labels[:, 40:, 20:44] = NECK
    behind = background(image, (labels > 0).float().unsqueeze(1), labels, torch.tensor([40.0]))
    assert_close(behind[:, :, 50:, 20:44], image[:, :, 50:, 20:44])


def test_filling_keeps_a_constant_and_stays_within_the_known_values() -> None:
    known = (~disc(50, 17)).float().unsqueeze(1)
    assert_close(fill(torch.full((1, 3, 50, 50), 0.3), known), torch.full((1, 3, 50, 50), 0.3))
    image = torch.rand(1, 3, 50, 50, generator=torch.Generator().manual_seed(0))
    filled = fill(image, known)
    assert filled.min() >= 0
    assert filled.max() <= 1
    assert fill(image, torch.zeros_like(known)).isfinite().all()


def test_a_guide_without_edges_only_blurs() -> None:
    mask = disc(32, 8).float().unsqueeze(1)
    blurred = guided_filter(torch.full_like(mask, 0.5), mask, 2)
    assert_close(blurred.mean(), mask.mean(), atol=1e-3, rtol=0)


def test_cuts_are_where_the_head_meets_the_border_above_the_chin() -> None:
    matte = torch.zeros(1, 1, 33, 33)
    matte[..., :20, 8:25] = 1
    matte[..., 28:, :] = 1
    points, cut = border_cuts(matte, torch.tensor([24.0]))
    assert cut.tolist() == [[True, True, False, False, False, False]]
    assert_close(points[0, :2], torch.tensor([[-0.5, -1.0], [0.5, -1.0]]))
