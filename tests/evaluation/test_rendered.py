from pathlib import Path

import torch
from torch import Tensor
from torch.testing import assert_close

from reenact.data.clips import find_clips
from reenact.data.pairs import PairBatch
from reenact.evaluation.rendered import movers, turned_pairs
from reenact.layers.rotation import vector_from_euler


class StubRenderer:
    """Draws the number of the still into both frames, turned by chosen yaws."""

    def __init__(self, yaws: list[tuple[float, float]]) -> None:
        self.yaws = torch.tensor(yaws)

    def render(self, index: Tensor, generator: torch.Generator) -> PairBatch:
        number = index.float().view(-1, 1, 1, 1).expand(-1, 3, 8, 8)
        angles = torch.zeros(len(index), 2, 3)
        angles[..., 0] = self.yaws[index]
        pose = torch.cat([vector_from_euler(angles), torch.zeros(len(index), 2, 3)], dim=-1)
        points = torch.zeros(len(index), 1, 2)
        return PairBatch(
            source=number,
            driving=number + 0.5,
            source_parsing=number[:, 0].to(torch.uint8),
            driving_parsing=number[:, 0].to(torch.uint8),
            source_pose=pose[:, 0],
            driving_pose=pose[:, 1],
            source_points=points,
            driving_points=points,
            point_weights=points[..., 0],
        )


def test_only_heads_turned_far_away_are_kept() -> None:
    renderer = StubRenderer([(40, 0), (20, 0), (40, 30), (-30, 10), (0, 0)])
    names = ["far", "near", "alike", "across", "still"]
    batches = list(turned_pairs(renderer, names, torch.Generator(), batch_size=2))
    assert [name for batch in batches for name in batch.identities] == ["far", "across"]


def test_the_frame_that_is_turned_more_is_the_source() -> None:
    renderer = StubRenderer([(0, 40), (40, 0)])
    (pairs,) = turned_pairs(renderer, ["one", "two"], torch.Generator())
    assert_close(pairs.source[:, 0, 0, 0], torch.tensor([0.5, 1.0]))
    assert_close(pairs.driving[:, 0, 0, 0], torch.tensor([0.0, 1.5]))


def test_stills_are_turned_as_often_as_asked() -> None:
    renderer = StubRenderer([(40, 0), (20, 0)])
    batches = turned_pairs(renderer, ["far", "near"], torch.Generator(), batch_size=3, draws=3)
    assert [name for batch in batches for name in batch.identities] == ["far"] * 3


def test_faces_move_as_validation_people_do_or_else_as_those_who_are_scored(tmp_path: Path) -> None:
    (tmp_path / "ann.mp4").touch()
    (tmp_path / "bob.mp4").touch()
    scored = find_clips(tmp_path)[:1]
    assert movers(tmp_path, scored) == scored
    (tmp_path / "aldridge.mp4").touch()
    assert [clip.name for clip in movers(tmp_path, scored)] == ["aldridge"]
