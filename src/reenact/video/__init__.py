"""Pictures and videos in and out: streaming, exact in time, whole or not at all."""

from reenact.video.audio import Sound
from reenact.video.comparison import Passing, side_by_side
from reenact.video.excerpt import Excerpt
from reenact.video.image import BACKDROP, load_frame, load_image, load_opacity, save_image
from reenact.video.images import PICTURES, ImageSequence, picture_files
from reenact.video.info import Clip, Timing, VideoInfo, probe
from reenact.video.mark import GENERATED, Mark, generated_by, read_mark
from reenact.video.overlap import ahead, behind
from reenact.video.partial import partial_path
from reenact.video.paste import PasteBack
from reenact.video.reader import VideoReader
from reenact.video.resumable import ResumableWriter, find_earlier
from reenact.video.webp import AnimatedWebp
from reenact.video.writer import VideoWriter

__all__ = [
    "BACKDROP",
    "GENERATED",
    "PICTURES",
    "AnimatedWebp",
    "Clip",
    "Excerpt",
    "ImageSequence",
    "Mark",
    "Passing",
    "PasteBack",
    "ResumableWriter",
    "Sound",
    "Timing",
    "VideoInfo",
    "VideoReader",
    "VideoWriter",
    "ahead",
    "behind",
    "find_earlier",
    "generated_by",
    "load_frame",
    "load_image",
    "load_opacity",
    "partial_path",
    "picture_files",
    "probe",
    "read_mark",
    "save_image",
    "side_by_side",
]
