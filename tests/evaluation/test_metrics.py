import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity
from torch import Tensor
from torch.testing import assert_close

from reenact.evaluation.metrics import (
    PSNR_CAP,
    feature_distance,
    feature_maps,
    l1,
    look_at,
    masked_l1,
    psnr,
    score,
    ssim,
    ssim_on_gpu,
)
from reenact.perception.features import SqueezeNetFeatures


def pictures(count: int = 2, size: int = 64, seed: int = 0) -> Tensor:
    """Smooth shapes with some grain: (count, 3, size, size) in [0, 0.9]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 5, 5, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic")
    grain = 0.05 * torch.randn(smooth.shape, generator=generator)
    return (smooth + grain).clamp(0, 0.9)


@pytest.fixture(scope="module")
def features() -> SqueezeNetFeatures:
    """Random weights: the laws of a distance hold for any network."""
    torch.manual_seed(0)
    return SqueezeNetFeatures()


def test_a_frame_equals_itself(features: SqueezeNetFeatures) -> None:
    scores = score(pictures(), look_at(pictures(), features), features)
    assert_close(scores.l1, torch.zeros(2))
    assert_close(scores.psnr, torch.full((2,), PSNR_CAP))
    assert_close(scores.ssim, torch.ones(2))
    assert_close(scores.sqz_dist, torch.zeros(2))


def test_a_constant_offset_of_a_tenth() -> None:
    truth = pictures()
    assert_close(l1(truth + 0.1, truth), torch.full((2,), 0.1))
    assert_close(psnr(truth + 0.1, truth), torch.full((2,), 20.0), atol=1e-3, rtol=0)


@pytest.mark.parametrize("damage", ["noise", "shift", "flat", "black"])
def test_ssim_is_that_of_scikit_image(damage: str) -> None:
    truth = pictures(size=48)
    frames = {
        "noise": (truth + 0.2 * torch.rand(truth.shape)).clamp(0, 1),
        "shift": truth.roll(3, -1),
        "flat": torch.full_like(truth, 0.9),
        "black": torch.zeros_like(truth),
    }[damage]
    expected = [
        structural_similarity(
            one.permute(1, 2, 0).double().numpy(),
            other.permute(1, 2, 0).double().numpy(),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
            channel_axis=2,
        )
        for one, other in zip(frames, truth, strict=True)
    ]
    for similarity in (ssim(frames, truth), ssim_on_gpu(frames, truth)):
        assert_close(similarity, torch.tensor(expected).float(), atol=1e-6, rtol=0)


@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=5)
def test_more_noise_scores_worse(seed: int) -> None:
    truth = pictures(seed=seed)
    noise = torch.rand(truth.shape, generator=torch.Generator().manual_seed(seed)) - 0.5
    seen = look_at(truth, None)
    little, much = (score(truth + share * noise, seen, None) for share in (0.1, 0.4))
    assert (little.psnr > much.psnr).all()
    assert (little.ssim > much.ssim).all()
    assert (little.l1 < much.l1).all()


def test_feature_distance_is_symmetric_and_grows(features: SqueezeNetFeatures) -> None:
    truth, noise = pictures(seed=1), torch.randn(2, 3, 64, 64)
    true, near, far = (feature_maps(features, truth + x * noise) for x in (0, 0.02, 0.2))
    assert_close(feature_distance(near, true), feature_distance(true, near))
    assert (feature_distance(near, true) < feature_distance(far, true)).all()


def test_values_outside_the_range_are_clipped() -> None:
    truth = torch.ones(1, 3, 64, 64)
    assert_close(score(truth + 5, look_at(truth - 7, None), None).l1, torch.ones(1))
    assert_close(score(truth + 5, look_at(truth + 7, None), None).l1, torch.zeros(1))


def test_frames_of_a_batch_do_not_touch_each_other(features: SqueezeNetFeatures) -> None:
    frames, truth = pictures(3, seed=1), pictures(3, seed=2)
    together = torch.stack(score(frames, look_at(truth, features), features).columns(), dim=1)
    alone = [
        score(frames[i, None], look_at(truth[i, None], features), features).columns()
        for i in range(3)
    ]
    assert_close(together, torch.stack([torch.cat(columns) for columns in alone]))


def test_a_repeated_picture_scores_like_its_copies(features: SqueezeNetFeatures) -> None:
    truth, picture = look_at(pictures(3, seed=2), features), pictures(1, seed=1)
    looks: list[int] = []
    watching = features.register_forward_hook(lambda _, given, __: looks.append(len(given[0])))
    repeated = score(picture.expand(3, -1, -1, -1), truth, features)
    copied = score(picture.repeat(3, 1, 1, 1), truth, features)
    watching.remove()
    assert looks == [1, 3]
    assert_close(torch.stack(repeated.columns()), torch.stack(copied.columns()))


def test_without_a_network_its_distance_is_unknown() -> None:
    assert score(pictures(), look_at(pictures(), None), None).sqz_dist.isnan().all()


def test_a_mask_hides_the_error_outside() -> None:
    truth = pictures()
    frames = truth.clone()
    frames[..., :32] += 0.5
    right = torch.zeros(2, 64, 64)
    right[..., 32:] = 1
    assert_close(masked_l1(frames, truth, right), torch.zeros(2))
    assert_close(masked_l1(frames, truth, 1 - right), torch.full((2,), 0.5))
    assert masked_l1(frames, truth, torch.zeros(2, 64, 64)).isnan().all()
