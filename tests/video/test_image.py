from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from reenact.errors import MediaError
from reenact.video import load_image, load_opacity, save_image

from .clips import make_clip, numbered_frame


def picture() -> np.ndarray:
    rng = np.random.default_rng(0)
    return cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (64, 48))


def test_a_png_comes_back_bit_by_bit(tmp_path: Path) -> None:
    save_image(tmp_path / "ä b.png", picture())
    assert np.array_equal(load_image(tmp_path / "ä b.png"), picture())
    assert [path.name for path in tmp_path.iterdir()] == ["ä b.png"]


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp", ".tiff"])
def test_usual_formats_are_read_as_rgb(tmp_path: Path, suffix: str) -> None:
    red = np.full((16, 16, 3), (200, 40, 20), dtype=np.uint8)
    save_image(tmp_path / f"red{suffix}", red)
    assert np.abs(load_image(tmp_path / f"red{suffix}").astype(int) - red).max() <= 4


def test_grey_and_sixteen_bit_become_eight_bit_rgb(tmp_path: Path) -> None:
    grey = picture()[..., 0]
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    cv2.imwrite(str(tmp_path / "deep.png"), grey.astype(np.uint16) * 257)
    for name in ("grey.png", "deep.png"):
        image = load_image(tmp_path / name)
        assert image.dtype == np.uint8
        assert np.abs(image.astype(int) - grey[..., None]).max() <= 1


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("white", [1, 255, 65535])
def test_floating_point_becomes_eight_bit_rgb(tmp_path: Path, kind: type, white: int) -> None:
    numbers = picture().astype(kind) / 255 * white
    numbers[0, :2, :] = [[np.nan] * 3, [9 * white] * 3]
    cv2.imwrite(str(tmp_path / "float.tiff"), numbers[..., ::-1])
    image = load_image(tmp_path / "float.tiff")
    assert image[0, :2, 0].tolist() == [0, 255]
    assert np.array_equal(image[1:], picture()[1:])


def test_grey_floating_point_is_grey(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.tiff"), picture()[..., 0].astype(np.float32) / 255)
    assert np.array_equal(load_image(tmp_path / "grey.tiff"), picture()[..., [0, 0, 0]])


def test_transparent_floating_point_shows_white_paper(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pixels = np.zeros((4, 4, 4), dtype=np.float32)
    pixels[:2, :, 3] = 1
    cv2.imwrite(str(tmp_path / "alpha.tiff"), pixels)
    assert np.array_equal(load_image(tmp_path / "alpha.tiff")[:, 0, 0], [0, 0, 255, 255])
    opacity = load_opacity(tmp_path / "alpha.tiff")
    assert opacity is not None
    assert opacity[:, 0].tolist() == [255, 255, 0, 0]
    capfd.readouterr()  # OpenCV's own remarks on the file


@pytest.mark.parametrize("kind", [np.int16, np.int32])
def test_integers_without_a_white_are_refused(tmp_path: Path, kind: type) -> None:
    cv2.imwrite(str(tmp_path / "signed.tiff"), picture().astype(kind))
    with pytest.raises(MediaError, match=f"found a picture of {kind.__name__} numbers"):
        load_image(tmp_path / "signed.tiff")


@pytest.mark.parametrize("deep", [False, True])
def test_transparent_pixels_show_white_paper(tmp_path: Path, deep: bool) -> None:
    pixels = np.zeros((4, 4, 4), dtype=np.uint16 if deep else np.uint8)
    pixels[:2, :, 3] = np.iinfo(pixels.dtype).max
    cv2.imwrite(str(tmp_path / "alpha.png"), pixels)
    image = load_image(tmp_path / "alpha.png")
    assert (image[:2] == 0).all()
    assert (image[2:] == 255).all()


def exif_block(orientation: int) -> bytes:
    """A JPEG segment that says nothing but how the picture is turned."""
    entry = struct.pack("<HHII", 0x0112, 3, 1, orientation)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    return b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_exif_rotation_is_obeyed(tmp_path: Path, orientation: int, turns: int) -> None:
    path = tmp_path / "photo.jpg"
    cv2.imwrite(str(path), picture()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])
    plain = load_image(path)
    data = path.read_bytes()
    tiff = (
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation, 0, 0, 0]) + bytes(4)
    )
    block = b"Exif\0\0" + tiff
    path.write_bytes(
        data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + data[2:]
    )
    assert np.array_equal(load_image(path), np.rot90(plain, turns))


def test_a_video_gives_its_first_frame(tmp_path: Path) -> None:
    image = load_image(make_clip(tmp_path / "clip.mp4"))
    assert np.abs(image.astype(int) - numbered_frame(0)).mean() < 3


@pytest.mark.parametrize("content", [None, b"", b"hello", b"\x89PNG\r\n\x1a\nbroken", b"GIF89a"])
def test_what_is_no_picture_is_refused_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "photo.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match="expected") as caught:
        load_image(path)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="a folder"):
        load_image(tmp_path)


@pytest.mark.parametrize("name", ["out.xyz", "out", "nowhere/out.png"])
def test_a_picture_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError, match="expected"):
        save_image(tmp_path / name, picture())
    assert not list(tmp_path.iterdir())
