from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from reenact.errors import MediaError
from reenact.video.picture_size import MAX_PIXELS, check_size, declared_size

from .clips import numbered_frame


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_the_size_is_that_of_the_picture(suffix: str) -> None:
    data = bytes(cv2.imencode(suffix, numbered_frame(0, 70, 90))[1])
    assert declared_size(data) == (90, 70)
    progressive = cv2.imencode(".jpg", numbered_frame(0, 70, 90), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    assert declared_size(bytes(progressive[1])) == (90, 70)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"])
def test_files_that_say_no_size_have_none(data: bytes) -> None:
    assert declared_size(data) == (0, 0)
    check_size(Path("picture"), data)


def test_a_thumbnail_inside_is_not_the_picture() -> None:
    thumbnail = bytes(cv2.imencode(".jpg", numbered_frame(0, 8, 8))[1])
    whole = bytes(cv2.imencode(".jpg", numbered_frame(0, 70, 90))[1])
    exif = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    assert declared_size(whole[:2] + exif + whole[2:]) == (90, 70)


def test_the_largest_picture_is_read_and_one_row_more_is_not() -> None:
    side = round(MAX_PIXELS**0.5)
    for height, fits in ((side, True), (side + 1, False)):
        sides = side.to_bytes(4, "big") + height.to_bytes(4, "big")
        data = b"\x89PNG\r\n\x1a\n" + bytes(8) + sides
        if fits:
            check_size(Path("picture"), data)
        else:
            with pytest.raises(MediaError, match="at most 268 million"):
                check_size(Path("picture"), data)
