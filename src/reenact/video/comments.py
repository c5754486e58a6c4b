"""Comments in pictures, where neither OpenCV nor FFmpeg writes them: PNG, JPEG and GIF."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
GIF = b"GIF89a"
_JPEG_COMMENT = 0xFE
_GIF_COMMENT = b"\x21\xfe"
_GIF_BLOCK = 255
"""Bytes that one block of a GIF extension can hold."""


def add_comment(data: bytes, comment: str) -> bytes:
    """An encoded picture (PNG, JPEG or GIF) that says something more.

    Raises:
        ValueError: It is in another format.
    """
    if data.startswith(PNG):
        return _add_to_png(data, comment)
    if data.startswith(JPEG):
        return _add_to_jpeg(data, comment)
    if data.startswith(GIF):
        return _add_to_gif(data, comment)
    raise ValueError(f"data begins with {data[:6]!r}, expected a PNG, JPEG or GIF picture")


def picture_comments(data: bytes) -> list[str]:
    """What a PNG or JPEG says; nothing where it says nothing, is damaged, or is something else."""
    if data.startswith(PNG):
        return list(_png_comments(data))
    if data.startswith(JPEG):
        comments = (part for kind, part in _segments(data) if kind == _JPEG_COMMENT)
        return [part.decode("utf-8", "replace") for part in comments]
    return []


def _add_to_png(data: bytes, comment: str) -> bytes:
    """An iTXt chunk "Comment" (UTF-8, not compressed) behind the header."""
    end = len(PNG) + 12 + int.from_bytes(data[8:12], "big")
    body = b"iTXt" + b"Comment\0\0\0\0\0" + comment.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:end] + chunk + data[end:]


def _png_comments(data: bytes) -> Iterator[str]:
    position = len(PNG)
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        position += 12 + length
        if kind == b"tEXt":
            keyword, _, text = body.partition(b"\0")
            yield text.decode("latin-1") if keyword == b"Comment" else ""
        elif kind == b"iTXt" and body.startswith(b"Comment\0\0"):
            yield body[len(b"Comment\0") + 2 :].split(b"\0", 2)[-1].decode("utf-8", "replace")
        elif kind == b"IEND":
            return


def _add_to_jpeg(data: bytes, comment: str) -> bytes:
    """A segment COM behind the first one, which JFIF wants to be its own."""
    text = comment.encode()[: 0xFFFF - 2]
    segment = b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text
    begins_with_jfif = data[2:4] == b"\xff\xe0"
    end = 4 + int.from_bytes(data[4:6], "big") if begins_with_jfif else 2
    return data[:end] + segment + data[end:]


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and content of the segments of a JPEG before its pixels."""
    position = len(JPEG)
    while position + 4 <= len(data) and data[position] == 0xFF:
        kind, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        if kind == 0xDA or length < 2:
            return
        yield kind, data[position + 4 : position + 2 + length]
        position += 2 + length


def _add_to_gif(data: bytes, comment: str) -> bytes:
    """A comment extension behind the header and its palette."""
    flags = data[10]
    end = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    text = comment.encode()
    blocks = [text[at : at + _GIF_BLOCK] for at in range(0, len(text), _GIF_BLOCK)]
    extension = _GIF_COMMENT + b"".join(bytes([len(part)]) + part for part in blocks) + b"\0"
    return data[:end] + extension + data[end:]
