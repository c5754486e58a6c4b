"""What a region looks like on average, wherever it is (eq. 6)."""

from __future__ import annotations

from torch import Tensor

from reenact.layers.precision import exact_einsum, full_precision


def region_average_pool(features: Tensor, masks: Tensor, eps: float = 1e-6) -> Tensor:
    """Mean of features (B, C, H, W) over each of soft masks (B, R, H, W): (B, R, C), float32.

    Divided by the area of the region, not of the picture; an empty region gives zeros.
    """
    assert features.shape[-2:] == masks.shape[-2:]
    with full_precision(features):
        masks = masks.float()
        total = exact_einsum("brhw,bchw->brc", masks, features.float())
        return total / (masks.sum(dim=(-2, -1)) + eps).unsqueeze(-1)
