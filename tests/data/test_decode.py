from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from footage import frames_of
from reenact.data.decode import decode_clip, decode_still, encode_png, resized, stream_clip
from reenact.errors import DataError
from reenact.video import VideoWriter, save_image


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    with VideoWriter(path, rate=Fraction(30000, 1001), comment=None) as sink:
        for frame in frames_of(7, seed=0):
            sink.write(frame)
    return path


def test_both_decoders_give_the_same_frames(clip: Path) -> None:
    one, other = decode_clip(clip, 256, "av"), decode_clip(clip, 256, "opencv")
    assert one.shape == other.shape == (7, 3, 256, 256)
    assert one.dtype == torch.uint8
    assert (one.float() - other.float()).abs().mean() < 3
    truth = torch.from_numpy(frames_of(7, seed=0)).permute(0, 3, 1, 2)
    assert (one.float() - truth.float()).abs().mean() < 3


def test_frames_are_resampled_to_the_size_asked_for(clip: Path) -> None:
    assert decode_clip(clip, 64).shape == (7, 3, 64, 64)


def test_a_stream_gives_the_same_frames_in_batches(clip: Path) -> None:
    batches = list(stream_clip(clip, 64, batch=3, expected=7))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert torch.equal(torch.cat(batches), decode_clip(clip, 64))


def test_a_clip_of_another_length_than_told_is_refused(clip: Path) -> None:
    with pytest.raises(DataError, match="7 frames decoded, expected 8 as in its side-car"):
        decode_clip(clip, 64, expected=8)


def test_a_folder_of_pictures_is_a_clip_in_the_order_of_names(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        save_image(tmp_path / f"{number:07d}.png", np.full((16, 16, 3), 10 * number, np.uint8))
    assert decode_clip(tmp_path, 16)[:, 0, 0, 0].tolist() == [0, 10, 20]


def test_both_decoders_read_stills_alike(tmp_path: Path) -> None:
    image = frames_of(1, seed=3)[0, 40:200]
    save_image(tmp_path / "still.jpg", image)
    one, other = (decode_still(tmp_path / "still.jpg", name) for name in ("av", "opencv"))
    assert one.shape == other.shape == (3, 160, 256)
    assert (one.float() - other.float()).abs().mean() < 2


def test_png_bytes_decode_to_the_picture(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    (tmp_path / "sheet.png").write_bytes(encode_png(image))
    decoded = decode_still(tmp_path / "sheet.png", "opencv")
    np.testing.assert_array_equal(decoded.permute(1, 2, 0).numpy(), image)


def test_resizing_keeps_plain_colours() -> None:
    plain = torch.full((1, 3, 32, 32), 77, dtype=torch.uint8)
    assert (resized(plain, 12) == 77).all()
    assert resized(plain, 32) is plain


@pytest.mark.parametrize("decoder", ["av", "opencv"])
def test_unreadable_files_are_named(tmp_path: Path, decoder: str) -> None:
    (tmp_path / "torn.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"torn\.jpg: cannot be decoded"):
        decode_still(tmp_path / "torn.jpg", decoder)


def test_folders_without_pictures_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no frame could be decoded"):
        decode_clip(tmp_path, 16)
