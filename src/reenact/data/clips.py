"""Which clips and stills a folder holds, and whom they show."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from reenact.data.decode import PICTURES
from reenact.errors import DataError

VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi")
STILLS = "stills"
"""Folder of the portraits beside clips; its pictures are not the frames of one."""
_APART = (STILLS, "clips", "train", "test")
"""Folders that are no person's, where a folder has no splits or not the one that is asked for."""


@dataclass(frozen=True)
class Footage:
    """One clip or still, and the side-car beside it."""

    name: str
    """Of the file, after those of the folders it lies in: `ann/01`."""
    path: Path
    """Video file, picture, or folder of the frames of a clip."""
    identity: str

    @property
    def sidecar(self) -> Path:
        """Path of the npz; it need not exist."""
        return sidecar_path(self.path)


def sidecar_path(path: Path) -> Path:
    """The npz beside a clip or still; the `.mp4` of a VoxCeleb folder's name is dropped too."""
    known = path.suffix.lower() in (*VIDEOS, *PICTURES)
    return path.with_suffix(".npz") if known else path.with_name(f"{path.name}.npz")


def find_clips(root: Path, split: str = "train") -> tuple[Footage, ...]:
    """Clips of one split below a folder, sorted.

    Three layouts are known: `root/clips/<split>/`, `root/<split>/` (VoxCeleb: videos or folders
    of pictures named `<identity>#<video>#<start>#<end>.mp4`), and the clips in `root` itself,
    which has no splits then (`has_split`). Clips may lie in folders, one for each person.

    Raises:
        DataError: The folder is missing or holds no clip of the split.
    """
    folder = _first_folder(root, (*_split_folders(split), "."))
    found = _footage(root, folder, is_clip)
    if not found:
        missing = f" and no split '{split}'" if folder == root else ""
        raise DataError(
            f"{folder}: no clips there{missing}, expected videos or folders of pictures. "
            "Check the path, or run `reenact prepare` to make such a folder."
        )
    return found


def has_split(root: Path, split: str) -> bool:
    """Whether a folder holds a split by name; where not, `find_clips` takes what it holds."""
    return any((root / name).is_dir() for name in _split_folders(split))


def find_stills(root: Path) -> tuple[Footage, ...]:
    """Still portraits of `root/stills`, or of `root` itself; empty where there are none."""
    return _footage(root, _first_folder(root, (STILLS, ".")), _is_still)


def validation_identities() -> frozenset[str]:
    """People of the development clips that training never sees (`data/validation.txt`)."""
    lines = resources.files("reenact.data").joinpath("validation.txt").read_text().splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def split_by_identity(
    footage: Iterable[Footage], held_out: frozenset[str]
) -> tuple[tuple[Footage, ...], tuple[Footage, ...]]:
    """Footage of all others, and footage of the people held out."""
    everyone = tuple(footage)
    kept = tuple(item for item in everyone if item.identity not in held_out)
    return kept, tuple(item for item in everyone if item.identity in held_out)


def identity_of(name: str) -> str:
    """Who a VoxCeleb clip shows: its name up to the first '#'; other names are people."""
    return name.split("#", 1)[0]


def _footage(root: Path, folder: Path, wanted: Callable[[Path], bool]) -> tuple[Footage, ...]:
    known = _manifest(root)
    apart = _APART if folder == root else ()
    found = []
    for path in _below(folder, apart):
        if wanted(path):
            place = path.relative_to(folder).parent
            person = place.parts[0] if place.parts and "#" not in path.stem else None
            identity = known.get(path.stem, person or identity_of(path.stem))
            found.append(Footage((place / path.stem).as_posix(), path, identity))
    return tuple(found)


def _below(folder: Path, apart: Sequence[str] = ()) -> Iterator[Path]:
    """All that may be footage, sorted; nothing of folders that are hidden, or named here."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in apart:
            continue
        if path.is_dir() and not is_clip(path):
            yield from _below(path)
        else:
            yield path


def _manifest(root: Path) -> dict[str, str]:
    path = root / "manifest.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as rows:
        return {row["id"]: row["identity"] for row in csv.DictReader(rows)}


def _split_folders(split: str) -> tuple[str, ...]:
    return f"clips/{split}", split


def _first_folder(root: Path, names: tuple[str, ...]) -> Path:
    if not root.is_dir():
        raise DataError(f"{root}: no such folder, expected clips and stills. Check the path.")
    return next(root / name for name in names if (root / name).is_dir())


def is_clip(path: Path) -> bool:
    """Whether a path is a video or a folder of pictures, unless these are portraits.

    Portraits that were prepared have their readings beside them.
    """
    if path.name.startswith("."):
        return False
    if path.is_dir():
        endings = {file.suffix.lower() for file in path.iterdir()}
        return not endings.isdisjoint(PICTURES) and ".npz" not in endings
    return path.suffix.lower() in VIDEOS


def _is_still(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and path.is_file()
