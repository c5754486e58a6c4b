"""Frozen classification networks whose inner maps tell how alike two pictures look.

Their weights are not in the package: `reenact.perception.weights` finds them.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from reenact.errors import WeightsError
from reenact.perception.weights import Tier, find_weights


class SqueezeNetFeatures(nn.Module):
    """SqueezeNet v1.1: maps after conv1, fire3, fire5, fire7 and fire9, finest first."""

    FILE = "squeezenet_v1_1/squeezenet_v1_1.safetensors"
    """In the catalogue of weights."""

    SMALLEST = 17
    """Pixels on a side that leave one for the last maps."""

    MAGNITUDES: ClassVar[tuple[float, ...]] = (12.4, 23.5, 15.9, 11.0, 1.32)
    """Mean absolute value of each map over portraits of the development set."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2)
        self.fire2, self.fire3 = _Fire(64, 16, 64), _Fire(128, 16, 64)
        self.fire4, self.fire5 = _Fire(128, 32, 128), _Fire(256, 32, 128)
        self.fire6, self.fire7 = _Fire(256, 48, 192), _Fire(384, 48, 192)
        self.fire8, self.fire9 = _Fire(384, 64, 256), _Fire(512, 64, 256)
        self.register_buffer("mean", torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1), False)
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """RGB (B, 3, H, W) in [0, 1], at least 17 pixels on a side, to five maps."""
        blue_green_red = image.flip(1) * 255 - self.mean
        first = self.conv1(blue_green_red).relu()
        second = self.fire3(self.fire2(_halved(first)))
        third = self.fire5(self.fire4(_halved(second)))
        fourth = self.fire7(self.fire6(_halved(third)))
        return first, second, third, fourth, self.fire9(self.fire8(fourth))


class Vgg19Features(nn.Module):
    """VGG-19: maps after the first ReLU of each of its five blocks, finest first."""

    FILE = "vgg19/vgg19-dcbb9e9d.pth"
    """In the catalogue of weights: those of torchvision."""

    SMALLEST = 16
    """Pixels on a side that leave one for the last maps."""

    MAGNITUDES: ClassVar[tuple[float, ...]] = (1.0, 1.0, 1.0, 1.0, 1.0)
    """All 1: the usual weights of this network are for its maps as they are."""

    BLOCKS: ClassVar = (
        (64, 2),
        (128, 2),
        (256, 4),
        (512, 4),
        (512, 1),
    )
    """Channels and convolutions of each block, up to the last map used."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self.taps: list[int] = []
        channels = 3
        for block, (width, convolutions) in enumerate(self.BLOCKS):
            if block:
                layers.append(nn.MaxPool2d(2))
            self.taps.append(len(layers) + 1)
            for _ in range(convolutions):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers)
        self.register_buffer("mean", _channels(0.485, 0.456, 0.406), False)
        self.register_buffer("deviation", _channels(0.229, 0.224, 0.225), False)
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """RGB (B, 3, H, W) in [0, 1], at least 16 pixels on a side, to five maps."""
        maps, current = [], (image - self.mean) / self.deviation
        for number, layer in enumerate(self.features):
            current = layer(current)
            if number in self.taps:
                maps.append(current)
        return tuple(maps)


FeatureNetwork = SqueezeNetFeatures | Vgg19Features
FEATURE_NETWORKS: dict[str, type[FeatureNetwork]] = {
    "squeezenet": SqueezeNetFeatures,
    "vgg19": Vgg19Features,
}


def load_features(name: str, policy: Tier = Tier.PERMISSIVE) -> FeatureNetwork:
    """Build a feature network with its weights from the weights folder.

    Raises:
        WeightsError: The file is missing, not allowed by the policy, or does not fit.
    """
    network = FEATURE_NETWORKS[name]()
    path = find_weights(network.FILE, policy)
    try:
        stored = _read(path)
        network.load_state_dict({key: stored[key].float() for key in network.state_dict()})
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise WeightsError(
            f"{path}: does not hold a {name} ({error}). Fetch the file again."
        ) from error
    return network


class _Fire(nn.Module):
    """Squeeze with 1x1, expand with 1x1 and 3x3 side by side, to twice `expanded` channels."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze1x1 = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        squeezed = self.squeeze1x1(features).relu()
        return torch.cat([self.expand1x1(squeezed), self.expand3x3(squeezed)], dim=1).relu()


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    stored: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return stored


def _halved(features: Tensor) -> Tensor:
    return F.max_pool2d(features, 3, stride=2, ceil_mode=True)


def _channels(*values: float) -> Tensor:
    return torch.tensor(values).view(1, 3, 1, 1)
