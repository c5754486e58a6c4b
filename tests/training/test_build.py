from __future__ import annotations

from reenact.data.reframing import ReframingRange
from reenact.training.build import build_augmentation
from reenact.training.config import AugmentationConfig


def test_pairs_are_reframed_by_the_limits_of_the_config() -> None:
    config = AugmentationConfig(moved=0.5, turn=1.0, zoom=0.2, stretch=0.3, elastic=0.04)
    augmentation = build_augmentation(config)
    assert augmentation.moved == 0.5
    assert augmentation.reframing == ReframingRange(turn=1.0, zoom=0.2, stretch=0.3, elastic=0.04)
