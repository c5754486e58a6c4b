from __future__ import annotations

import torch

from reenact.data.pairs import PairBatch
from reenact.data.pool import PairPool


class Counting:
    """Numbers its pairs in the pose and in the colour."""

    def __init__(self) -> None:
        self.made = 0

    def draw(self, count: int, generator: torch.Generator) -> PairBatch:
        numbers = torch.arange(self.made, self.made + count).float()
        self.made += count
        image = (numbers / 255).view(-1, 1, 1, 1).expand(-1, 3, 4, 4)
        labels = torch.zeros(count, 4, 4, dtype=torch.uint8)
        pose = numbers.view(-1, 1).expand(-1, 6)
        points = torch.zeros(count, 2, 2)
        return PairBatch(
            image, image, labels, labels, pose, pose, points, points, torch.ones(count, 2)
        )


def test_only_a_share_is_new_once_the_pool_is_full() -> None:
    source = Counting()
    pool, chance = PairPool(source, fresh=0.25, capacity=16), torch.Generator().manual_seed(0)
    made = []
    for _ in range(4):
        assert len(pool.draw(8, chance)) == 8
        made.append(source.made)
    assert made == [8, 16, 18, 20]


def test_pairs_are_made_in_blocks_once_the_pool_is_full() -> None:
    source = Counting()
    pool, chance = PairPool(source, fresh=0.25, capacity=8, block=4), torch.Generator()
    made = []
    for _ in range(6):
        assert len(pool.draw(8, chance)) == 8
        made.append(source.made)
    assert made == [8, 8, 12, 12, 16, 16]


def test_a_block_may_be_more_than_a_batch() -> None:
    pool, chance = PairPool(Counting(), fresh=1.0, capacity=6, block=6), torch.Generator()
    assert [len(pool.draw(2, chance)) for _ in range(7)] == [2] * 7


def test_a_batch_may_be_more_than_the_pool() -> None:
    pool, chance = PairPool(Counting(), fresh=0.5, capacity=3), torch.Generator().manual_seed(0)
    for made in (8, 12, 16):
        numbers = pool.draw(8, chance).source_pose[:, 0]
        assert numbers.max() == made - 1
        assert (numbers[4:] >= made - 3).all() or made == 8


def test_kept_pairs_are_the_last_ones_made_and_whole() -> None:
    pool, chance = PairPool(Counting(), fresh=0.5, capacity=6), torch.Generator().manual_seed(0)
    for _ in range(10):
        batch = pool.draw(4, chance)
        numbers = batch.source_pose[:, 0]
        assert (numbers > numbers[:2].max() - 6).all()
        colours = (batch.source[:, 0, 0, 0] * 255).round()
        assert torch.equal(colours, numbers)


def test_all_new_is_the_source_itself() -> None:
    pool, chance = PairPool(Counting(), fresh=1.0, capacity=2), torch.Generator()
    seen = torch.cat([pool.draw(3, chance).source_pose[:, 0] for _ in range(3)])
    assert seen.tolist() == list(range(9))
