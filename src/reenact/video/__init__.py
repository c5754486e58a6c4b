"""Pictures and videos in and out: streaming, exact in time, whole or not at all."""

from reenact.video.image import load_image, save_image
from reenact.video.info import Timing, VideoInfo, probe
from reenact.video.overlap import ahead
from reenact.video.paste import PasteBack
from reenact.video.reader import VideoReader
from reenact.video.writer import GENERATED, VideoWriter, generated_by

__all__ = [
    "GENERATED",
    "PasteBack",
    "Timing",
    "VideoInfo",
    "VideoReader",
    "VideoWriter",
    "ahead",
    "generated_by",
    "load_image",
    "probe",
    "save_image",
]
