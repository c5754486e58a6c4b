"""Signed statements that a file was generated, and by which model: C2PA, and reading them back."""

from reenact.provenance.identity import Identity, load_identity, local_identity
from reenact.provenance.signing import Signer
from reenact.provenance.verification import Finding, Signature, verify

__all__ = [
    "Finding",
    "Identity",
    "Signature",
    "Signer",
    "load_identity",
    "local_identity",
    "verify",
]
