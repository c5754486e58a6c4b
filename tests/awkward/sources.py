"""Photographs as people have them, and files that only look like photographs."""

from __future__ import annotations

import os
import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from reenact.errors import FaceNotFoundError, MediaError
from video.clips import make_clip, make_sound, numbered_frame

from .case import Made, Refused, awkward
from .formats import GREY, GREY_ALPHA, PALETTE, encoded, write_cmyk, write_png, write_turned

GREY_LEVELS = numbered_frame(3)[..., 0]


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@awkward("source", Made((16, 16), colour=(255, 0, 0)))
def cmyk_jpeg(folder: Path) -> Path:
    return write_cmyk(folder / "print.jpg", 0, 255, 255, 0)


@awkward("source", Made((64, 48), colour=(200, 100, 50)))
def sixteen_bits_a_channel(folder: Path) -> Path:
    bgr = np.full((48, 64, 3), (50, 100, 200), dtype=np.uint16) * 257
    return put(folder / "deep.png", encoded(bgr, ".png"))


@awkward("source", Made((64, 48)))
def sixteen_bits_of_grey(folder: Path) -> Path:
    return put(folder / "deep.png", encoded(GREY_LEVELS.astype(np.uint16) * 257, ".png"))


@awkward("source", Made((32, 32), colour=(255, 128, 128)))
def palette_with_transparency(folder: Path) -> Path:
    row = bytes([0, 1] * 16)  # red; and nothing, through which white paper shows half and half
    chunks = {"PLTE": bytes([255, 0, 0, 0, 255, 0]), "tRNS": bytes([255, 0])}
    return write_png(folder / "logo.png", 32, 32, PALETTE, 8, row, **chunks)


@awkward("source", Made((32, 32), colour=(178, 178, 178)))
def grey_with_alpha(folder: Path) -> Path:
    return write_png(folder / "fade.png", 32, 32, GREY_ALPHA, 8, bytes([100, 128] * 32))


@awkward("source", Made((32, 32), colour=(128, 128, 128)))
def one_bit_of_grey(folder: Path) -> Path:
    return write_png(folder / "fax.png", 32, 32, GREY, 1, bytes([0b01010101] * 4))


@awkward("source", Made((64, 48)))
def grey_jpeg(folder: Path) -> Path:
    return put(folder / "old.jpg", encoded(GREY_LEVELS, ".jpg"))


@awkward("source", Made((64, 48), colour=(255, 255, 255)))
def wholly_transparent(folder: Path) -> Path:
    return put(folder / "glass.webp", encoded(np.zeros((48, 64, 4), dtype=np.uint8), ".webp"))


@awkward("source", Made((64, 48), colour=(200, 100, 50)))
def float_tiff(folder: Path) -> Path:
    bgr = np.full((48, 64, 3), (50, 100, 200), dtype=np.float32) / 255
    return put(folder / "render.tiff", encoded(bgr, ".tiff"))


@awkward("source", Made((64, 48)))
def float_tiff_of_grey(folder: Path) -> Path:
    return put(folder / "render.tiff", encoded(GREY_LEVELS.astype(np.float32) / 255, ".tiff"))


@awkward("source", Refused(MediaError, "int16 numbers"))
def signed_tiff(folder: Path) -> Path:
    return put(folder / "scan.tiff", encoded(GREY_LEVELS.astype(np.int16), ".tiff"))


@awkward("source", Made((64, 48)))
def avif(folder: Path) -> Path:
    return put(folder / "phone.avif", encoded(numbered_frame(3), ".avif"))


@awkward("source", Made((64, 48)))
def bmp(folder: Path) -> Path:
    return put(folder / "paint.bmp", encoded(numbered_frame(3), ".bmp"))


@awkward("source", Made((64, 48)))
def jpeg_named_png(folder: Path) -> Path:
    return put(folder / "renamed.png", encoded(numbered_frame(3), ".jpg"))


@awkward("source", Made((64, 48)))
def no_suffix(folder: Path) -> Path:
    return put(folder / "portrait", encoded(numbered_frame(3), ".jpg"))


@awkward("source", Made((2, 2)))
def one_pixel(folder: Path) -> Path:
    return put(folder / "dot.png", encoded(np.full((1, 1, 3), 90, dtype=np.uint8), ".png"))


@awkward("source", Refused(FaceNotFoundError, "1 x 1 picture"), crop=True)
def one_pixel_searched_for_a_face(folder: Path) -> Path:
    return one_pixel(folder)  # type: ignore[return-value]


@awkward("source", Made((12000, 80)))
def twelve_thousand_wide(folder: Path) -> Path:
    wide = np.full((80, 12000, 3), 120, dtype=np.uint8)
    return put(folder / "panorama.jpg", encoded(wide, ".jpg"))


@awkward("source", Refused(FaceNotFoundError, "12000 x 500"), crop=True)
def twelve_thousand_searched_for_a_face(folder: Path) -> Path:
    return write_png(folder / "scan.png", 12000, 500, GREY, 1, bytes(1500))


@awkward("source", Made((6, 3000)))
def taller_than_wide_by_far(folder: Path) -> Path:
    return put(folder / "strip.png", encoded(np.zeros((3000, 5, 3), dtype=np.uint8), ".png"))


@awkward("source", Made((64, 48)))
def turned_by_half(folder: Path) -> Path:
    return write_turned(folder / "half.jpg", 3)


@awkward("source", Made((48, 64)))
def turned_right(folder: Path) -> Path:
    return write_turned(folder / "right.jpg", 6)


@awkward("source", Made((48, 64)))
def turned_left(folder: Path) -> Path:
    return write_turned(folder / "left.jpg", 8)


@awkward("source", Made((48, 64)))
def turned_and_mirrored(folder: Path) -> Path:
    return write_turned(folder / "selfie.jpg", 5)


@awkward("source", Made((64, 48)))
def turned_by_a_number_that_is_none(folder: Path) -> Path:
    return write_turned(folder / "odd.jpg", 77)


@awkward("source", Refused(MediaError, "no picture"))
def half_a_jpeg_header(folder: Path) -> Path:
    return put(folder / "cut.jpg", encoded(numbered_frame(3), ".jpg")[:60])


@awkward("source", Refused(MediaError, "no picture"))
def three_quarters_of_a_jpeg(folder: Path) -> Path:
    whole = encoded(cv2.resize(numbered_frame(3), (640, 480)), ".jpg")
    return put(folder / "cut.jpg", whole[: len(whole) * 3 // 4])


@awkward("source", Refused(MediaError, "no picture"))
def half_a_png(folder: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    whole = encoded(noise, ".png")
    return put(folder / "cut.png", whole[: len(whole) // 2])


@awkward("source", Refused(MediaError, "no picture"))
def html_named_jpg(folder: Path) -> Path:
    return put(folder / "page.jpg", b"<!doctype html><title>404 Not Found</title>" * 20)


@awkward("source", Refused(MediaError, "no picture"))
def svg(folder: Path) -> Path:
    return put(folder / "logo.svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="9"/>')


@awkward("source", Refused(MediaError, "no picture"))
def pdf(folder: Path) -> Path:
    return put(folder / "scan.pdf", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n")


@awkward("source", Refused(MediaError, "no picture"))
def empty_file(folder: Path) -> Path:
    return put(folder / "empty.jpg", b"")


@awkward("source", Refused(MediaError, "no picture"))
def zeros(folder: Path) -> Path:
    return put(folder / "zeros.png", bytes(100_000))


@awkward("source", Refused(MediaError, "pixels"))
def png_that_claims_a_continent(folder: Path) -> Path:
    whole = encoded(numbered_frame(3), ".png")
    return put(folder / "bomb.png", whole[:16] + struct.pack(">II", 100_000, 90_000) + whole[24:])


@awkward("source", Refused(MediaError, "65535 x 60000 pixels"))
def jpeg_that_claims_a_country(folder: Path) -> Path:
    whole = bytearray(encoded(numbered_frame(3), ".jpg"))
    place = whole.index(b"\xff\xc0") + 5
    whole[place : place + 4] = struct.pack(">HH", 60_000, 65_535)
    return put(folder / "bomb.jpg", bytes(whole))


@awkward("source", Refused(MediaError, "pixels"))
def png_that_unpacks_to_gigabytes(folder: Path) -> Path:
    """Sixteen gigabits of it, in half a megabyte."""
    return write_png(folder / "bomb.png", 65_000, 250_000, GREY, 1, b"")


@awkward("source", Refused(MediaError, "a folder"))
def folder_as_photograph(folder: Path) -> Path:
    (folder / "album.jpg").mkdir()
    return folder / "album.jpg"


@awkward("source", Refused(MediaError, "nothing"))
def missing_photograph(folder: Path) -> Path:
    return folder / "gone.jpg"


@awkward("source", Refused(MediaError, "nothing"))
def link_to_nowhere(folder: Path) -> Path:
    (folder / "link.jpg").symlink_to("gone.jpg")
    return folder / "link.jpg"


@awkward("source", Refused(MediaError, "symbolic links"))
def loop_of_links(folder: Path) -> Path:
    (folder / "one.jpg").symlink_to("two.jpg")
    (folder / "two.jpg").symlink_to("one.jpg")
    return folder / "one.jpg"


@awkward("source", Refused(MediaError, "no regular file"))
def pipe_as_photograph(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.jpg")
    return folder / "pipe.jpg"


@awkward("source", Refused(MediaError, "no regular file"))
def device_as_photograph(folder: Path) -> Path:
    return Path("/dev/null")


@awkward("source", Refused(MediaError, "nothing (file name too long)"))
def name_that_no_file_has(folder: Path) -> Path:
    return folder / ("x" * 300 + ".jpg")


@awkward("source", Made((64, 48)))
def animated_gif_as_photograph(folder: Path) -> Path:
    return make_clip(folder / "a.gif", 4, rate=Fraction(10), codec="gif", pix_fmt="rgb8")


@awkward("source", Made((64, 48)))
def animated_webp_as_photograph(folder: Path) -> Path:
    return make_clip(folder / "a.webp", 4, codec="libwebp_anim", pix_fmt="bgra")


@awkward("source", Made((64, 48)))
def video_as_photograph(folder: Path) -> Path:
    return make_clip(folder / "a.mp4", 4)


@awkward("source", Refused(MediaError, "found 4 frames, expected 9"), "--source-frame", "9")
def frame_beyond_the_end(folder: Path) -> Path:
    return make_clip(folder / "a.mp4", 4)


@awkward("source", Refused(MediaError, "no picture"))
def sound_as_photograph(folder: Path) -> Path:
    return make_sound(folder / "voice.m4a")


@awkward("source", Made((64, 48)))
def name_with_spaces_and_letters_of_the_world(folder: Path) -> Path:
    return put(folder / "meine Oma, 1956 祖母 👵.jpg", encoded(numbered_frame(3), ".jpg"))


@awkward("source", Made((64, 48)))
def name_with_signs_of_patterns(folder: Path) -> Path:
    return put(folder / "photo [1] 100%d?.jpg", encoded(numbered_frame(3), ".jpg"))


@awkward("source", Made((64, 48), colour=(10, 20, 30)))
def name_that_stands_for_numbered_pictures(folder: Path) -> Path:
    """Of a format that FFmpeg alone reads; another file has a name that the pattern makes."""
    for name, colour in (("001.pcx", (200, 200, 200)), ("%03d.pcx", (10, 20, 30))):
        picture = np.full((48, 64, 3), colour, dtype=np.uint8)
        codec = av.CodecContext.create("pcx", "w")
        codec.width, codec.height, codec.pix_fmt, codec.time_base = 64, 48, "rgb24", Fraction(1)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        put(folder / name, b"".join(map(bytes, codec.encode(frame))))
    return folder / "%03d.pcx"


@awkward("source", Made((64, 48)))
def name_with_a_line_break(folder: Path) -> Path:
    return put(folder / "two\nlines.jpg", encoded(numbered_frame(3), ".jpg"))


@awkward("source", Made((64, 48)))
def cover_of_a_song(folder: Path) -> Path:
    """A picture beside sound, which FFmpeg calls a video."""
    cover = encoded(numbered_frame(3), ".jpg")
    with av.open(str(folder / "song.mkv"), "w") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        packet = av.Packet(cover)
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, Fraction(1)
        container.start_encoding()
        container.mux(packet)
    return folder / "song.mkv"
