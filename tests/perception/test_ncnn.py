import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from reenact.errors import WeightsError
from reenact.perception.ncnn import HALF_PRECISION, read_ncnn

PARAM = """7767517
3 3
Input data 0 1 data 0=4 1=4 2=3
Convolution fire2/squeeze 1 1 data mid 0=1 1=1 5=1 6=3 9=1
Convolution last 1 1 mid out 0=2 1=3 4=1 5=1 6=18 9=1
"""


def write(folder: Path, tag: int = HALF_PRECISION) -> tuple[Path, Path]:
    """A network of two convolutions, the first with padding after an odd number of weights."""
    param, binary = folder / "net.param", folder / "net.bin"
    param.write_text(PARAM)
    first = np.array([1, 2, 3], "<f2").tobytes() + b"\0\0" + np.array([0.5], "<f4").tobytes()
    last = np.arange(18, dtype="<f2").tobytes() + np.array([7, 8], "<f4").tobytes()
    mark = struct.pack("<I", tag)
    binary.write_bytes(mark + first + mark + last)
    return param, binary


def test_weights_and_biases_get_their_names_and_shapes(tmp_path: Path) -> None:
    tensors = read_ncnn(*write(tmp_path))
    assert [*tensors] == ["fire2.squeeze.weight", "fire2.squeeze.bias", "last.weight", "last.bias"]
    assert_close(tensors["fire2.squeeze.weight"].flatten(), torch.tensor([1.0, 2, 3]).half())
    assert_close(tensors["last.weight"], torch.arange(18.0).half().view(2, 1, 3, 3))
    assert_close(tensors["last.bias"], torch.tensor([7.0, 8]))


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no float16 weights of fire2"):
        read_ncnn(*write(tmp_path, tag=0))
    param, binary = write(tmp_path)
    binary.write_bytes(binary.read_bytes()[:-4])
    with pytest.raises(WeightsError, match="no float16 weights of last"):
        read_ncnn(param, binary)
