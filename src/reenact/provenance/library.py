"""The optional libraries behind signed statements: c2pa-python and cryptography."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from reenact.errors import ProvenanceError


def c2pa() -> Any:
    """The module `c2pa`.

    Raises:
        ProvenanceError: It is not installed.
    """
    return _optional("c2pa")


def is_installed() -> bool:
    """Whether statements can be signed and checked here."""
    try:
        return c2pa() is not None
    except ProvenanceError:
        return False


def need_cryptography() -> None:
    """Make sure that certificates can be read and made.

    Raises:
        ProvenanceError: `cryptography` is not installed.
    """
    _optional("cryptography")


def _optional(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ProvenanceError(
            f"provenance: found no module {name} ({error}), expected those of the extra "
            "'provenance'. Run: pip install 'reenact[provenance]'."
        ) from error
