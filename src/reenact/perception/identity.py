"""Who a face is: MobileFaceNet's embedding of the aligned face (evaluation.md C4).

Evaluation only. The model itself never sees it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reenact.errors import WeightsError
from reenact.layers.grid import identity_grid, sample
from reenact.perception.mesh import LEFT_EYE, RIGHT_EYE
from reenact.perception.weights import Tier, find_weights

ALIGNED_SIZE = 112
"""Pixels on a side of an aligned face."""
ALIGNED_POINTS = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""Right eye, left eye (the person's), tip of the nose, right and left corner of the mouth in an
aligned face; pixel centres are whole numbers."""
_NOSE, _MOUTH = 4, (61, 291)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class MobileFaceNet(nn.Module):
    """Aligned faces to embeddings, the more alike the more it is the same person."""

    FILE = "mobilefacenet/mobilefacenet.pt"
    """In the catalogue of weights."""

    BLOCKS = (
        *((64, 2, 2), *((64, 2, 1),) * 4),
        *((128, 4, 2), *((128, 2, 1),) * 6),
        *((128, 4, 2), *((128, 2, 1),) * 2),
    )
    """Channels, expansion and stride of the inverted residuals."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv_norm(3, 64, 3, stride=2, padding=1)
        self.dw_conv = _Separable(64)
        blocks, width = [], 64
        for channels, expand, stride in self.BLOCKS:
            blocks.append(_InvertedResidual(width, channels, expand, stride))
            width = channels
        self.features = nn.Sequential(*blocks)
        self.conv2 = _conv_norm(width, 512, 1)
        self.gdconv = _Whole(512, ALIGNED_SIZE // 16)
        self.conv3 = nn.Conv2d(512, 128, 1)
        self.bn = nn.BatchNorm2d(128)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1), False)
        self.eval().requires_grad_(False)

    def forward(self, faces: Tensor) -> Tensor:
        """Aligned faces RGB (B, 3, 112, 112) in [0, 1] to unit vectors (B, 128).

        Both a face and its mirror image are looked at.
        """
        both = self._embed(torch.cat([faces, faces.flip(-1)]))
        one, mirrored = both.chunk(2)
        return F.normalize(one + mirrored, dim=-1)

    def _embed(self, faces: Tensor) -> Tensor:
        features = self.dw_conv(self.conv1((faces - self.mean) / self.deviation))
        features = self.gdconv(self.conv2(self.features(features)))
        embedding: Tensor = self.bn(self.conv3(features)).flatten(1)
        return embedding


def load_identity(policy: Tier = Tier.PERMISSIVE) -> MobileFaceNet:
    """The network with its weights from the weights folder.

    Raises:
        WeightsError: The file is missing, not allowed by the policy, or does not fit.
    """
    network = MobileFaceNet()
    path = find_weights(network.FILE, policy)
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, ValueError, KeyError, EOFError) as error:
        raise WeightsError(
            f"{path}: does not hold a MobileFaceNet ({error}). Fetch the file again."
        ) from error
    return network


def five_points(mesh: Tensor) -> Tensor:
    """Eyes, tip of the nose and corners of the mouth of meshes (B, 478, 2): (B, 5, 2)."""
    eyes = [mesh[:, list(eye)].mean(dim=1) for eye in (RIGHT_EYE, LEFT_EYE)]
    return torch.stack([*eyes, mesh[:, _NOSE], *(mesh[:, corner] for corner in _MOUTH)], dim=1)


def align_faces(images: Tensor, points: Tensor) -> Tensor:
    """Turn, scale and shift faces to where the network wants them: (B, 3, 112, 112).

    Args:
        images: (B, 3, H, W) square.
        points: (B, 5, 2) as of `five_points`, xy in [-1, 1] of the images.
    """
    wanted = torch.tensor(ALIGNED_POINTS, device=points.device) * (2 / (ALIGNED_SIZE - 1)) - 1
    # A similarity is one complex number and a shift: here from the aligned face to the picture.
    start, end = torch.view_as_complex(wanted), torch.view_as_complex(points.float().contiguous())
    from_middle, to_middle = start.mean(), end.mean(dim=1, keepdim=True)
    start, end = start - from_middle, end - to_middle
    turn = (end * start.conj()).sum(dim=1, keepdim=True) / start.abs().square().sum()
    grid = torch.view_as_complex(identity_grid(ALIGNED_SIZE, ALIGNED_SIZE, points.device))
    where = (grid.flatten() - from_middle) * turn + to_middle
    return sample(images, torch.view_as_real(where).unflatten(1, grid.shape))


def _conv_norm(
    channels: int, out: int, size: int, stride: int = 1, padding: int = 0, groups: int = 1
) -> nn.Sequential:
    """Convolution, norm, ReLU6."""
    convolution = nn.Conv2d(channels, out, size, stride, padding, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out), nn.ReLU6())


class _Separable(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, 1, 1, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        once: Tensor = self.bn1(self.depthwise(features)).relu()
        twice: Tensor = self.bn2(self.pointwise(once)).relu()
        return twice


class _InvertedResidual(nn.Module):
    def __init__(self, channels: int, out: int, expand: int, stride: int) -> None:
        super().__init__()
        wide = channels * expand
        self.passes = stride == 1 and channels == out
        self.conv = nn.Sequential(
            _conv_norm(channels, wide, 1),
            _conv_norm(wide, wide, 3, stride=stride, padding=1, groups=wide),
            nn.Conv2d(wide, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.conv(features)
        return features + change if self.passes else change


class _Whole(nn.Module):
    """One weight a place: the last map becomes a single pixel."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, size, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        pixel: Tensor = self.bn(self.depthwise(features))
        return pixel
