"""Weights files: which are here, what is in them, and what they may be used for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from reenact import checkpoint
from reenact.errors import ReenactError
from reenact.perception import weights as catalogue
from reenact.perception.reader import load_reader, shipped_reader
from reenact.perception.weights import Tier, WeightsFile
from reenact.template import load_template

DEFAULT_MODEL = "reenact-s"
"""What commands use unless told otherwise."""
OWN_LICENCE = "Apache-2.0"


@dataclass(frozen=True, kw_only=True)
class File:
    """A weights file: shipped with the package, or of others and wanted by some jobs."""

    name: str
    path: str
    """Empty where it is not here."""
    size: int
    """Bytes."""
    sha256: str
    """Of the whole file, in hexadecimal; empty where it is not here."""
    state: str
    """ok, absent, or what is wrong."""
    job: str
    licence: str
    tier: str
    weights: str = ""
    """Hash of the tensors of a shipped model, which its motion templates carry."""

    @property
    def wrong(self) -> bool:
        """Whether it is here and cannot be used."""
        return self.state not in ("ok", "absent")


def shipped_files() -> list[File]:
    """The weights that come with the package, opened as commands open them."""
    folder = shipped_reader().parent
    models = {DEFAULT_MODEL: folder / f"{DEFAULT_MODEL}.safetensors", **checkpoint.shipped_models()}
    found = [_shipped(shipped_reader(), "face reader", _open_reader)]
    found += [_shipped(path, "model", _hash_model) for path in models.values()]
    known = {file.weights for file in found}
    templates = set(folder.glob("*.safetensors")) - {shipped_reader(), *models.values()}
    for path in sorted(templates):
        file = _shipped(path, "motion template", _hash_in_template)
        stale = file.state == "ok" and file.weights not in known
        found.append(replace(file, state="made by other weights") if stale else file)
    return found


def examine_file(entry: WeightsFile) -> File:
    """One file of the catalogue; a wrong one is left where it is."""
    path = catalogue.locate(entry)
    digest = "" if path is None else file_hash(path)
    state = "absent"
    if path is not None:
        right = digest.startswith(entry.sha256)
        state = "ok" if right else f"wrong hash, expected {entry.sha256[:12]}"
    return File(
        name=entry.name,
        path=str(path or ""),
        size=entry.size if path is None else path.stat().st_size,
        sha256=digest,
        state=state,
        job=entry.job,
        licence=entry.licence,
        tier=entry.tier.value,
    )


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _shipped(path: Path, job: str, check: Callable[[Path], str]) -> File:
    """A file of the package; `check` opens it and returns the hash of its weights."""
    weights, state = "", "ok"
    try:
        weights = check(path)
    except ReenactError as error:
        state = str(error) if path.is_file() else "missing"
    here = path.is_file()
    return File(
        name=path.stem,
        path=str(path),
        size=path.stat().st_size if here else 0,
        sha256=file_hash(path) if here else "",
        state=state,
        job=job,
        licence=OWN_LICENCE,
        tier=Tier.PERMISSIVE.value,
        weights=weights,
    )


def _open_reader(path: Path) -> str:
    load_reader(path)
    return ""


def _hash_model(path: Path) -> str:
    return checkpoint.weights_hash(checkpoint.load_model(path))


def _hash_in_template(path: Path) -> str:
    return load_template(path).weights
