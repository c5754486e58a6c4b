"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import secrets
from pathlib import Path

from reenact.errors import MediaError
from reenact.video.container import error_text
from reenact.video.sequence import is_numbered, without_number


def partial_path(path: Path) -> Path:
    """Where the finished part of a video waits until the video is whole."""
    name = without_number(path) if is_numbered(path) else path.with_suffix("")
    return name.with_name(f"{name.name}.partial.mp4")


class PartialFile:
    """A hidden sibling of a file to be: written first, then given the name, or thrown away."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(
            f".{target.stem}.{secrets.token_hex(4)}.partial{target.suffix}"
        )
        try:
            self.path.touch(exist_ok=False)
        except OSError as error:
            raise MediaError(
                f"{target}: cannot be written ({error_text(error)}), expected a writable folder. "
                "Choose another output."
            ) from error

    def publish(self) -> None:
        """Give the finished file its name, replacing what is there, in one step."""
        try:
            self.path.replace(self.target)
        except OSError as error:
            self.discard()
            raise MediaError(
                f"{self.target}: cannot take its name ({error_text(error)}), expected a free name "
                "or a file. Choose another output."
            ) from error

    def discard(self) -> None:
        """Remove what was written so far."""
        self.path.unlink(missing_ok=True)
