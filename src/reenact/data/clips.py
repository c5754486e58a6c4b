"""Which clips and stills a folder holds, and whom they show."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from reenact.data.decode import PICTURES
from reenact.errors import DataError

VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi")
STILLS = "stills"
"""Folder of the portraits beside clips; its pictures are not the frames of one."""
_APART = frozenset((STILLS, "clips", "train", "test", "val", "validation", "dev"))
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
    which has no splits then (`has_split`). Folders directly in one of these may be people, with
    their clips anywhere below.

    Raises:
        DataError: The folder is missing or holds no clip of the split.
    """
    folder = _first_folder(root, (*_split_folders(split), "."))
    apart = _APART if folder == root else frozenset[str]()
    paths = footage_below(folder, is_frames, apart)
    found = _footage(root, folder, (path for path in paths if not _is_still(path)))
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
    """Still portraits of `root/stills`, or of `root` itself; empty where there are none.

    Folders directly in it may be people, as with clips; in `stills`, no pictures are frames.
    """
    folder = _first_folder(root, (STILLS, "."))
    if folder == root:
        paths = footage_below(folder, is_frames, _APART)
    else:
        paths = footage_below(folder, lambda _: False)
    return _footage(root, folder, (path for path in paths if _is_still(path)))


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
    """Who a clip in no folder shows: its name up to the first '#', as VoxCeleb has it, or whole."""
    return name.split("#", 1)[0]


def _footage(root: Path, folder: Path, paths: Iterable[Path]) -> tuple[Footage, ...]:
    known, found = _manifest(root), []
    for path in paths:
        place = path.relative_to(folder).parent
        name = (place / path.stem).as_posix()
        person = place.parts[0] if place.parts and "#" not in path.stem else identity_of(path.stem)
        identity = known.get(name, known.get(path.stem, person))
        found.append(Footage(name, path, identity))
    return tuple(found)


def footage_below(
    folder: Path, is_clip: Callable[[Path], bool], apart: frozenset[str] = frozenset()
) -> Iterator[Path]:
    """Videos, pictures, and folders that are clips below a folder, sorted.

    Nothing of what is hidden, of folders named in `apart`, or of links that lead back up.
    """
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if not path.is_dir():
            if path.suffix.lower() in (*VIDEOS, *PICTURES):
                yield path
        elif path.name.lower() in apart or _leads_up(path):
            continue
        elif is_clip(path):
            yield path
        else:
            yield from footage_below(path, is_clip, apart)


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


def _leads_up(folder: Path) -> bool:
    """Whether a folder is a link to one that it lies in."""
    above = folder.absolute().parent.resolve()
    return folder.is_symlink() and folder.resolve() in (above, *above.parents)


def is_frames(folder: Path) -> bool:
    """Whether a folder holds the frames of one clip: pictures alone, and no portraits.

    Portraits that were prepared have their readings beside them. A folder that is called as a video
    is always one.
    """
    inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
    pictures = {path.stem for path in inside if path.suffix.lower() in PICTURES}
    if not pictures or folder.suffix.lower() in VIDEOS:
        return bool(pictures)
    others = (path for path in inside if path.suffix.lower() not in PICTURES)
    return not any(
        path.suffix.lower() in VIDEOS
        or (path.suffix == ".npz" and path.stem in pictures)
        or path.is_dir()
        for path in others
    )


def _is_still(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and path.is_file()
