from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.testing import assert_close

from reenact.config import POSE_MIRRORS
from reenact.data.augmentation import Augmentation, jitter_colours, mirrored
from reenact.data.pairs import PairBatch
from reenact.records import MIRROR_REGION


def random_batch(count: int = 4, seed: int = 0) -> PairBatch:
    chance = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=chance)

    return PairBatch(
        source=uniform(count, 3, 16, 16),
        driving=uniform(count, 3, 16, 16),
        source_parsing=(uniform(count, 16, 16) * 15).to(torch.uint8),
        driving_parsing=(uniform(count, 16, 16) * 15).to(torch.uint8),
        source_pose=uniform(count, 6) - 0.5,
        driving_pose=uniform(count, 6) - 0.5,
        source_points=uniform(count, 5, 2) * 2 - 1,
        driving_points=uniform(count, 5, 2) * 2 - 1,
        point_weights=uniform(count, 5).round(),
    )


def assert_same(one: PairBatch, other: PairBatch) -> None:
    for mine, theirs in zip(one.tensors(), other.tensors(), strict=True):
        assert_close(mine, theirs)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_mirroring_twice_changes_nothing() -> None:
    batch = random_batch()
    assert_same(mirrored(mirrored(batch)), batch)


def test_mirroring_trades_the_sides_of_the_face() -> None:
    batch = random_batch()
    left_eye, right_eye = 4, 5
    assert MIRROR_REGION[left_eye - 1] == right_eye - 1
    flipped = mirrored(batch).source_parsing.flip(-1)
    assert_close(flipped == right_eye, batch.source_parsing == left_eye)
    assert_close(flipped == 0, batch.source_parsing == 0)


def test_mirroring_turns_the_pose_as_the_picture() -> None:
    pose = torch.tensor([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]])
    batch = random_batch(1)
    batch = PairBatch(*batch.tensors()[:4], pose, pose, *batch.tensors()[6:])
    expected = torch.tensor([[0.1, -0.2, -0.3, 0.4, -0.5, 0.6]])
    assert_close(mirrored(batch).driving_pose, expected)


def test_a_pose_is_mirrored_by_the_signs_of_its_code() -> None:
    batch, pose = random_batch(), torch.arange(1.0, 4).expand(4, 3)
    batch = PairBatch(*batch.tensors()[:4], pose, pose, *batch.tensors()[6:])
    signs = POSE_MIRRORS["deca_rot3"]
    expected = pose * torch.tensor([1, -1, -1])
    assert_close(mirrored(batch, signs).source_pose, expected)
    flipping = Augmentation(reverse=0, flip=1, pose_mirror=signs)
    assert_close(flipping(batch, generator()).driving_pose, expected)


def test_a_turned_head_is_mirrored_as_its_codes_say() -> None:
    """A rotation R is seen in a mirror as S R S, S the change of sign across."""
    across = np.diag([-1.0, 1.0, 1.0])
    turn = Rotation.from_rotvec([0.3, -0.5, 0.2]).as_matrix()
    seen = across @ turn @ across
    vectors = [Rotation.from_matrix(matrix).as_rotvec() for matrix in (turn, seen)]
    columns = [matrix.T[:2].ravel() for matrix in (turn, seen)]
    for code in POSE_MIRRORS:
        before, after = columns if code == "rot6d+jaw3" else vectors
        signs = np.array(POSE_MIRRORS[code][: len(before)])
        np.testing.assert_allclose(before * signs, after, atol=1e-12)


def test_mirrored_points_lie_on_the_mirrored_picture() -> None:
    batch = random_batch(1)
    column = torch.tensor([3])
    picture = torch.zeros(1, 3, 16, 16)
    picture[..., column] = 1
    points = (column * (2 / 15) - 1).view(1, 1, 1).expand(1, 5, 2)
    batch = PairBatch(picture, *batch.tensors()[1:6], points, *batch.tensors()[7:])
    flipped = mirrored(batch)
    found = ((flipped.source_points[0, 0, 0] + 1) * 7.5).round().int()
    assert flipped.source[0, 0, 0, found] == 1


def test_without_chances_nothing_changes() -> None:
    batch = random_batch()
    still = Augmentation(reverse=0, flip=0, brightness=0, contrast=0, saturation=0, hue=0)
    assert_same(still(batch, generator()), batch)


def test_a_quarter_is_flipped_and_half_is_reversed_but_never_both() -> None:
    batch = random_batch(4000)
    plain = Augmentation(brightness=0, contrast=0, saturation=0, hue=0)(batch, generator())
    reversed_ = (plain.source == batch.driving).flatten(1).all(1)
    flipped = (plain.source == batch.source.flip(-1)).flatten(1).all(1)
    untouched = (plain.source == batch.source).flatten(1).all(1)
    assert_close(reversed_.float().mean(), torch.tensor(0.5), atol=0.03, rtol=0)
    assert_close(flipped.float().mean(), torch.tensor(0.25), atol=0.03, rtol=0)
    assert (reversed_ | flipped | untouched).all()


def test_the_same_chance_gives_the_same_pairs() -> None:
    batch = random_batch()
    augment = Augmentation()
    assert_same(augment(batch, generator(5)), augment(batch, generator(5)))


def test_both_frames_of_a_pair_change_colour_alike() -> None:
    image = random_batch().source
    source, driving = jitter_colours(image, image.clone(), (0.1, 0.1, 0.1, 0.1), generator())
    assert_close(source, driving)
    assert (source - image).abs().mean() > 0.005
    assert source.min() >= 0
    assert source.max() <= 1


def test_no_width_leaves_colours_alone() -> None:
    image = random_batch().source
    source, _ = jitter_colours(image, image, (0.0, 0.0, 0.0, 0.0), generator())
    assert_close(source, image, atol=1e-5, rtol=0)


def test_brightness_scales_and_contrast_keeps_the_mean() -> None:
    image = random_batch().source * 0.5 + 0.2
    bright, _ = jitter_colours(image, image, (0.1, 0.0, 0.0, 0.0), generator())
    ratio = (bright / image).flatten(1)
    assert_close(ratio, ratio[:, :1].expand_as(ratio))
    grey = image.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    contrasted, _ = jitter_colours(grey, grey, (0.0, 0.2, 0.0, 0.0), generator())
    assert_close(contrasted.mean((1, 2, 3)), grey.mean((1, 2, 3)), atol=1e-3, rtol=0)


def test_saturation_and_hue_leave_grey_alone() -> None:
    grey = random_batch().source[:, :1].expand(-1, 3, -1, -1)
    changed, _ = jitter_colours(grey, grey, (0.0, 0.0, 0.5, 0.5), generator())
    assert_close(changed, grey, atol=2e-3, rtol=0)
