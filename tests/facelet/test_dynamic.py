import torch
import torch.nn.functional as F
from torch.testing import assert_close

from reenact.facelet.dynamic import DynamicLinear, KernelMixture, mix_kernels


def test_mixing_outputs_is_mixing_kernels() -> None:
    torch.manual_seed(0)
    layer, tokens = DynamicLinear(8, 6), torch.randn(2, 14, 8)
    torch.nn.init.normal_(layer.bias)
    shares = torch.rand(2, 4).softmax(-1)
    weight = torch.einsum("bm,mio->bio", shares, layer.weight)
    bias = torch.einsum("bm,mro->bro", shares, layer.bias)
    assert_close(mix_kernels(layer(tokens), shares), tokens @ weight + bias)


def test_one_kernel_is_a_linear_layer() -> None:
    torch.manual_seed(0)
    layer, mixture = DynamicLinear(8, 6, kernels=1), KernelMixture(5, kernels=1)
    tokens, features = torch.randn(2, 14, 8), torch.randn(2, 5, 4, 4)
    shares = mixture(features, torch.tensor(1.0))
    expected = F.linear(tokens, layer.weight[0].T, layer.bias[0, 0])
    assert_close(mix_kernels(layer(tokens), shares), expected)


def test_shares_sum_to_one_and_depend_on_the_picture() -> None:
    torch.manual_seed(0)
    mixture, features = KernelMixture(8), 10 * torch.randn(2, 8, 4, 4)
    shares = mixture(features, torch.tensor(1.0))
    assert_close(shares.sum(-1), torch.ones(2))
    assert (shares[0] - shares[1]).abs().max() > 0.01


def test_a_high_temperature_mixes_evenly() -> None:
    torch.manual_seed(0)
    mixture, features = KernelMixture(8), 10 * torch.randn(2, 8, 4, 4)
    even = torch.full((2, 4), 0.25)
    spread = [(mixture(features, torch.tensor(tau)) - even).abs().max() for tau in (1.0, 34.0, 1e6)]
    assert spread[0] > spread[1] > spread[2]
    assert spread[2] < 1e-4


def test_mixing_stays_in_float32_under_autocast() -> None:
    torch.manual_seed(0)
    layer, mixture = DynamicLinear(8, 6), KernelMixture(8)
    tokens, features = torch.randn(2, 14, 8), torch.randn(2, 8, 4, 4)
    tau = torch.tensor(1.0)
    expected = mix_kernels(layer(tokens), mixture(features, tau))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_close(mix_kernels(layer(tokens), mixture(features, tau)), expected)
