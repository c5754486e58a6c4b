"""One scale of quality and one of effort for all encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Preset = Literal["ultrafast", "veryfast", "fast", "medium", "slow", "veryslow"]
PRESETS: tuple[str, ...] = get_args(Preset)
WORST = 51
"""End of the scale of x264."""
PRORES_PROFILES = ((10, "hq"), (25, "standard"), (40, "lt"), (WORST, "proxy"))
"""Profile up to a quality."""

BLOCKLESS = 20
"""Up to this quality the blocks of x264 do not show. Its filter against them is weakest there: it
blurs over into what stands still beside what moves, a little in every frame, and that flickers."""

SCALED = {"flv", "mjpeg", "mpeg2video", "mpeg4", "msmpeg4", "wmv2"}
"""Encoders of FFmpeg's own with a scale of 1, best, to 31."""


@dataclass(frozen=True)
class Quality:
    """How good, and how much effort goes into making it small."""

    factor: int = 18
    """Constant rate factor on the scale of x264: 0 is lossless, 18 hardly visible, 51 worst."""
    preset: str = "medium"
    """In the words of x264: "ultrafast" to "veryslow"."""


BEST = Quality()


def encoder_options(encoder: str, quality: Quality) -> dict[str, str]:
    """What a quality means to an encoder; nothing to those that are always lossless."""
    factor, effort = quality.factor, PRESETS.index(quality.preset)
    of_63 = str(round(factor * 63 / WORST))
    if encoder == "libx264rgb":
        return {"qp": "0", "preset": "ultrafast"}
    if encoder == "libx264":
        options = {"crf": str(factor), "preset": quality.preset}
        return options | ({"deblock": "-6:-6"} if factor <= BLOCKLESS else {})
    if encoder == "libx265":
        lossless = "" if factor else ":lossless=1"
        params = f"log-level=none:open-gop=0{lossless}"
        return {"crf": str(factor), "preset": quality.preset, "x265-params": params}
    if encoder == "libvpx-vp9":
        speed = {"cpu-used": str(max(0, 6 - effort)), "row-mt": "1", "deadline": "good"}
        return {"lossless": "1", **speed} if not factor else {"crf": of_63, "b": "0", **speed}
    if encoder == "libsvtav1":
        return {"crf": str(max(1, int(of_63))), "preset": str(12 - 2 * effort)}
    if encoder == "prores_ks":
        return {"profile": next(name for end, name in PRORES_PROFILES if factor <= end)}
    if encoder == "png":
        return {"compression_level": "3", "pred": "up"}
    if encoder in SCALED:
        scale = str(1 + round(factor * 30 / WORST))
        return {"qmin": scale, "qmax": scale}
    return {}
