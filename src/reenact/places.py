"""What lies under a path, for names that nobody vouches for."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

from reenact.errors import MediaError

_ABSENT = (errno.ENOENT, errno.ENOTDIR)


def is_file(path: Path) -> bool:
    """Whether there is a regular file; False for names that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False for names that no folder can have."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def exists(path: Path) -> bool:
    """Whether there is anything; False for names that nothing can have."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def require_file(path: Path, expected: str) -> None:
    """Refuse what is no regular file: a pipe or a device would be waited for without end.

    Args:
        path: What should be one.
        expected: What should be in it, like "a picture".

    Raises:
        MediaError: It is none.
    """
    if is_file(path):
        return
    raise MediaError(f"{path}: found {_found(path)}, expected {expected}. Check the path.")


def make_folder(path: Path, expected: str) -> None:
    """Make a folder and those above it; one that is there stays as it is.

    Args:
        path: What should be one.
        expected: What for, like "one to write to".

    Raises:
        MediaError: It cannot be one.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MediaError(
            f"{path}: cannot be a folder ({reason}), expected {expected}. Choose another output."
        ) from error


def _found(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        reason = "" if error.errno in _ABSENT else f" ({str(error.strerror).lower()})"
        return f"nothing{reason}"
    except ValueError as error:
        return f"nothing ({error})"
    return "a folder" if stat.S_ISDIR(mode) else "no regular file"
