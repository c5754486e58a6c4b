"""Driving videos as people have them, and files that only look like videos."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange

from reenact.errors import MediaError
from reenact.video import save_image
from video.clips import make_clip, make_sound, numbered_frame

from .case import Made, Refused, awkward
from .formats import encoded
from .sources import put

SIX = Made((64, 48), frames=6)
"""What comes of a usual clip of six frames: the size is that of the photograph."""


def remux(source: Path, target: Path, shift: int = 0, **options: str) -> Path:
    """Copy the packets of a clip, `shift` ticks later."""
    with av.open(str(source)) as old, av.open(str(target), "w", container_options=options) as new:
        streams = {s.index: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.dts is None:
                continue
            packet.stream = streams[packet.stream.index]
            packet.pts, packet.dts = (packet.pts or 0) + shift, packet.dts + shift
            new.mux(packet)
    return target


@awkward("driving", Made(frames=6, rate=Fraction(25)))
def ten_bit_h264(folder: Path) -> Path:
    return make_clip(folder / "hdr.mp4", 6, pix_fmt="yuv420p10le")


@awkward("driving", Made(frames=6, rate=Fraction(25)))
def ten_bit_hevc(folder: Path) -> Path:
    return make_clip(folder / "hdr.mov", 6, codec="libx265", pix_fmt="yuv420p10le")


@awkward("driving", SIX)
def colour_of_every_pixel(folder: Path) -> Path:
    return make_clip(folder / "full.mp4", 6, pix_fmt="yuv444p")


@awkward("driving", SIX)
def grey_video(folder: Path) -> Path:
    return make_clip(folder / "grey.mp4", 6, pix_fmt="gray")


@awkward("driving", SIX)
def video_with_alpha(folder: Path) -> Path:
    return make_clip(folder / "alpha.mov", 6, codec="prores_ks", pix_fmt="yuva444p10le")


@awkward("driving", SIX)
def vp9(folder: Path) -> Path:
    return make_clip(folder / "web.webm", 6, codec="libvpx-vp9")


@awkward("driving", Made(frames=6, rate=Fraction(24000, 1001)))
def film_rate(folder: Path) -> Path:
    return make_clip(folder / "film.mp4", 6, rate=Fraction(24000, 1001))


@awkward("driving", Made(frames=6))
def varying_rate(folder: Path) -> Path:
    ticks = [0, 40, 90, 250, 260, 600]
    return make_clip(folder / "phone.mp4", 6, ticks=ticks, time_base=Fraction(1, 1000))


@awkward("driving", SIX)
def rotated_by_metadata(folder: Path) -> Path:
    return make_clip(folder / "upright.mp4", 6, rotation=90)


@awkward("driving", SIX)
def odd_sides(folder: Path) -> Path:
    return make_clip(folder / "odd.mp4", 6, size=(47, 63), pix_fmt="yuv444p")


@awkward("driving", SIX)
def two_pixels(folder: Path) -> Path:
    return make_clip(folder / "dot.mp4", 6, size=(2, 2))


@awkward("driving", Made(frames=1))
def one_frame(folder: Path) -> Path:
    return make_clip(folder / "still.mp4", 1)


@awkward("driving", Made(frames=3, rate=Fraction(1, 10)))
def a_frame_every_ten_seconds(folder: Path) -> Path:
    return make_clip(folder / "slow.mp4", 3, rate=Fraction(1, 10))


@awkward("driving", Made(frames=6, rate=Fraction(240)))
def slow_motion(folder: Path) -> Path:
    return make_clip(folder / "fast.mp4", 6, rate=Fraction(240))


def six_frames(
    path: Path,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    **settings: object,
) -> Path:
    """A clip with settings of its codec that `make_clip` does not know."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        for index in range(6):
            frame = av.VideoFrame.from_ndarray(numbered_frame(index), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@awkward("driving", SIX)
def interlaced(folder: Path) -> Path:
    return six_frames(folder / "tv.ts", "mpeg2video", {"flags": "+ildct+ilme"})


@awkward("driving", SIX)
def wide_pixels(folder: Path) -> Path:
    return six_frames(folder / "dv.mkv", sample_aspect_ratio=Fraction(16, 11))


@awkward("driving", SIX)
def full_range(folder: Path) -> Path:
    return six_frames(folder / "pc.mkv", color_range=ColorRange.JPEG)


@awkward("driving", SIX)
def clock_begins_below_zero(folder: Path) -> Path:
    whole = make_clip(folder / "whole.ts", 6, codec="mpeg2video")
    return remux(whole, folder / "early.ts", -18_000, avoid_negative_ts="disabled")


@awkward("driving", SIX)
def clock_begins_after_an_hour(folder: Path) -> Path:
    whole = make_clip(folder / "whole.ts", 6, codec="mpeg2video")
    return remux(whole, folder / "late.ts", 3600 * 90_000)


@awkward("driving", Made(frames=7))
def beginning_hidden_by_an_edit_list(folder: Path) -> Path:
    """Trimmed without encoding again: players show the last seven of twelve frames."""
    whole = make_clip(folder / "whole.mp4", 12)
    return remux(whole, folder / "trimmed.mp4", -2560, avoid_negative_ts="disabled")


@awkward("driving", Made(frames=12))
def clock_jumps_back(folder: Path) -> Path:
    """Two recordings in one file, as cameras and `cat` leave them."""
    one = make_clip(folder / "one.ts", 6).read_bytes()
    return put(folder / "both.ts", one + one)


@awkward("driving", Made(frames=12))
def size_changes_half_way(folder: Path) -> Path:
    one = make_clip(folder / "one.ts", 6).read_bytes()
    two = make_clip(folder / "two.ts", 6, size=(96, 32)).read_bytes()
    return put(folder / "both.ts", one + two)


@awkward("driving", SIX)
def sound_longer_than_pictures(folder: Path) -> Path:
    return make_clip(folder / "long.mp4", 6, sound=2.0)


@awkward("driving", SIX)
def sound_that_mp4_cannot_hold(folder: Path) -> Path:
    return make_clip(folder / "pcm.mkv", 6, sound=0.3, audio_codec="pcm_s16le")


@awkward("driving", SIX)
def sound_without_samples(folder: Path) -> Path:
    path = folder / "mute.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("aac", rate=16000)
        audio.layout = "mono"
        for index in range(6):
            frame = av.VideoFrame.from_ndarray(numbered_frame(index), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@awkward("driving", SIX)
def gif_of_changes(folder: Path) -> Path:
    """Every frame but the first holds only the rectangle that changed."""
    return make_clip(folder / "a.gif", 6, rate=Fraction(10), codec="gif", pix_fmt="rgb8")


@awkward("driving", Made(frames=1))
def gif_with_one_frame(folder: Path) -> Path:
    return make_clip(folder / "a.gif", 1, rate=Fraction(10), codec="gif", pix_fmt="rgb8")


@awkward("driving", SIX)
def animated_png(folder: Path) -> Path:
    return make_clip(folder / "a.apng", 6, codec="apng", pix_fmt="rgb24")


@awkward("driving", SIX)
def animated_webp(folder: Path) -> Path:
    return make_clip(folder / "a.webp", 6, codec="libwebp_anim", pix_fmt="bgra")


@awkward("driving", SIX)
def motion_jpeg(folder: Path) -> Path:
    return make_clip(folder / "camera.avi", 6, codec="mjpeg", pix_fmt="yuvj420p")


@awkward("driving", SIX)
def video_with_a_wrong_suffix(folder: Path) -> Path:
    return make_clip(folder / "a.mp4", 6).rename(folder / "a.jpeg.txt")


@awkward("driving", Made(frames=1))
def picture_as_driving(folder: Path) -> Path:
    save_image(folder / "one.png", numbered_frame(0))
    return folder / "one.png"


@awkward("driving", Made(frames=1))
def one_pixel_as_driving(folder: Path) -> Path:
    return put(folder / "dot.png", encoded(np.full((1, 1, 3), 90, dtype=np.uint8), ".png"))


@awkward("driving", Refused(MediaError, "streams of audio, expected pictures"))
def only_sound(folder: Path) -> Path:
    return make_sound(folder / "voice.mp4")


@awkward("driving", Refused(MediaError, "cannot be read as media"))
def no_pictures_in_the_video(folder: Path) -> Path:
    """All that describes the pictures is there, and no picture."""
    path = make_clip(folder / "whole.mkv", 6)
    with av.open(str(path)) as old, av.open(str(folder / "hollow.mkv"), "w") as new:
        new.add_stream_from_template(old.streams.video[0])
        new.start_encoding()
    return folder / "hollow.mkv"


@awkward("driving", Refused(MediaError, "cannot be read as media"))
def mp4_without_an_index(folder: Path) -> Path:
    whole = make_clip(folder / "whole.mp4", 12).read_bytes()
    return put(folder / "cut.mp4", whole[: whole.index(b"moov") - 4])


@awkward("driving", Made(frames=3))
def mp4_that_ends_early(folder: Path) -> Path:
    """A download that was cut off: its index comes first, and promises twelve frames."""
    whole = remux(
        make_clip(folder / "whole.mp4", 12, codec="mjpeg", pix_fmt="yuvj420p"),
        folder / "fast.mp4",
        movflags="faststart",
    ).read_bytes()
    start = whole.index(b"mdat")
    return put(folder / "cut.mp4", whole[: start + (len(whole) - start) // 4])


@awkward("driving", Refused(MediaError, "cannot be read as media"))
def text_named_mp4(folder: Path) -> Path:
    return put(folder / "text.mp4", b"to be or not to be\n" * 100)


@awkward("driving", Refused(MediaError, "cannot be read as media"))
def empty_video(folder: Path) -> Path:
    return put(folder / "empty.mp4", b"")


@awkward("driving", Refused(MediaError, "cannot be read as media"))
def playlist_of_the_internet(folder: Path) -> Path:
    return put(folder / "list.m3u8", b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n")


@awkward("driving", Refused(MediaError, "cannot be read as media"))
def playlist_of_the_computer(folder: Path) -> Path:
    make_clip(folder / "secret.ts", 6)
    return put(folder / "list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.ts\n")


@awkward("driving", Refused(MediaError, "cannot be read as media"))
def list_of_other_files(folder: Path) -> Path:
    make_clip(folder / "secret.mp4", 6)
    return put(folder / "list.mp4", b"ffconcat version 1.0\nfile secret.mp4\n")


@awkward("driving", Refused(MediaError, "nothing"))
def address(folder: Path) -> list[str]:
    return ["photo.png", "http://127.0.0.1:9/talk.mp4"]


@awkward("driving", Refused(MediaError, "no regular file"))
def pipe_as_driving(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.mp4")
    return folder / "pipe.mp4"


@awkward("driving", Refused(MediaError, "symbolic links"))
def loop_of_links_as_driving(folder: Path) -> Path:
    (folder / "one.mp4").symlink_to("two.mp4")
    (folder / "two.mp4").symlink_to("one.mp4")
    return folder / "one.mp4"


@awkward("driving", SIX)
def name_with_the_sign_of_numbered_pictures(folder: Path) -> Path:
    return make_clip(folder / "a.mp4", 6).rename(folder / "take %03d [a-z]*.mp4")


@awkward("driving", SIX)
def name_of_other_scripts(folder: Path) -> Path:
    return make_clip(folder / "a.mp4", 6).rename(folder / "видео 動画 é.mp4")


@awkward("driving", SIX)
def name_with_a_colon(folder: Path) -> Path:
    return make_clip(folder / "a.mp4", 6).rename(folder / "file:a|b.mp4")


@awkward("driving", Refused(MediaError, "no picture"))
def folder_of_texts(folder: Path) -> Path:
    (folder / "texts").mkdir()
    put(folder / "texts/a.txt", b"no picture")
    return folder / "texts"


@awkward("driving", Refused(MediaError, "no picture"))
def empty_folder(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


@awkward("driving", Made(frames=3))
def folder_of_pictures_and_other_things(folder: Path) -> Path:
    place = folder / "shots [1]"
    (place / "sub.png").mkdir(parents=True)
    for number in (1, 2, 10):
        save_image(place / f"{number}.png", numbered_frame(number))
    put(place / "Thumbs.db", b"\0" * 100)
    return place


@awkward("driving", Refused(MediaError, "expected 64 x 48 as in 1.png"))
def folder_of_pictures_of_two_sizes(folder: Path) -> Path:
    (folder / "shots").mkdir()
    save_image(folder / "shots/1.png", numbered_frame(1))
    save_image(folder / "shots/2.png", numbered_frame(2, 50, 64))
    return folder / "shots"


@awkward("driving", Refused(MediaError, "2.png"))
def folder_with_a_damaged_picture(folder: Path) -> Path:
    (folder / "shots").mkdir()
    save_image(folder / "shots/1.png", numbered_frame(1))
    put(folder / "shots/2.png", b"\x89PNG\r\n\x1a\n")
    return folder / "shots"


@awkward("driving", Refused(MediaError, "no picture"))
def pattern_of_nothing(folder: Path) -> Path:
    return folder / "shots-*.png"


@awkward("driving", Refused(MediaError, "no frame from 90 s"), "--driving-from", "90")
def stretch_beyond_the_end(folder: Path) -> Path:
    return make_clip(folder / "a.mp4", 6)


@awkward("driving", SIX)
def link_to_a_video(folder: Path) -> Path:
    shutil.move(make_clip(folder / "a.mp4", 6), folder / "there.mp4")
    (folder / "here.mp4").symlink_to("there.mp4")
    return folder / "here.mp4"
