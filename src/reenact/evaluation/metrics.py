"""How far generated frames are from the true ones: one number a frame (evaluation.md C1).

Frames are (B, 3, H, W) RGB in [0, 1], compared as floats, never as written to a file.
"""

from __future__ import annotations

from collections.abc import Sequence
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

    def columns(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The four numbers of every frame, in the order of the fields."""
        return self.psnr, self.ssim, self.l1, self.sqz_dist


@dataclass(frozen=True, eq=False)
class TrueFrames(Record):
    """What frames are compared with; looked at once, however many methods there are."""

    frames: Tensor
    """(B, 3, H, W) in [0, 1]."""
    maps: tuple[Tensor, ...] | None
    """What the network sees in them, as of `feature_maps`; None without one."""


def look_at(truth: Tensor, features: SqueezeNetFeatures | None) -> TrueFrames:
    """Make true frames ready; values outside [0, 1] are clipped."""
    frames = truth.float().clamp(0, 1)
    return TrueFrames(frames, None if features is None else feature_maps(features, frames))


def score(frames: Tensor, truth: TrueFrames, features: SqueezeNetFeatures | None) -> PixelScores:
    """All metrics of some frames; values outside [0, 1] are clipped first."""
    distance = frames.new_full((len(frames),), torch.nan, dtype=torch.float32)
    if features is not None and truth.maps is not None:
        # One look is enough at a picture that is repeated.
        seen = feature_maps(features, frames[:1] if is_repeated(frames) else frames)
        distance = feature_distance(seen, truth.maps)
    clipped = frames.float().clamp(0, 1)
    return PixelScores(
        psnr=psnr(clipped, truth.frames),
        ssim=ssim(clipped, truth.frames),
        l1=l1(clipped, truth.frames),
        sqz_dist=distance,
    )


def is_repeated(frames: Tensor) -> bool:
    """Whether a batch is one picture again and again, without a copy (`Tensor.expand`)."""
    return len(frames) > 1 and frames.stride(0) == 0


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
    from skimage.metrics import structural_similarity  # slow to import

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


def feature_maps(features: SqueezeNetFeatures, frames: Tensor) -> tuple[Tensor, ...]:
    """Five maps of frames, every pixel scaled to length 1 over its channels."""
    maps = features(frames.float().clamp(0, 1))
    return tuple(F.normalize(one, dim=1) for one in maps)


def feature_distance(drawn: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Distance in the eyes of a classification network, `sqz_dist`: (B,).

    Squared differences of `feature_maps` are summed over channels, averaged over pixels, and
    summed over the maps. It is no LPIPS: that one's weights belong to another training of the
    network.
    """
    distances = [
        (one - other).square().sum(dim=1).mean(dim=(1, 2))
        for one, other in zip(drawn, wanted, strict=True)
    ]
    return torch.stack(distances).sum(dim=0)


def _channels_last(frames: Tensor) -> FloatArray:
    return np.asarray(frames.double().permute(0, 2, 3, 1).cpu().numpy())
