"""Whole commands: where the output is to go, and how inputs are named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from reenact.errors import ConfigError, MediaError

from .case import Made, Nonsense, Refused, awkward

INPUTS = ["photo.png", "talk.mp4"]
"""A photograph and a driving video that are fine, in the folder where commands run."""


@awkward("words", Refused(MediaError, "an input of this run"))
def output_is_the_driving_video(folder: Path) -> list[str]:
    return [*INPUTS, "-o", "talk.mp4", "--overwrite"]


@awkward("words", Refused(MediaError, "an input of this run"))
def output_is_the_photograph(folder: Path) -> list[str]:
    shutil.copy("photo.png", folder / "photo.mp4")
    return [str(folder / "photo.mp4"), "talk.mp4", "-o", str(folder / "photo.mp4"), "-y"]


@awkward("words", Refused(MediaError, "an input of this run"))
def output_is_a_link_to_an_input(folder: Path) -> list[str]:
    (folder / "link.mp4").symlink_to(Path("talk.mp4").resolve())
    return [*INPUTS, "-o", str(folder / "link.mp4"), "--overwrite"]


@awkward("words", Refused(MediaError, "exists already"))
def output_exists(folder: Path) -> list[str]:
    (folder / "out.mp4").write_bytes(b"precious")
    return [*INPUTS, "-o", str(folder / "out.mp4")]


@awkward("words", Refused(MediaError, "cannot be written"))
def output_in_a_missing_folder(folder: Path) -> list[str]:
    return [*INPUTS, "-o", str(folder / "gone/out.mp4")]


@awkward("words", Refused(MediaError, "cannot be written"))
def output_in_a_file(folder: Path) -> list[str]:
    return [*INPUTS, "-o", "photo.png/out.mp4"]


@awkward("words", Refused(MediaError, "cannot be written"))
def output_in_a_folder_that_is_read_only(folder: Path) -> list[str]:
    (folder / "locked").mkdir()
    if os.getuid() == 0:  # whom no mode keeps out
        (folder / "locked").rmdir()
        return [*INPUTS, "-o", "/proc/out.mp4"]
    (folder / "locked").chmod(0o500)
    return [*INPUTS, "-o", str(folder / "locked/out.mp4")]


@awkward("words", Refused(MediaError, "name too long"))
def output_with_a_name_too_long(folder: Path) -> list[str]:
    return [*INPUTS, "-o", str(folder / ("x" * 300 + ".mp4"))]


@awkward("words", Refused(MediaError, "name too long"))
def output_with_the_longest_name(folder: Path) -> list[str]:
    """That of its unfinished part is longer than any may be."""
    return [*INPUTS, "-o", str(folder / ("x" * 251 + ".mp4"))]


@awkward("words", Refused(MediaError, "names no format"))
def output_of_an_unknown_kind(folder: Path) -> list[str]:
    return [*INPUTS, "-o", str(folder / "out.docx")]


@awkward("words", Made())
def output_with_letters_of_the_world(folder: Path) -> list[str]:
    return [*INPUTS, "-o", str(folder / "Ergebnis 結果 [1] %03d 👵.mp4")]


@awkward("words", Made())
def output_whose_suffix_shouts(folder: Path) -> list[str]:
    return [*INPUTS, "-o", str(folder / "OUT.MP4")]


@awkward("words", Made())
def inputs_that_begin_with_a_dash(folder: Path) -> list[str]:
    shutil.copy("photo.png", "-photo.png")
    shutil.copy("talk.mp4", "--talk.mp4")
    return ["-o", str(folder / "out.mp4"), "--", "-photo.png", "--talk.mp4"]


@awkward("words", Made())
def output_that_begins_with_a_dash(folder: Path) -> list[str]:
    return [*INPUTS, "--output=-out.mp4"]


@awkward("words", Nonsense())
def no_driving(folder: Path) -> list[str]:
    return ["photo.png"]


@awkward("words", Nonsense())
def a_quality_beyond_the_scale(folder: Path) -> list[str]:
    return [*INPUTS, "--quality", "52"]


@awkward("words", Nonsense())
def a_stretch_that_ends_before_it_begins(folder: Path) -> list[str]:
    return [*INPUTS, "--driving-from", "2", "--driving-to", "1"]


@awkward("words", Nonsense())
def a_stretch_from_no_number(folder: Path) -> list[str]:
    return [*INPUTS, "--driving-from", "inf"]


@awkward("words", Refused(ConfigError, "--device"))
def a_device_that_is_none(folder: Path) -> list[str]:
    return [*INPUTS, "-o", str(folder / "out.mp4"), "--device", "quantum"]


@awkward("words", Refused(MediaError, "Check the pattern"))
def sources_of_a_pattern_without_files(folder: Path) -> list[str]:
    return [str(folder / "*.jpg"), "talk.mp4", "-o", str(folder)]


@awkward("words", Refused(MediaError, "for several sources"))
def several_outputs_into_a_file(folder: Path) -> list[str]:
    shutil.copy("photo.png", "other.png")
    return ["photo.png", "other.png", "talk.mp4", "-o", "photo.png"]
