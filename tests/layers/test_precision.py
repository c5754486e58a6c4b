import torch
from torch.testing import assert_close

from reenact.layers.precision import exact_matmul, full_precision


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
