import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from reenact.facelet.transformer import Residual, TransformerLayer

ALL = torch.ones(2, 14, dtype=torch.bool)


@pytest.fixture
def tokens() -> Tensor:
    return torch.randn(2, 14, 16, generator=torch.Generator().manual_seed(0))


def trained(residual: Residual = "printed") -> TransformerLayer:
    """A layer that has left its start, where it is the identity."""
    torch.manual_seed(0)
    layer = TransformerLayer(16, heads=2, feed_forward=32, residual=residual)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.3)
    return layer.requires_grad_(False)


@pytest.mark.parametrize("residual", ["printed", "prenorm"])
def test_starts_as_the_identity(tokens: Tensor, residual: Residual) -> None:
    layer = TransformerLayer(16, heads=2, feed_forward=32, residual=residual)
    assert_close(layer(tokens, ALL), tokens)


@pytest.mark.parametrize("residual", ["printed", "prenorm"])
def test_order_of_the_tokens_does_not_matter(tokens: Tensor, residual: Residual) -> None:
    layer, order = trained(residual), torch.randperm(14)
    assert_close(layer(tokens[:, order], ALL), layer(tokens, ALL)[:, order])


def test_masked_tokens_ask_but_are_not_heard(tokens: Tensor) -> None:
    layer, attended = trained(), ALL.clone()
    attended[:, 3] = False
    changed = tokens.clone()
    changed[:, 3] += 1
    before, after = layer(tokens, attended), layer(changed, attended)
    others = [index for index in range(14) if index != 3]
    assert_close(after[:, others], before[:, others])
    assert (after[:, 3] - before[:, 3]).abs().max() > 0.1


def test_printed_has_no_residual_around_the_attention(tokens: Tensor) -> None:
    layer = trained()
    inner = layer.norm(layer.attention(tokens, ALL))
    expected = tokens + layer.narrow(torch.relu(layer.widen(inner)))
    assert_close(layer(tokens, ALL), expected)


def test_prenorm_has_one(tokens: Tensor) -> None:
    layer = trained("prenorm")
    assert layer.attention_norm is not None
    middle = tokens + layer.attention(layer.attention_norm(tokens), ALL)
    expected = middle + layer.narrow(torch.relu(layer.widen(layer.norm(middle))))
    assert_close(layer(tokens, ALL), expected)
