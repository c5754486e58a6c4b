"""How far generated frames are from the true ones: one number a frame (evaluation.md C1).

Frames are (B, 3, H, W) RGB in [0, 1], compared as floats, never as written to a file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from reenact.perception.features import SqueezeNetFeatures
from reenact.records import FloatArray, Record

PSNR_CAP = 100.0
"""dB given to frames that are equal, or nearly."""
SSIM_BORDER = 5
"""Pixels at the border that the 11 x 11 window does not fit into."""


@dataclass(frozen=True, eq=False)
class PixelScores(Record):
    """What the pixels of B frames say, and a network that looks at them."""

    psnr: Tensor
    """(B,) dB, higher is better."""
    ssim: Tensor
    """(B,) up to 1, higher is better."""
    l1: Tensor
    """(B,) in [0, 1], lower is better."""
    sqz_dist: Tensor
    """(B,) from 0, lower is better; NaN where there was no network to look."""

    def rows(self) -> list[list[float]]:
        """The four numbers of every frame, in the order of the fields."""
        columns = (self.psnr, self.ssim, self.l1, self.sqz_dist)
        table: list[list[float]] = torch.stack(columns, dim=1).tolist()
        return table


def score(frames: Tensor, truth: Tensor, features: SqueezeNetFeatures | None) -> PixelScores:
    """All metrics of some frames; values outside [0, 1] are clipped first."""
    frames, truth = frames.float().clamp(0, 1), truth.float().clamp(0, 1)
    unknown = frames.new_full((len(frames),), torch.nan)
    return PixelScores(
        psnr=psnr(frames, truth),
        ssim=ssim(frames, truth),
        l1=l1(frames, truth),
        sqz_dist=unknown if features is None else feature_distance(features, frames, truth),
    )


def l1(frames: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference over pixels and channels: (B,)."""
    return (frames - truth).abs().mean(dim=(1, 2, 3))


def masked_l1(frames: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference inside a mask (B, H, W): (B,); NaN where the mask is empty."""
    error = (frames - truth).abs().mean(dim=1)
    return (error * mask).sum(dim=(1, 2)) / mask.sum(dim=(1, 2))


def psnr(frames: Tensor, truth: Tensor) -> Tensor:
    """Peak signal-to-noise ratio, 10 log10(1 / MSE) with the MSE over all channels: (B,) dB."""
    mse = (frames.double() - truth.double()).square().mean(dim=(1, 2, 3))
    return (-10 * mse.log10()).clamp(max=PSNR_CAP).float()


def ssim(frames: Tensor, truth: Tensor) -> Tensor:
    """Structural similarity: Gaussian window of deviation 1.5, data range 1, mean over RGB: (B,).

    The border that the window does not fit into is left out. Scikit-image computes it, but for
    frames on a GPU: what does it there is forty times slower on a CPU.
    """
    return ssim_on_gpu(frames, truth) if frames.is_cuda else ssim_on_cpu(frames, truth)


def ssim_on_cpu(frames: Tensor, truth: Tensor) -> Tensor:
    """Frame after frame by scikit-image."""
    from skimage.metrics import structural_similarity  # GPU machines may lack it

    pairs = zip(_channels_last(frames), _channels_last(truth), strict=True)
    similarities = [
        structural_similarity(
            one,
            other,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
            channel_axis=2,
        )
        for one, other in pairs
    ]
    return torch.tensor(similarities, dtype=torch.float32)


def ssim_on_gpu(frames: Tensor, truth: Tensor) -> Tensor:
    """All frames together by torchmetrics, which gives the map with its border.

    Double precision, because the window's variances are differences of nearly equal numbers.
    """
    _, full = structural_similarity_index_measure(
        frames.double(),
        truth.double(),
        sigma=1.5,
        data_range=1.0,
        reduction="none",
        return_full_image=True,
    )
    inside = slice(SSIM_BORDER, -SSIM_BORDER)
    similarity: Tensor = full[..., inside, inside].mean(dim=(1, 2, 3))
    return similarity.float()


def feature_distance(features: SqueezeNetFeatures, frames: Tensor, truth: Tensor) -> Tensor:
    """Distance in the eyes of a classification network, `sqz_dist`: (B,).

    Every pixel of a map is scaled to length 1 over its channels; squared differences are summed
    over channels, averaged over pixels, and summed over the network's five maps. It is no LPIPS:
    that one's weights belong to another training of the network.
    """
    total = torch.zeros(len(frames), device=frames.device)
    for drawn, wanted in zip(features(frames), features(truth), strict=True):
        difference = F.normalize(drawn, dim=1) - F.normalize(wanted, dim=1)
        total = total + difference.square().sum(dim=1).mean(dim=(1, 2))
    return total


def _channels_last(frames: Tensor) -> FloatArray:
    return np.asarray(frames.double().permute(0, 2, 3, 1).cpu().numpy())
