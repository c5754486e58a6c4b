import pytest
import torch
from torch.testing import assert_close

from reenact.layers.layout import keep_gradient_layout, layout_of

LAYOUTS = (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_tensor_tells_how_it_lies(layout: torch.memory_format) -> None:
    assert layout_of(torch.rand(2, 3, 4, 5).contiguous(memory_format=layout)) is layout


def test_what_lies_both_ways_counts_as_usual() -> None:
    assert layout_of(torch.rand(2, 3, 1, 1)) is torch.contiguous_format


@pytest.mark.parametrize("theirs", LAYOUTS)
@pytest.mark.parametrize("mine", LAYOUTS)
def test_gradients_keep_their_values_and_get_the_layout(
    mine: torch.memory_format, theirs: torch.memory_format
) -> None:
    tensor = torch.rand(2, 3, 4, 5).contiguous(memory_format=mine).requires_grad_()
    gradient = torch.rand(2, 3, 4, 5).contiguous(memory_format=theirs)
    kept = keep_gradient_layout(tensor)
    assert_close(kept, tensor)
    (answer,) = torch.autograd.grad(kept, tensor, gradient)
    assert_close(answer, gradient)
    assert layout_of(answer) is mine
