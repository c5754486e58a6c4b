"""Picture files that no library at hand writes, byte by byte."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

from reenact.records import Image
from video.clips import numbered_frame

GREY, GREY_ALPHA, PALETTE = 0, 4, 3
"""Colour types of PNG."""


def write_png(
    path: Path,
    width: int,
    height: int,
    colour_type: int,
    depth: int,
    row: bytes,
    **chunks: bytes,
) -> Path:
    """A PNG whose every row is the same; `chunks` come before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    pixels = zlib.compress((b"\0" + row) * height)
    parts = [("IHDR", header), *chunks.items(), ("IDAT", pixels), ("IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts))
    return path


def _chunk(name: str, data: bytes) -> bytes:
    body = name.encode() + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def write_cmyk(path: Path, cyan: int, magenta: int, yellow: int, black: int) -> Path:
    """A CMYK JPEG of one colour, as Adobe writes them (inverted): 16 x 16 pixels.

    Every block is one difference of its mean to the last one, then the end of the block.
    """
    values = [255 - ink for ink in (cyan, magenta, yellow, black)]
    table = b"\0" + bytes([8] * 64)  # so that a mean is a level
    frame = struct.pack(">BHHB", 8, 16, 16, 4)
    frame += b"".join(bytes([number, 0x11, 0]) for number in range(1, 5))
    means = b"\x00" + bytes([0] * 3 + [12] + [0] * 12) + bytes(range(12))  # four bits a size
    others = b"\x10" + bytes([1] + [0] * 15) + b"\x00"  # "0" ends a block
    scan = bytes([4]) + b"".join(bytes([number, 0]) for number in range(1, 5)) + b"\0\x3f\0"
    bits = "".join(_difference(value - 128) for value in values) + ("0000" + "0") * 12
    bits += "1" * (-len(bits) % 8)
    stream = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    path.write_bytes(
        b"\xff\xd8"
        + _segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")
        + _segment(0xDB, table)
        + _segment(0xC0, frame)
        + _segment(0xC4, means)
        + _segment(0xC4, others)
        + _segment(0xDA, scan)
        + stream
        + b"\xff\xd9"
    )
    return path


def _difference(value: int) -> str:
    size = abs(value).bit_length()
    bits = value if value > 0 else value + (1 << size) - 1
    return f"{size:04b}" + (f"{bits:0{size}b}" if size else "") + "0"


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def write_turned(path: Path, orientation: int) -> Path:
    """A JPEG, 64 x 48 as stored, whose EXIF says how to hold it."""
    _, data = cv2.imencode(".jpg", numbered_frame(3))
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + b"\0\0\0\0"
    path.write_bytes(b"\xff\xd8" + _segment(0xE1, b"Exif\0\0" + tiff) + data.tobytes()[2:])
    return path


def encoded(image: Image | np.ndarray, suffix: str) -> bytes:
    """A picture (BGR or grey) as OpenCV writes it."""
    _, data = cv2.imencode(suffix, image)
    return bytes(data)
