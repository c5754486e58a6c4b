import logging

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.facelet.localization import (
    RegionAttention,
    Sign,
    _warn_of_printed_sign,
    localization_loss,
    region_attention,
)
from reenact.records import NUM_REGIONS, Parsing

SIDES = (4, 8)


@pytest.fixture
def parsing() -> Parsing:
    """Four regions, each a quarter of the picture."""
    labels = torch.zeros(1, 64, 64, dtype=torch.long)
    for index, label in enumerate((1, 4, 5, 14)):
        row, column = divmod(index, 2)
        labels[:, 32 * row : 32 * row + 32, 32 * column : 32 * column + 32] = label
    return Parsing(labels)


def attention_from(logits: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Softmax over the regions and a null token, which is left out then."""
    return tuple(logit.softmax(1)[:, :NUM_REGIONS] for logit in logits)


def make_logits() -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return tuple(
        torch.randn(1, NUM_REGIONS + 1, side, side, generator=generator).requires_grad_()
        for side in SIDES
    )


def step(parsing: Parsing, sign: Sign) -> tuple[RegionAttention, RegionAttention]:
    """Attention before and after one gradient step."""
    logits = make_logits()
    before = region_attention(attention_from(logits), parsing)
    localization_loss(before, sign).backward()
    moved = tuple(logit - 100 * logit.grad for logit in logits if logit.grad is not None)
    return before, region_attention(attention_from(moved), parsing)


def test_a_step_draws_attention_into_its_region(parsing: Parsing) -> None:
    before, after = step(parsing, "corrected")
    assert localization_loss(after) < localization_loss(before)
    assert (after.inside[:, :, before.present[0]] > before.inside[:, :, before.present[0]]).all()


def test_the_printed_sign_drives_it_out(parsing: Parsing) -> None:
    before, after = step(parsing, "printed")
    assert localization_loss(after) > localization_loss(before)
    assert after.inside.sum() < before.inside.sum()


def test_perfect_and_reversed_attention(parsing: Parsing) -> None:
    masks = torch.nn.functional.adaptive_avg_pool2d(parsing.masks(), (4, 4))
    assert_close(
        localization_loss(region_attention([masks], parsing)).item(), 0.0, atol=1e-4, rtol=0
    )
    reverse = region_attention([1 - masks], parsing)
    assert_close(localization_loss(reverse).item(), 2.0, atol=1e-4, rtol=0)


def test_by_hand() -> None:
    labels = torch.zeros(1, 64, 64, dtype=torch.long)
    labels[:, :, :32] = 9
    attention = torch.zeros(1, NUM_REGIONS, 2, 2)
    attention[:, 8] = torch.tensor([[0.8, 0.1], [0.4, 0.3]])
    regions = region_attention([attention], Parsing(labels))
    assert_close(regions.inside[0, 0, 8].item(), 0.6, atol=1e-4, rtol=0)
    assert_close(regions.outside[0, 0, 8].item(), 0.2, atol=1e-4, rtol=0)
    assert_close(localization_loss(regions).item(), 1 - 0.6 + 0.2, atol=1e-4, rtol=0)


def test_absent_regions_carry_no_term(parsing: Parsing) -> None:
    logits = make_logits()
    regions = region_attention(attention_from(logits), parsing)
    localization_loss(regions).backward()
    changed = tuple(attention.clone() for attention in attention_from(logits))
    for attention in changed:
        attention[:, 8] = 1
    same = localization_loss(region_attention(changed, parsing))
    assert_close(same, localization_loss(regions))


def test_a_frame_without_a_face_costs_nothing() -> None:
    logits = make_logits()
    nothing = Parsing(torch.zeros(1, 64, 64, dtype=torch.long))
    loss = localization_loss(region_attention(attention_from(logits), nothing))
    loss.backward()
    assert loss.item() == 0
    assert all(logit.grad is not None and logit.grad.isfinite().all() for logit in logits)


def test_one_region_all_over_the_picture_is_finite() -> None:
    everything = Parsing(torch.ones(1, 64, 64, dtype=torch.long))
    loss = localization_loss(region_attention(attention_from(make_logits()), everything))
    assert loss.isfinite()


def test_the_printed_sign_warns_once(parsing: Parsing, caplog: pytest.LogCaptureFixture) -> None:
    _warn_of_printed_sign.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            step(parsing, "printed")
    assert len(caplog.records) == 1
    assert "printed sign" in caplog.text
