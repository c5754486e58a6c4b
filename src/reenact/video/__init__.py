"""Pictures and videos in and out: streaming, exact in time, whole or not at all."""

from reenact.video.audio import Sound
from reenact.video.excerpt import Excerpt
from reenact.video.image import load_frame, load_image, save_image
from reenact.video.images import PICTURES, ImageSequence, picture_files
from reenact.video.info import Clip, Timing, VideoInfo, probe
from reenact.video.overlap import ahead
from reenact.video.paste import PasteBack
from reenact.video.reader import VideoReader
from reenact.video.resumable import ResumableWriter, find_earlier, partial_path
from reenact.video.writer import GENERATED, VideoWriter, generated_by

__all__ = [
    "GENERATED",
    "PICTURES",
    "Clip",
    "Excerpt",
    "ImageSequence",
    "PasteBack",
    "ResumableWriter",
    "Sound",
    "Timing",
    "VideoInfo",
    "VideoReader",
    "VideoWriter",
    "ahead",
    "find_earlier",
    "generated_by",
    "load_frame",
    "load_image",
    "partial_path",
    "picture_files",
    "probe",
    "save_image",
]
