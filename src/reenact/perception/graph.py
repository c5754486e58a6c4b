"""Run a frozen network that is stored as a list of operators, in PyTorch, on any device.

A network is two files: `NAME.safetensors` with its tensors and `NAME.graph.json` with its nodes in
execution order. Operators mean what they mean in ONNX, layout is NCHW. The graphs are written for
one picture; here a leading 1 stands for the batch, so any number of pictures goes through at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from reenact.errors import WeightsError

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Node:
    """One operator: names of what it reads and writes, and its fixed numbers."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Attributes


class GraphNetwork(nn.Module):
    """A network made of nodes; tensors are buffers, so it moves and casts like any module."""

    def __init__(
        self, nodes: Sequence[Node], tensors: Mapping[str, Tensor], outputs: Sequence[str]
    ) -> None:
        super().__init__()
        unknown = sorted({node.operator for node in nodes} - OPERATORS.keys())
        if unknown:
            raise WeightsError(
                f"network graph: operators {', '.join(unknown)} are not known; expected some of "
                f"{', '.join(sorted(OPERATORS))}. Convert the network again."
            )
        self.nodes = tuple(nodes)
        self.outputs = tuple(outputs)
        self._last_use = _last_use(self.nodes)
        self._buffer_of = {name: f"tensor_{index}" for index, name in enumerate(tensors)}
        for name, tensor in tensors.items():
            value = tensor.float() if tensor.is_floating_point() else tensor
            self.register_buffer(self._buffer_of[name], value, persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Picture batch as the network wants it to its outputs, each with the batch first."""
        values: dict[str, Tensor] = {"input": x}
        for position, node in enumerate(self.nodes):
            arguments = [self._find(name, values) for name in node.inputs]
            results = OPERATORS[node.operator](arguments, node.attributes)
            values.update(zip(node.outputs, results, strict=False))
            for name in node.inputs:
                if self._last_use[name] == position and name not in self.outputs:
                    values.pop(name, None)
        return tuple(values[name] for name in self.outputs)

    def _find(self, name: str, values: Mapping[str, Tensor]) -> Tensor:
        if name in values:
            return values[name]
        tensor: Tensor = getattr(self, self._buffer_of[name])
        return tensor


def load_graph(folder: Path, name: str) -> GraphNetwork:
    """Read `NAME.graph.json` and `NAME.safetensors` of a folder; in evaluation mode, frozen."""
    graph_path, tensors_path = folder / f"{name}.graph.json", folder / f"{name}.safetensors"
    try:
        graph = json.loads(graph_path.read_text(encoding="utf-8"))
        tensors = load_file(tensors_path)
        nodes = [
            Node(n["op"], tuple(n["inputs"]), tuple(n["outputs"]), n["attrs"])
            for n in graph["nodes"]
        ]
        outputs = [output for output, _ in graph["outputs"]]
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise WeightsError(
            f"{folder / name}: cannot be read as a network graph ({error}); expected {name}."
            "graph.json and .safetensors. Fetch the files again or set REENACT_WEIGHTS."
        ) from error
    return GraphNetwork(nodes, tensors, outputs).eval()


def _last_use(nodes: Sequence[Node]) -> dict[str, int]:
    """Position of the last node that reads each name."""
    return {name: index for index, node in enumerate(nodes) for name in node.inputs}


def _pad(x: Tensor, pads: Sequence[int], value: float = 0.0) -> Tensor:
    """Pad a plane by top, left, bottom, right."""
    top, left, bottom, right = pads
    return F.pad(x, (left, right, top, bottom), value=value) if any(pads) else x


def _conv(x: list[Tensor], a: Attributes) -> tuple[Tensor]:
    bias = x[2] if len(x) > 2 else None
    padded = _pad(x[0], a["pads"])
    return (F.conv2d(padded, x[1], bias, a["strides"], 0, a["dilations"], a["group"]),)


def _conv_transpose(x: list[Tensor], a: Attributes) -> tuple[Tensor]:
    y = F.conv_transpose2d(x[0], x[1], x[2] if len(x) > 2 else None, a["strides"])
    top, left, bottom, right = a["pads"]
    return (y[..., top : y.shape[-2] - bottom, left : y.shape[-1] - right],)


def _max_pool(x: list[Tensor], a: Attributes) -> tuple[Tensor, Tensor]:
    padded = _pad(x[0], a["pads"], -torch.inf)
    pooled, index = F.max_pool2d(padded, a["kernel_shape"], a["strides"], return_indices=True)
    return pooled, index


def _max_unpool(x: list[Tensor], a: Attributes) -> tuple[Tensor]:
    return (F.max_unpool2d(x[0], x[1], a["kernel_shape"], a["strides"]),)


def _resize(x: list[Tensor], a: Attributes) -> tuple[Tensor]:
    return (F.interpolate(x[0], size=tuple(a["size"]), mode="bilinear", align_corners=True),)


def _concat(x: list[Tensor], a: Attributes) -> tuple[Tensor]:
    """Constants of batch 1 are repeated for every picture."""
    batch = max(tensor.shape[0] for tensor in x)
    repeated = [t.expand(batch, *t.shape[1:]) if t.shape[0] == 1 else t for t in x]
    return (torch.cat(repeated, a["axis"]),)


def _pad_all(x: list[Tensor], a: Attributes) -> tuple[Tensor]:
    """`pads` lists all begins, then all ends; torch wants pairs from the last axis on."""
    count = len(a["pads"]) // 2
    begins, ends = a["pads"][:count], a["pads"][count:]
    pairs = [n for axis in reversed(range(count)) for n in (begins[axis], ends[axis])]
    return (F.pad(x[0], pairs),)


def _reshape(x: list[Tensor], a: Attributes) -> tuple[Tensor]:
    shape = list(a["shape"])
    if shape and shape[0] == 1:
        shape[0] = x[0].shape[0]
    return (x[0].reshape(shape),)


def _slice(x: list[Tensor], a: Attributes) -> tuple[Tensor]:
    y = x[0]
    for start, end, axis in zip(a["starts"], a["ends"], a["axes"], strict=True):
        index = [slice(None)] * y.ndim
        index[axis] = slice(start, end)
        y = y[tuple(index)]
    return (y,)


def _squeeze(x: list[Tensor], a: Attributes) -> tuple[Tensor]:
    """The batch axis stays: without it the pictures could not be told apart."""
    axes = [axis for axis in a["axes"] if axis % x[0].ndim != 0]
    return (x[0].squeeze(axes),) if axes else (x[0],)


def _elementwise(function: Callable[..., Tensor]) -> Callable[..., tuple[Tensor]]:
    return lambda x, _: (function(*x),)


def _reduce(function: Callable[..., Tensor]) -> Callable[..., tuple[Tensor]]:
    return lambda x, a: (function(x[0], dim=a["axes"], keepdim=bool(a["keepdims"])),)


OPERATORS: Mapping[str, Callable[[list[Tensor], Attributes], tuple[Tensor, ...]]] = {
    "Add": _elementwise(torch.add),
    "Clip6": _elementwise(F.relu6),
    "Concat": _concat,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Div": _elementwise(torch.div),
    "HardSigmoid": _elementwise(F.hardsigmoid),
    "MatMul": _elementwise(torch.matmul),
    "MaxPool": _max_pool,
    "MaxUnpool": _max_unpool,
    "Mul": _elementwise(torch.mul),
    "Neg": _elementwise(torch.neg),
    "PRelu": _elementwise(F.prelu),
    "Pad": _pad_all,
    "ReduceMean": _reduce(torch.mean),
    "ReduceSum": _reduce(torch.sum),
    "Relu": _elementwise(F.relu),
    "Reshape": _reshape,
    "Resize": _resize,
    "Rsqrt": _elementwise(torch.rsqrt),
    "Sigmoid": _elementwise(torch.sigmoid),
    "Slice": _slice,
    "SqDiff": _elementwise(lambda a, b: (a - b).square()),
    "Sqrt": _elementwise(torch.sqrt),
    "Squeeze": _squeeze,
    "Sub": _elementwise(torch.sub),
    "Transpose": lambda x, a: (x[0].permute(a["perm"]),),
}
"""What each operator does; every one takes its inputs and fixed numbers, and returns a tuple."""
