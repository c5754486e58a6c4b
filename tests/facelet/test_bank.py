import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from reenact.facelet.bank import Absent, FaceletEncoder, RegionTokens
from reenact.records import MIRROR_REGION, NUM_REGIONS, FaceletBank, Parsing

WIDTHS = (12, 8)
LEFT_EYE, RIGHT_EYE, NOSE = 3, 4, 8


@pytest.fixture
def features() -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    return tuple(
        torch.randn(2, width, side, side, generator=generator)
        for width, side in zip(WIDTHS, (8, 16), strict=True)
    )


@pytest.fixture
def parsing() -> Parsing:
    """All regions are in the picture, each in its place and its place on the left or right."""
    return Parsing(
        torch.randint(0, NUM_REGIONS + 1, (2, 64, 64), generator=torch.Generator().manual_seed(1))
    )


def make_encoder(absent: Absent = "mirror") -> FaceletEncoder:
    torch.manual_seed(2)
    encoder = FaceletEncoder(WIDTHS, width=16, heads=2, feed_forward=32, absent=absent)
    for mixer in encoder.mixers:
        nn.init.normal_(mixer.get_parameter("narrow.weight"), std=0.3)
    return encoder


def without(parsing: Parsing, *regions: int) -> Parsing:
    labels = parsing.labels.clone()
    for region in regions:
        labels[labels == region + 1] = 0
    return Parsing(labels)


def test_shapes(features: tuple[Tensor, ...], parsing: Parsing) -> None:
    bank = make_encoder()(features, parsing)
    assert bank.tokens.shape == (2, 2, NUM_REGIONS, 16)
    assert bank.tokens.dtype == torch.float32
    assert bank.present.all()


def test_features_beyond_the_scales_are_left_alone(
    features: tuple[Tensor, ...], parsing: Parsing
) -> None:
    encoder = make_encoder()
    more = (*features, torch.full((2, 4, 32, 32), torch.nan))
    assert_close(encoder(more, parsing).tokens, encoder(features, parsing).tokens)


def test_mirrored_features_and_sides_swap_the_tokens(
    features: tuple[Tensor, ...], parsing: Parsing
) -> None:
    encoder = make_encoder()
    for tokens in encoder.tokens:
        for name in ("region", "mirrored", "missing"):
            nn.init.constant_(tokens.get_parameter(name), 0.1)
    parsing = without(parsing, RIGHT_EYE, NOSE, 6, 7)  # one side, a middle, both sides
    mirror = torch.tensor((0, *(region + 1 for region in MIRROR_REGION)))
    bank = encoder(features, parsing)
    flipped = encoder(
        tuple(feature.flip(-1) for feature in features),
        Parsing(mirror[parsing.labels].flip(-1)),
    )
    assert_close(flipped.tokens, bank.tokens[:, :, MIRROR_REGION])
    assert torch.equal(flipped.present, bank.present[:, MIRROR_REGION])


@pytest.mark.parametrize("absent", ["mirror", "learned", "zero"])
@pytest.mark.parametrize("seen", [[], [NOSE], list(range(NUM_REGIONS))], ids=["none", "one", "all"])
def test_any_set_of_regions_gives_finite_numbers_and_gradients(
    features: tuple[Tensor, ...], parsing: Parsing, seen: list[int], absent: Absent
) -> None:
    encoder = make_encoder(absent)
    features = tuple(feature.requires_grad_() for feature in features)
    hidden = [region for region in range(NUM_REGIONS) if region not in seen]
    bank: FaceletBank = encoder(features, without(parsing, *hidden))
    bank.tokens.square().sum().backward()
    assert bank.tokens.isfinite().all()
    assert bank.present.sum() == 2 * len(seen)
    gradients = [p.grad for p in encoder.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_a_tiny_region_counts_as_absent_and_does_not_colour_its_token(
    features: tuple[Tensor, ...], parsing: Parsing
) -> None:
    encoder = make_encoder()
    encoder.min_area = 32.0  # of 256 x 256 pixels: two of 64 x 64
    none = without(parsing, LEFT_EYE, RIGHT_EYE)
    none.labels[:, 30, 30] = 0
    tiny = Parsing(none.labels.clone())
    tiny.labels[:, 30, 30] = LEFT_EYE + 1
    bank = encoder(features, tiny)
    assert not bank.present[:, LEFT_EYE].any()
    assert_close(bank.tokens[:, :, LEFT_EYE], encoder(features, none).tokens[:, :, LEFT_EYE])


def test_present_regions_do_not_hear_what_stands_in_for_absent_ones(
    features: tuple[Tensor, ...], parsing: Parsing
) -> None:
    encoder = make_encoder()
    one_eye_and_no_nose = without(parsing, RIGHT_EYE, NOSE)
    before = encoder(features, one_eye_and_no_nose)
    for tokens in encoder.tokens:
        for name in ("missing", "mirrored"):
            nn.init.constant_(tokens.get_parameter(name), 3.0)
    after = encoder(features, one_eye_and_no_nose)
    moved = (after.tokens - before.tokens).abs().amax(dim=(1, 3)) > 1e-4
    assert torch.equal(moved, ~before.present)


@pytest.fixture
def average() -> Tensor:
    return torch.randn(1, NUM_REGIONS, 12, generator=torch.Generator().manual_seed(0))


def content(tokens: RegionTokens, average: Tensor) -> Tensor:
    out: Tensor = tokens.second(torch.relu(tokens.first(average)))
    return out


def presence(*absent: int) -> Tensor:
    present = torch.ones(1, NUM_REGIONS, dtype=torch.bool)
    present[:, list(absent)] = False
    return present


def test_a_hidden_eye_is_filled_from_the_other(average: Tensor) -> None:
    tokens = RegionTokens(12, 16)
    out = tokens(average, presence(RIGHT_EYE))
    expected = content(tokens, average)[:, LEFT_EYE] + tokens.region[RIGHT_EYE] + tokens.mirrored
    assert_close(out[:, RIGHT_EYE], expected)
    assert_close(out[:, LEFT_EYE], content(tokens, average)[:, LEFT_EYE] + tokens.region[LEFT_EYE])


def test_with_both_eyes_hidden_and_for_a_nose_a_learned_token_stands_in(average: Tensor) -> None:
    tokens = RegionTokens(12, 16)
    out = tokens(average, presence(LEFT_EYE, RIGHT_EYE, NOSE))
    for region in (LEFT_EYE, RIGHT_EYE, NOSE):
        assert_close(out[0, region], tokens.region[region] + tokens.missing)


def test_other_ways_with_absent_regions(average: Tensor) -> None:
    learned, zero = RegionTokens(12, 16, "learned"), RegionTokens(12, 16, "zero")
    hidden = presence(RIGHT_EYE)
    stand_in = learned.region[RIGHT_EYE] + learned.missing
    assert_close(learned(average, hidden)[0, RIGHT_EYE], stand_in)
    assert_close(zero(average, hidden)[0, RIGHT_EYE], torch.zeros(16))
