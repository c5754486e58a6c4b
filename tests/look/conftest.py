"""A portrait of the stub reader's kind, and a model with facelets to look into."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from reenact.animator import Animator
from reenact.portrait import Portrait
from reenact.records import (
    NUM_REGIONS,
    Animation,
    Compensation,
    FaceletBank,
    Motion,
    Parsing,
    SourceState,
)
from stubs import StubModel, StubReader, picture_with_face

NOSE, GLASSES = 8, 5


class StubFacelets(StubModel):
    """The left half of every frame asks for the nose, the right half for nothing; no glasses."""

    def encode_source(self, image: Tensor, parsing: Parsing, pose: Tensor) -> SourceState:
        present = torch.ones(1, NUM_REGIONS, dtype=torch.bool)
        present[:, GLASSES] = False
        bank = FaceletBank(tokens=torch.zeros(1, 4, NUM_REGIONS, 8), present=present)
        return replace(super().encode_source(image, parsing, pose), bank=bank)

    def render(self, source: SourceState, motion: Motion) -> Animation:
        attention = torch.zeros(len(motion.pose), NUM_REGIONS, 8, 8)
        attention[:, NOSE, :, :4] = 1
        null = 1 - attention.sum(dim=1, keepdim=True)
        compensation = Compensation(features=(), attention=(attention,), null=(null,))
        return replace(super().render(source, motion), compensation=compensation)


@pytest.fixture
def animator() -> Animator:
    return Animator(StubFacelets(visible=0.75), StubReader())


@pytest.fixture
def portrait(animator: Animator) -> Portrait:
    return animator.encode_source(picture_with_face())
