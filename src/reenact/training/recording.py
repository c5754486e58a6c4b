"""A training step recorded once and replayed: the processor no longer starts every kernel."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from reenact.data.pairs import PairBatch
from reenact.motion.equivariance import Bend

WARM_UP = 3
"""Passes before the recording, in which libraries choose their kernels."""


def record(module: nn.Module, batch: PairBatch, bend: Bend) -> None:
    """Replace the forward and backward pass of a training module by CUDA graphs.

    From then on it takes inputs of these shapes alone while it is in training mode; in evaluation
    mode it runs as before. Call it before the module is wrapped for several devices, in the
    autocast context that it will run in. Weights and statistics stay what they are.

    Args:
        module: A `TrainingModule` on a GPU, in training mode; it must not wait for the device.
        batch: Any pairs, of the size that it will get.
        bend: Any bend of as many pairs.
    """
    buffers = list(module.buffers())
    before = [buffer.clone() for buffer in buffers]
    share = torch.ones((), device=batch.source.device)
    cached = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)  # a copy kept from before would never be renewed
    try:
        inputs: tuple[Tensor, ...] = (
            share,
            *batch.tensors(),
            bend.affine,
            bend.weights,
            bend.controls,
        )
        with warnings.catch_warnings():
            # Recording warms up on a stream of its own, and that is meant.
            warnings.filterwarnings("ignore", message="The AccumulateGrad node's stream")
            torch.cuda.make_graphed_callables(module, inputs, num_warmup_iters=WARM_UP)
    finally:
        torch.set_autocast_cache_enabled(cached)
    with torch.no_grad():
        torch._foreach_copy_(buffers, before)
