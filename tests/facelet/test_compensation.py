import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from reenact.facelet.compensation import FaceletCompensation, attend
from reenact.facelet.query import ContextQuery, LiteralQuery
from reenact.records import NUM_REGIONS, Compensation, FaceletBank, Keypoints, MotionField

WIDTHS, SIDES, K, D = (12, 8), (8, 16), 3, 16


def make_compensation(kernels: int = 4, null_token: bool = True) -> FaceletCompensation:
    torch.manual_seed(0)
    module = FaceletCompensation(
        [ContextQuery(channels, 8, K, pose_width=6) for channels in WIDTHS],
        WIDTHS,
        token_width=D,
        width=8,
        kernels=kernels,
        null_token=null_token,
    )
    for name, parameter in module.named_parameters():
        if not name.endswith("null_key"):
            nn.init.normal_(parameter, std=0.5)
    return module


def make_bank(seed: int = 1) -> FaceletBank:
    generator = torch.Generator().manual_seed(seed)
    present = torch.ones(2, NUM_REGIONS, dtype=torch.bool)
    return FaceletBank(torch.randn(2, 2, NUM_REGIONS, D, generator=generator), present)


def make_field() -> tuple[tuple[Tensor, ...], MotionField]:
    """Warped features and the field that moved them."""
    generator = torch.Generator().manual_seed(2)
    sizes = [(2, width, side, side) for width, side in zip(WIDTHS, SIDES, strict=True)]
    warped = tuple(torch.randn(size, generator=generator) for size in sizes)
    occlusions = tuple(torch.rand(2, 1, side, side, generator=generator) for side in SIDES)
    flows = tuple(torch.zeros(2, side, side, 2) for side in SIDES)
    masks = torch.randn(2, K + 1, 8, 8, generator=generator).softmax(1)
    return warped, MotionField(masks, flows, occlusions)


def fill(
    module: FaceletCompensation, bank: FaceletBank, pose: Tensor | None = None
) -> Compensation:
    keys, values = module.project(bank)
    warped, field = make_field()
    driving = Keypoints(torch.zeros(2, K, 2), torch.eye(2).expand(2, K, 2, 2))
    pose = torch.zeros(2, 6) if pose is None else pose
    out: Compensation = module(keys, values, warped, field, driving, pose)
    return out


@pytest.mark.parametrize("null_token", [True, False])
def test_attention_with_the_null_share_sums_to_one(null_token: bool) -> None:
    out = fill(make_compensation(null_token=null_token), make_bank())
    for attention, null, side in zip(out.attention, out.null, SIDES, strict=True):
        assert attention.shape == (2, NUM_REGIONS, side, side)
        assert null.shape == (2, 1, side, side)
        assert_close(attention.sum(1, keepdim=True) + null, torch.ones_like(null))
        assert bool((null > 0).any()) is null_token


def test_equal_to_mixing_the_kernels_before_they_are_used() -> None:
    """What is cached per source loses nothing: the dynamic layers are linear."""
    module, bank = make_compensation(), make_bank()
    out = fill(module, bank)
    warped, field = make_field()
    projection, filler = module.projections[0], module.fillers[0]
    tokens = bank.tokens[:, 0]
    mixed = []
    for layer, mixture in (("key", "key_mixture"), ("value", "value_mixture")):
        linear = projection.get_submodule(layer)
        shares = filler.get_submodule(mixture)(warped[0], torch.tensor(1.0))
        weight = torch.einsum("bm,mio->bio", shares, linear.get_parameter("weight"))
        bias = torch.einsum("bm,mro->bro", shares, linear.get_parameter("bias"))
        mixed.append(tokens @ weight + bias)
    null_key = projection.get_parameter("null_key").expand(2, 1, -1)
    keys = torch.cat([mixed[0], null_key], dim=1)
    values = torch.cat([mixed[1], torch.zeros(2, 1, WIDTHS[0])], dim=1)
    layout = torch.cat(
        [
            field.occlusions[0],
            field.masks,
            torch.exp(-grid_distance(8) / (2 * 0.04)).expand(2, K, 8, 8),
        ],
        dim=1,
    )
    query = filler.get_submodule("query")(warped[0], field.occlusions[0], layout, torch.zeros(2, 6))
    expected = warped[0] + attend(query, keys, values)[0]
    assert_close(out.features[0], expected, atol=1e-4, rtol=1e-4)


def grid_distance(side: int) -> Tensor:
    """Squared distance of each pixel from the centre: (side, side)."""
    line = torch.linspace(-1, 1, side).square()
    return line + line.unsqueeze(1)


def test_pixels_that_choose_the_null_token_stay_as_they_are() -> None:
    query = torch.ones(1, 4, 2, 2)
    keys = torch.cat([torch.full((1, 14, 4), -50.0), torch.full((1, 1, 4), 50.0)], dim=1)
    values = torch.cat([torch.randn(1, 14, 6), torch.zeros(1, 1, 6)], dim=1)
    answer, shares = attend(query, keys, values)
    assert_close(answer, torch.zeros(1, 6, 2, 2))
    assert_close(shares[:, -1], torch.ones(1, 2, 2))


def test_attend_by_hand() -> None:
    query = torch.tensor([[2.0, 0.0]]).view(1, 1, 1, 2)
    keys = torch.tensor([[[1.0], [0.0]]])
    values = torch.tensor([[[1.0], [3.0]]])
    answer, shares = attend(query, keys, values)
    first = torch.tensor([2.0, 0.0]).sigmoid()
    assert_close(shares[0, 0, 0], first)
    assert_close(answer[0, 0, 0], first + 3 * (1 - first))


def test_attention_stays_in_float32_under_autocast() -> None:
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(1, 8, 4, 4, generator=generator).bfloat16()
    keys, values = torch.randn(1, 15, 8, generator=generator), torch.ones(1, 15, 6)
    expected = attend(query.float(), keys, values)[1]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_close(attend(query, keys, values)[1], expected)


def test_the_bank_shows_in_the_features() -> None:
    module = make_compensation()
    one, other = fill(module, make_bank(1)), fill(module, make_bank(3))
    for left, right in zip(one.features, other.features, strict=True):
        assert (left - right).abs().max() > 0.1


def test_the_pose_has_a_say() -> None:
    module = make_compensation()
    one, other = fill(module, make_bank()), fill(module, make_bank(), pose=torch.ones(2, 6))
    assert (one.attention[0] - other.attention[0]).abs().max() > 0.01


def test_all_parameters_get_finite_gradients() -> None:
    module = make_compensation()
    out = fill(module, make_bank())
    sum(feature.square().sum() for feature in out.features).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_the_literal_query_needs_neither_layout_nor_pose() -> None:
    queries = [LiteralQuery(channels, 8) for channels in WIDTHS]
    module = FaceletCompensation(queries, WIDTHS, token_width=D, width=8)
    one, other = fill(module, make_bank()), fill(module, make_bank(), pose=torch.ones(2, 6))
    assert_close(one.features, other.features)
