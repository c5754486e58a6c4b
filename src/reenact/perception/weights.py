"""Networks of others: which files they are, whether one may use them, and where they lie.

The main job needs none of them. `weights.toml` lists them; a file is looked for below the folder
that REENACT_WEIGHTS names, then in the user's cache, and used only with the right hash.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from pathlib import Path

from reenact.errors import MissingWeightsError, WeightsError

_log = logging.getLogger(__name__)

Download = Callable[[str, Path], None]
"""From an address to a file."""


class Tier(StrEnum):
    """What a licence allows; also the policy that a user chooses."""

    PERMISSIVE = "permissive"
    """MIT, Apache-2.0, BSD, public domain."""
    RESEARCH = "research"
    """Non-commercial or unclear terms, which the user has to accept."""


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """One line of the catalogue."""

    name: str
    """Path below the weights folder: network, slash, file."""
    job: str
    licence: str
    tier: Tier
    size: int
    """Bytes."""
    sha256: str
    """In hexadecimal; at least the first eight digits."""
    origin: str
    addresses: tuple[str, ...] = ()
    """Tried in order; empty where the file is made from others, or nowhere to be had."""
    made_from: tuple[str, ...] = ()
    """Names of the text and the binary file in the format of ncnn that it is converted from."""

    @property
    def network(self) -> str:
        """The folder, which is how commands call the network."""
        return self.name.partition("/")[0]


@lru_cache(maxsize=1)
def catalogue() -> tuple[WeightsFile, ...]:
    """All files of `weights.toml`."""
    text = resources.files("reenact.perception").joinpath("weights.toml").read_text("utf-8")
    return tuple(
        WeightsFile(
            **{
                **entry,
                "tier": Tier(entry["tier"]),
                "addresses": tuple(entry.get("addresses", ())),
                "made_from": tuple(entry.get("made_from", ())),
            }
        )
        for entry in tomllib.loads(text)["file"]
    )


def files_of(network: str) -> tuple[WeightsFile, ...]:
    """Catalogue entries of one network.

    Raises:
        WeightsError: There is no such network.
    """
    found = tuple(entry for entry in catalogue() if entry.network == network)
    if not found:
        known = ", ".join(dict.fromkeys(entry.network for entry in catalogue()))
        raise WeightsError(
            f"{network}: no such network, expected one of {known}. See `reenact weights list`."
        )
    return found


def find_weights(name: str, policy: Tier = Tier.PERMISSIVE) -> Path:
    """Where a file of the catalogue lies, its licence allowed and its hash right.

    Raises:
        WeightsError: The file is unknown, not allowed, missing, or another file by that name.
    """
    entry = next((entry for entry in catalogue() if entry.name == name), None)
    if entry is None:
        raise WeightsError(f"{name}: not in the catalogue. See `reenact weights list`.")
    check_policy(entry, policy)
    path = locate(entry)
    if path is None:
        raise MissingWeightsError(
            f"{name}: not found, expected it below {' or '.join(map(str, folders()))} "
            f"(licence: {entry.licence}). {_how_to_get(entry)}"
        )
    check_hash(entry, path)
    return path


def folders() -> tuple[Path, ...]:
    """Where networks are looked for, in order: REENACT_WEIGHTS, then the cache."""
    named = os.environ.get("REENACT_WEIGHTS")
    return (Path(named), cache_folder()) if named else (cache_folder(),)


def cache_folder() -> Path:
    """Where fetched files are kept."""
    import pooch

    return Path(pooch.os_cache("reenact"))


def locate(entry: WeightsFile) -> Path | None:
    """The first file by that name, unchecked."""
    candidates = (folder / entry.name for folder in folders())
    return next((path for path in candidates if path.is_file()), None)


def check_policy(entry: WeightsFile, policy: Tier) -> None:
    """Refuse a file whose licence asks for more than the policy grants.

    Raises:
        WeightsError: It does.
    """
    if entry.tier is Tier.RESEARCH and policy is Tier.PERMISSIVE:
        raise WeightsError(
            f"{entry.name}: its licence ({entry.licence}) is in the research tier, expected "
            "permissive by the licence policy. Read the licence, then add "
            "`--license-policy research` if it allows what you do."
        )


def check_hash(entry: WeightsFile, path: Path) -> None:
    """Compare a file with the catalogue; another file by that name is set aside.

    Raises:
        WeightsError: The hash is wrong.
    """
    with path.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
    if found.startswith(entry.sha256):
        return
    aside = path.with_name(f"{path.name}.wrong")
    try:
        path.replace(aside)
        where = f"It was set aside as {aside.name}"
    except OSError:
        where = "It could not be set aside"
    raise WeightsError(
        f"{path}: its SHA-256 starts {found[:8]}, expected {entry.sha256[:8]}. {where}. "
        f"{_how_to_get(entry)}"
    )


def fetch(
    network: str,
    policy: Tier = Tier.PERMISSIVE,
    folder: Path | None = None,
    download: Download | None = None,
) -> list[Path]:
    """Bring all files of a network into the cache, or another folder, and check them.

    Raises:
        WeightsError: The licence is not allowed, no address answers, or a hash is wrong.
    """
    folder = folder or cache_folder()
    paths = []
    for entry in files_of(network):
        check_policy(entry, policy)
        path = folder / entry.name
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{path.name}.part")
            try:
                _bring(entry, folder, partial, download or _download)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        check_hash(entry, path)
        paths.append(path)
    return paths


def _bring(entry: WeightsFile, folder: Path, target: Path, download: Download) -> None:
    if entry.made_from:
        _convert(entry, folder, target)
        return
    reason = "it has no address"
    for address in entry.addresses:
        try:
            download(address, target)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            _log.warning("%s: %s", address, error)
            reason = str(error)
        else:
            return
    raise WeightsError(
        f"{entry.name}: cannot be fetched ({reason}), expected a file of {entry.size} bytes from "
        f"{entry.origin}. Put it there yourself: {folder / entry.name}"
    )


def _convert(entry: WeightsFile, folder: Path, target: Path) -> None:
    from safetensors.torch import save_file  # with torch behind it, which lists can do without

    from reenact.perception.ncnn import read_ncnn

    save_file(read_ncnn(*(folder / name for name in entry.made_from)), target)


def _download(address: str, target: Path) -> None:
    import pooch

    pooch.retrieve(address, known_hash=None, fname=target.name, path=target.parent)


def _how_to_get(entry: WeightsFile) -> str:
    if not entry.addresses and not entry.made_from:
        return f"It was made from {entry.origin}; name the folder that has it in REENACT_WEIGHTS."
    accepted = " --license-policy research" if entry.tier is Tier.RESEARCH else ""
    return f"Run `reenact weights fetch {entry.network}{accepted}`."
