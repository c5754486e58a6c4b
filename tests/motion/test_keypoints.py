import pytest
import torch
from torch.testing import assert_close

from reenact.layers.grid import identity_grid
from reenact.motion.keypoints import AffineKeypointDetector, centre_of_mass, spatial_softmax


def count(**numbers: int) -> int:
    with torch.device("meta"):
        detector = AffineKeypointDetector(**numbers)
    return sum(parameter.numel() for parameter in detector.parameters())


def tiny(affine_maps: int = 4) -> AffineKeypointDetector:
    torch.manual_seed(0)
    detector = AffineKeypointDetector(
        num_keypoints=4, base=4, max_width=16, blocks=3, affine_maps=affine_maps
    )
    return detector.eval()


def test_parameters_of_the_paper_and_of_the_small_model() -> None:
    assert count() == 14_215_368
    assert count(affine_maps=1) == 14_153_592
    assert count(base=16, max_width=256) == 2_401_240


@pytest.mark.parametrize("affine_maps", [1, 4])
def test_keypoints_lie_in_the_picture_and_start_unturned(affine_maps: int) -> None:
    found = tiny(affine_maps)(torch.rand(2, 3, 64, 64))
    assert found.points.shape == (2, 4, 2)
    assert found.points.abs().max() <= 1
    assert_close(found.affines, torch.eye(2).expand(2, 4, 2, 2))


def test_one_shared_affine_map_is_read_at_each_keypoint() -> None:
    detector = tiny(affine_maps=1)
    torch.nn.init.normal_(detector.affine.weight, std=0.1)
    affines = detector(torch.rand(1, 3, 64, 64)).affines
    assert (affines[0, 0] - affines[0, 1]).abs().max() > 1e-6


def test_the_temperature_divides_the_heat() -> None:
    detector, image = tiny(), torch.rand(1, 3, 64, 64)
    found = detector(image).points
    detector.temperature = 1.0
    assert (detector(image).points - found).abs().max() > 0.01
    detector.heatmap.weight.data /= 0.1
    detector.heatmap.bias.data /= 0.1
    assert_close(detector(image).points, found, atol=1e-4, rtol=0)


def test_what_is_too_fine_for_a_quarter_of_the_size_is_averaged() -> None:
    """Stripes of a pixel, swelling from the border: skipping pixels would see the light ones."""
    swell = torch.hann_window(64, periodic=False).outer(torch.hann_window(64, periodic=False))
    stripes = 0.4 * swell * (1 - 2 * (torch.arange(64) % 2))
    detector, grey = tiny(), torch.full((1, 3, 64, 64), 0.5)
    expected = detector(grey).points
    assert (detector(grey + 0.4 * swell).points - expected).abs().max() > 0.01
    assert_close(detector(grey + stripes).points, expected, atol=1e-3, rtol=0)


def test_autocast_does_not_move_a_keypoint() -> None:
    detector, image = tiny(), torch.rand(1, 3, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        found = detector(image)
    assert_close(found.points, detector(image).points, atol=0, rtol=0)


def test_all_heat_in_one_pixel_is_that_pixel() -> None:
    logits = torch.zeros(1, 1, 5, 7)
    logits[0, 0, 3, 1] = 1e4
    heat = spatial_softmax(logits)
    assert_close(centre_of_mass(heat)[0, 0], identity_grid(5, 7)[3, 1])


def test_even_heat_is_the_middle() -> None:
    heat = spatial_softmax(torch.zeros(1, 1, 6, 6))
    assert_close(heat.sum(), torch.tensor(1.0))
    assert_close(centre_of_mass(heat), torch.zeros(1, 1, 2))
