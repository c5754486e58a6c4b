"""Whether outputs are signed, and with what: the options' way to `reenact.provenance`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import typer

if TYPE_CHECKING:
    from reenact.provenance import Signer


def config_folder() -> Path:
    """Where the local certificate lies: the user's folder for settings of reenact."""
    return Path(typer.get_app_dir("reenact"))


class Signing(Protocol):
    """The settings that matter here."""

    @property
    def sign(self) -> bool:
        """Sign outputs."""
        ...

    @property
    def certificate(self) -> str | None:
        """File of the user's certificate chain; None for a local one."""
        ...

    @property
    def private_key(self) -> str | None:
        """File of its key."""
        ...


def choose_signer(settings: Signing, comment: str) -> Signer | None:
    """What signs outputs that carry a comment; None where nothing is signed.

    Raises:
        ProvenanceError: The extra is not installed, or the certificate cannot sign.
    """
    if not settings.sign:
        return None
    from reenact.provenance import Signer, load_identity, local_identity
    from reenact.video import Mark

    mark = Mark.parse(comment)
    assert mark is not None
    if settings.certificate is None or settings.private_key is None:
        return Signer(local_identity(config_folder()), mark)
    return Signer(load_identity(Path(settings.certificate), Path(settings.private_key)), mark)


def check_signing(target: Path) -> None:
    """Refuse, before any work, an output that could not be signed.

    Raises:
        ProvenanceError: The extra is not installed, or the format holds no manifest.
    """
    from reenact.provenance.signing import check_signable

    check_signable(target)
