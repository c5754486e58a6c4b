"""Reading back what files say of themselves: the mark in their metadata, and C2PA manifests."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

from reenact.errors import MediaError
from reenact.provenance.library import c2pa, is_installed
from reenact.provenance.signing import MODEL_ASSERTION
from reenact.video import Mark, read_mark

MANIFEST = b"jumdc2pa"
"""How the description of a C2PA manifest store begins (JUMBF, ISO 19566-5)."""


class Signature(StrEnum):
    """The state of the C2PA manifest of a file."""

    TRUSTED = "trusted"
    """The file is as it was signed, by somebody who is known here."""
    VALID = "valid"
    """The file is as it was signed; nobody here knows the signer."""
    INVALID = "invalid"
    """There is a manifest, and the file was changed after it was signed, or nobody signed it."""
    NONE = "none"
    """There is no manifest."""
    UNCHECKED = "unchecked"
    """The extra 'provenance' is not installed."""


@dataclass(frozen=True)
class Finding:
    """What a file says of itself, and whether it can be believed."""

    path: Path
    mark: Mark | None
    """Who says to have generated it: its metadata, or else its manifest; None: not reenact."""
    signature: Signature
    signer: str = ""
    """Name in the certificate; empty without a manifest."""

    @property
    def generated(self) -> bool:
        """Whether reenact made the file, and nothing speaks against it."""
        return self.mark is not None and self.signature is not Signature.INVALID


def verify(path: Path, roots: bytes | None = None) -> Finding:
    """Read the mark and the manifest of a picture or video.

    Args:
        path: The file.
        roots: Certificates (PEM) of those who are known, beside the public trust list.

    Raises:
        MediaError: The file is missing, or neither picture nor video.
    """
    mark = read_mark(path)
    if not is_installed():
        return Finding(path, mark, Signature.UNCHECKED)
    library = c2pa()
    trust = {"trust": {"user_anchors": roots.decode()}} if roots else {}
    if path.suffix.lower()[1:] not in library.Reader.get_supported_mime_types():
        return Finding(path, mark, Signature.NONE)
    try:
        with path.open("rb") as file, closing(library.Context.from_dict(trust)) as context:
            reader = library.Reader.try_create(path.suffix.lower()[1:], file, context=context)
            if reader is None:
                return Finding(path, mark, Signature.NONE)
            with closing(reader):
                store = json.loads(reader.json())
                state = str(reader.get_validation_state()).lower()
    except library.C2paError:
        # Also raised for what is torn, which says nothing of a signature.
        broken = Signature.INVALID if _holds_manifest(path) else Signature.NONE
        return Finding(path, mark, broken)
    except OSError as error:
        raise MediaError(
            f"{path}: cannot be read ({error.strerror}), expected a file that stays. Try again."
        ) from error
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    known = Signature(state) if state in ("trusted", "valid") else Signature.INVALID
    signer = active.get("signature_info", {}).get("common_name") or ""
    return Finding(path, mark or _mark_in(active), known, signer)


def _holds_manifest(path: Path) -> bool:
    """Whether a manifest begins anywhere in a file, however damaged the file is."""
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, closing(mmap(file.fileno(), 0, access=ACCESS_READ)) as content:
        return content.find(MANIFEST) >= 0


def _mark_in(manifest: dict[str, Any]) -> Mark | None:
    """What a manifest of ours says of the model."""
    for assertion in manifest.get("assertions", ()):
        if assertion.get("label") == MODEL_ASSERTION:
            said = assertion.get("data", {})
            fields = (str(said.get(name, "")) for name in ("release", "model", "weights"))
            return Mark(*fields)
    return None
