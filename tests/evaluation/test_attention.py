from collections.abc import Callable, Iterator

import pytest
import torch

from reenact.config import SIZES, ModelConfig, load_config
from reenact.evaluation.attention import RegionScore, watch_attention
from reenact.evaluation.clips import ScoredClip
from reenact.model import build_model
from reenact.records import NUM_REGIONS, Parser

CPU = torch.device("cpu")
MakeClip = Callable[..., ScoredClip]


@pytest.fixture
def watch(reader: Parser, make_clip: MakeClip) -> Callable[[ModelConfig], Iterator[RegionScore]]:
    def run(config: ModelConfig) -> Iterator[RegionScore]:
        torch.manual_seed(0)
        model = build_model(config).eval().attach(reader, reader)  # type: ignore[arg-type]
        return watch_attention(model, [make_clip(10)], reader, CPU)

    return run


def test_only_shown_regions_give_rows(
    watch: Callable[[ModelConfig], Iterator[RegionScore]],
) -> None:
    rows = list(watch(SIZES["tiny"]))
    assert {row.region for row in rows} == {"hair"}
    assert {row.frame for row in rows} == {1, 5, 9}
    assert {row.size for row in rows} == {4, 8, 16, 32}


def test_a_fresh_model_spreads_its_attention(
    watch: Callable[[ModelConfig], Iterator[RegionScore]],
) -> None:
    """The tokens still look alike: each gets an even share, inside its region and outside."""
    for row in watch(SIZES["tiny"]):
        assert row.inside == pytest.approx(1 / (NUM_REGIONS + 1), rel=0.5)
        assert row.outside == pytest.approx(row.inside, rel=0.2)


def test_a_model_without_facelets_has_nothing_to_watch(
    watch: Callable[[ModelConfig], Iterator[RegionScore]],
) -> None:
    bare = load_config(ModelConfig, overrides=["size=tiny", "bank.enabled=false"])
    assert list(watch(bare)) == []
