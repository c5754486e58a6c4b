"""The smallest model of the family, and pictures for it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reenact.config import ModelConfig, load_config
from reenact.model import FaceletModel, build_model
from reenact.records import NUM_REGIONS, Parsing


def make_model(*overrides: str, seed: int = 0) -> FaceletModel:
    """A tiny model away from its start, where masks, pose and bank already have a say."""
    torch.manual_seed(seed)
    model = build_model(load_config(ModelConfig, overrides=["size=tiny", *overrides]))
    for name, parameter in model.named_parameters():
        if name.endswith(("gamma.weight", "beta.weight", "modulation.weight", "narrow.weight")):
            nn.init.normal_(parameter, std=0.3)
    return model.eval()


def make_loud(*overrides: str) -> FaceletModel:
    """A tiny model whose bank says more than one fresh from its start would."""
    model = make_model(*overrides).requires_grad_(False)
    for name, parameter in model.named_parameters():
        if name.startswith(("bank", "compensation")):
            nn.init.normal_(parameter, std=0.5)
    return model


def make_generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth_images(seed: int) -> Tensor:
    coarse = torch.rand(2, 3, 8, 8, generator=make_generator(seed))
    return F.interpolate(coarse, (64, 64), mode="bilinear", align_corners=True)


def block_parsing(seed: int) -> Parsing:
    """All regions, each here and there in squares of 8 pixels."""
    blocks = torch.randint(0, NUM_REGIONS + 1, (2, 8, 8), generator=make_generator(seed))
    return Parsing(blocks.repeat_interleave(8, 1).repeat_interleave(8, 2))
