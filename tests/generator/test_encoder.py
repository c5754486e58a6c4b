import pytest
import torch

from reenact.generator.encoder import SourceEncoder


@pytest.mark.parametrize(
    ("base", "max_width", "parameters"), [(64, 512, 9_816_192), (32, 256, 2_458_688)]
)
def test_parameters(base: int, max_width: int, parameters: int) -> None:
    with torch.device("meta"):
        encoder = SourceEncoder(base, max_width)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == parameters


def test_widths_of_the_paper_coarsest_first() -> None:
    with torch.device("meta"):
        assert SourceEncoder().widths == (512, 512, 256, 128, 64)


def test_five_scales_coarsest_first() -> None:
    encoder = SourceEncoder(base=4, max_width=12).eval()
    features = encoder(torch.rand(2, 3, 64, 64))
    assert [f.shape[-1] for f in features] == [4, 8, 16, 32, 64]
    assert tuple(f.shape[1] for f in features) == encoder.widths == (12, 12, 12, 8, 4)
