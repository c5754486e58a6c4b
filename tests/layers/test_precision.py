import pytest
import torch
from torch.testing import assert_close

from reenact.layers import precision
from reenact.layers.precision import exact_einsum, exact_matmul, full_precision


def test_full_precision_overrules_autocast() -> None:
    matrix = torch.rand(4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        assert (matrix @ matrix).dtype == torch.bfloat16
        with full_precision(matrix):
            assert (matrix @ matrix).dtype == torch.float32


def test_exact_product_is_the_product_also_under_autocast() -> None:
    left, right = torch.randn(5, 3, 2, 4), torch.randn(3, 4, 3)
    with torch.autocast("cpu", torch.bfloat16):
        product = exact_matmul(left, right)
    assert_close(product, left @ right)


def test_an_exact_sum_of_products_has_the_usual_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_may_round", lambda tensor: True)
    equation = "brd,bdhw->brhw"
    left, right = torch.randn(2, 3, 5), torch.randn(2, 5, 4, 6)
    pull = torch.randn(2, 3, 4, 6)
    gradients = []
    for product in (exact_einsum, torch.einsum):
        factors = [left.clone().requires_grad_(), right.clone().requires_grad_()]
        out = product(equation, *factors)
        out.backward(pull)
        gradients.append((out, *(factor.grad for factor in factors)))
    assert_close(gradients[0], gradients[1], rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # dynamo does
def test_a_compiled_exact_sum_of_products_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "_may_round", lambda tensor: True)
    left, right = torch.randn(2, 3, 5), torch.randn(4, 5, 6, requires_grad=True)
    compiled = torch.compile(exact_einsum, backend="aot_eager", fullgraph=True)
    out = compiled("brd,mde->bmre", left, right)
    out.sum().backward()
    assert_close(out, torch.einsum("brd,mde->bmre", left, right))
    assert right.grad is not None


def test_only_a_gpu_that_may_round_pays_for_exactness() -> None:
    left, right = torch.randn(2, 3, 5), torch.randn(2, 5, 4)
    product = torch.einsum("brd,bdn->brn", left, right)
    assert_close(exact_einsum("brd,bdn->brn", left, right), product, atol=0, rtol=0)
