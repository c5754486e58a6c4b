"""A process of its own that reads files which may end it: `python -m fuzz.worker FOLDER LOG`.

Files are called KIND-NUMBER.SUFFIX. Their names are written to the log before they are read, and
what came of it behind: whoever started this process knows at which file it ended or hangs. Files
that are in the log already are not read again.
"""

from __future__ import annotations

import faulthandler
import resource
import sys
import traceback
from pathlib import Path

from fuzz.reading import read
from reenact.errors import ReenactError

MEMORY = 8 * 2**30
"""Bytes of address space: what claims more fails here, rather than at a user's."""


def work(folder: Path, log: Path) -> None:
    """Read all files of a folder that the log does not name."""
    known = {line.split("\t")[0] for line in log.read_text().splitlines()} if log.exists() else ()
    with log.open("a") as told:
        for path in sorted(folder.iterdir()):
            if path.name in known:
                continue
            told.write(f"{path.name}\t")
            told.flush()
            told.write(f"{verdict(path)}\n")
            told.flush()


def verdict(path: Path) -> str:
    """What comes of reading a file: read, refused, or the traceback in one line."""
    try:
        read(path.name.partition("-")[0], path)
    except ReenactError as error:
        return "refused" if "\n" not in str(error) else f"in several lines: {error!r}"
    except BaseException:
        return repr(traceback.format_exc())
    return "read"


if __name__ == "__main__":
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    work(Path(sys.argv[1]), Path(sys.argv[2]))
