"""How large a picture file says it is, before it is decoded."""

from __future__ import annotations

import struct
from pathlib import Path

from reenact.errors import MediaError

MAX_PIXELS = 2**28
"""Pixels of a picture that is decoded: 16,384 a side. A megabyte of PNG or JPEG can claim, and
unpack to, gigabytes."""
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG behind which the size is."""
_ALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers of JPEG without a length."""


def check_size(path: Path, data: bytes) -> None:
    """Refuse a picture that claims to be too large.

    Raises:
        MediaError: It does.
    """
    width, height = declared_size(data)
    if width * height > MAX_PIXELS:
        raise MediaError(
            f"{path}: found {width} x {height} pixels, expected at most "
            f"{MAX_PIXELS / 1e6:.0f} million. Make the picture smaller."
        )


def declared_size(data: bytes) -> tuple[int, int]:
    """Width and height by the header of a PNG or a JPEG; 0 x 0 for others."""
    if data.startswith(_PNG) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    return _jpeg_size(data) if data.startswith(_JPEG) else (0, 0)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Walk from marker to marker up to the one with the size."""
    position = 2
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            position += 1  # as decoders do: damage is skipped up to the next marker
            continue
        marker = data[position + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height
        if marker == 0xFF or marker in _ALONE:
            position += 1 if marker == 0xFF else 2
            continue
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return 0, 0
