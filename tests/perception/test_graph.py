"""The graph interpreter: worked values of its operators, batches, and files it cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor
from torch.testing import assert_close

from reenact.errors import WeightsError
from reenact.perception.graph import OPERATORS, GraphNetwork, Node, load_graph


def run(operator: str, inputs: list[Tensor], **attributes: object) -> Tensor:
    return OPERATORS[operator](inputs, attributes)[0]


def small_network() -> GraphNetwork:
    """A convolution, its pooled half beside it, flattened: one row for every picture."""
    nodes = [
        Node(
            "Conv",
            ("input", "kernel"),
            ("a",),
            {"strides": [1, 1], "dilations": [1, 1], "group": 1, "pads": [0, 0, 1, 1]},
        ),
        Node("Mul", ("a", "two"), ("b",), {}),
        Node("Concat", ("b", "extra"), ("c",), {"axis": 1}),
        Node("Reshape", ("c",), ("d",), {"shape": [1, 18]}),
    ]
    tensors = {
        "kernel": torch.arange(4.0).view(1, 1, 2, 2),
        "two": torch.tensor(2.0),
        "extra": torch.ones(1, 1, 3, 3),
    }
    return GraphNetwork(nodes, tensors, ["d"])


def test_padding_may_differ_from_side_to_side() -> None:
    picture = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    kernel = torch.tensor([[[[1.0, 10.0], [100.0, 1000.0]]]])
    attributes = {"strides": [1, 1], "dilations": [1, 1], "group": 1, "pads": [0, 0, 1, 1]}
    result = run("Conv", [picture, kernel], **attributes)
    assert_close(result, torch.tensor([[[[4321.0, 402.0], [43.0, 4.0]]]]))


def test_transposed_convolution_is_cut_not_padded() -> None:
    picture, kernel = torch.rand(2, 3, 4, 4), torch.rand(3, 5, 3, 3)
    cut = run("ConvTranspose", [picture, kernel], strides=[2, 2], pads=[0, 0, 1, 1])
    whole = F.conv_transpose2d(picture, kernel, stride=2)
    assert_close(cut, whole[..., :-1, :-1])


def test_unpooling_puts_the_largest_back_where_they_were() -> None:
    picture = torch.rand(2, 1, 4, 4)
    attributes = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0]}
    pooled, index = OPERATORS["MaxPool"]([picture], attributes)
    restored = run("MaxUnpool", [pooled, index], **attributes)
    kept = restored != 0
    assert kept.sum() == 8
    assert_close(restored[kept], picture[kept])


def test_pooling_pads_with_nothing() -> None:
    picture = torch.full((1, 1, 2, 2), -5.0)
    attributes = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1]}
    assert_close(run("MaxPool", [picture], **attributes), picture)


def test_pads_list_all_begins_then_all_ends() -> None:
    padded = run("Pad", [torch.ones(1, 2, 1, 1)], pads=[0, 0, 0, 0, 0, 3, 0, 1])
    assert padded.shape == (1, 5, 1, 2)
    assert padded.sum() == 2


def test_slices_and_reductions() -> None:
    x = torch.arange(24.0).view(1, 4, 6)
    assert_close(run("Slice", [x], starts=[1, -2], ends=[3, 99], axes=[1, 2]), x[:, 1:3, -2:])
    assert_close(run("ReduceSum", [x], axes=[-1], keepdims=0), x.sum(-1))


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("Clip6", [-1.0, 3.0, 9.0], [0.0, 3.0, 6.0]),
        ("HardSigmoid", [-3.0, 0.0, 3.0], [0.0, 0.5, 1.0]),
        ("Rsqrt", [0.25, 1.0, 4.0], [2.0, 1.0, 0.5]),
    ],
)
def test_elementwise(operator: str, value: list[float], expected: list[float]) -> None:
    assert_close(run(operator, [torch.tensor(value)]), torch.tensor(expected))


def test_two_pictures_equal_two_runs() -> None:
    network, pictures = small_network(), torch.rand(2, 1, 3, 3)
    (together,) = network(pictures)
    apart = torch.cat([network(picture.unsqueeze(0))[0] for picture in pictures])
    assert together.shape == (2, 18)
    assert_close(together, apart)


def test_gradients_reach_the_picture() -> None:
    picture = torch.rand(1, 1, 3, 3, requires_grad=True)
    small_network()(picture)[0].sum().backward()
    assert picture.grad is not None
    assert picture.grad.abs().sum() > 0


def test_files_give_the_same_network(tmp_path: Path) -> None:
    network = small_network()
    nodes = [
        {"op": n.operator, "inputs": n.inputs, "outputs": n.outputs, "attrs": n.attributes}
        for n in network.nodes
    ]
    graph = {"inputs": [["input", [1, 1, 3, 3]]], "outputs": [["d", [1, 18]]], "nodes": nodes}
    (tmp_path / "small.graph.json").write_text(json.dumps(graph))
    tensors = {
        "kernel": torch.arange(4.0).view(1, 1, 2, 2).half(),
        "two": torch.tensor(2.0),
        "extra": torch.ones(1, 1, 3, 3),
    }
    save_file(tensors, tmp_path / "small.safetensors")
    picture = torch.rand(1, 1, 3, 3)
    assert_close(load_graph(tmp_path, "small")(picture), network(picture))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nothing.*REENACT_WEIGHTS"):
        load_graph(tmp_path, "nothing")


def test_an_unknown_operator_is_named() -> None:
    with pytest.raises(WeightsError, match="Dream"):
        GraphNetwork([Node("Dream", ("input",), ("a",), {})], {}, ["a"])
