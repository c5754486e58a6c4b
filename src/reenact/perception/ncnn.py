"""Networks published in the format of ncnn, as plain tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reenact.errors import WeightsError

HALF_PRECISION = 0x01306B47
"""Tag before weights that are stored as float16."""


def read_ncnn(param: Path, binary: Path) -> dict[str, Tensor]:
    """Weights (float16) and biases (float32) of all convolutions of a network.

    A text lists the layers with their sizes; the other file holds their numbers, one layer after
    the other: a tag, the weights, padding to four bytes, the bias.

    Raises:
        WeightsError: The two do not belong together.
    """
    stored, position = binary.read_bytes(), 0
    tensors: dict[str, Tensor] = {}
    for line in param.read_text(encoding="utf-8").splitlines():
        kind, *words = line.split()
        if kind != "Convolution":
            continue
        name = words[0].replace("/", ".")
        sizes = dict(word.split("=") for word in words if "=" in word)
        width, kernel, count = (int(sizes[key]) for key in ("0", "1", "6"))
        weight_bytes = 2 * count + 2 * count % 4
        end = position + 4 + weight_bytes + 4 * width
        tag = int.from_bytes(stored[position : position + 4], "little")
        if end > len(stored) or tag != HALF_PRECISION:
            raise WeightsError(
                f"{binary}: no float16 weights of {name} at byte {position}, expected what "
                f"{param.name} describes. Fetch both files again."
            )
        weight = np.frombuffer(stored, "<f2", count, position + 4)
        bias = np.frombuffer(stored, "<f4", width, position + 4 + weight_bytes)
        shape = (width, count // (width * kernel * kernel), kernel, kernel)
        tensors[f"{name}.weight"] = torch.from_numpy(weight.copy()).view(shape)
        tensors[f"{name}.bias"] = torch.from_numpy(bias.copy())
        position = end
    return tensors
