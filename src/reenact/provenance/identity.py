"""Who signs: a certificate with its private key, the user's own or one made for this computer."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reenact.errors import ProvenanceError
from reenact.provenance.library import need_cryptography

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

CERTIFICATE, PRIVATE_KEY, ROOT = "certificate.pem", "private-key.pem", "root.pem"
"""Files of the local identity."""
YEARS = 10
"""How long the local certificate is valid."""
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
"""Name of the signature in C2PA by the curve of the key."""


@dataclass(frozen=True)
class Identity:
    """A certificate chain and the private key of its first certificate."""

    certificates: bytes
    """PEM, the signer's first."""
    private_key: bytes = field(repr=False)
    """PEM, PKCS #8."""
    algorithm: str
    """In the words of C2PA: es256, ps256, ed25519."""


def load_identity(certificate: Path, private_key: Path) -> Identity:
    """The user's own certificate chain and key, from PEM files.

    Raises:
        ProvenanceError: They cannot be read, or are no such things, or do not belong together.
    """
    need_cryptography()
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    chain, key = _read(certificate), _read(private_key)
    try:
        owner = x509.load_pem_x509_certificates(chain)[0].public_key()
        pem, algorithm, public = _private(key)
    except (ValueError, TypeError, IndexError) as error:
        raise ProvenanceError(
            f"{certificate}, {private_key}: cannot be used ({error}), expected a chain of "
            "certificates and a private key without a password, both PEM. Convert them."
        ) from error
    spelled = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if owner.public_bytes(*spelled) != public:
        raise ProvenanceError(
            f"{private_key}: is the key of another certificate, expected that of {certificate}. "
            "Give the two that belong together."
        )
    return Identity(chain, pem, algorithm)


def local_identity(folder: Path) -> Identity:
    """The identity of this computer, made when it is first asked for; only the user can read it.

    Nobody vouches for it: it shows that two files come from the same computer, and that nothing
    in them was changed.

    Raises:
        ProvenanceError: The folder cannot be written, or holds something else.
    """
    if not (folder / PRIVATE_KEY).exists():
        need_cryptography()
        _make(folder)
    return load_identity(folder / CERTIFICATE, folder / PRIVATE_KEY)


def local_root(folder: Path) -> bytes | None:
    """The certificate above the local one, which makes it known here; None where there is none."""
    path = folder / ROOT
    return path.read_bytes() if path.is_file() else None


def _make(folder: Path) -> None:
    """Write a chain of two: C2PA refuses a certificate that signs itself. The upper key is lost."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    upper, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("local root", upper.public_key(), upper, is_root=True)
    leaf = _certificate("local signer", own.public_key(), upper, is_root=False)
    chain = leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)
    key = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_private(folder / ROOT, root.public_bytes(Encoding.PEM))
        _write_private(folder / CERTIFICATE, chain)
        _write_private(folder / PRIVATE_KEY, key)  # last: with it, the identity is there
    except OSError as error:
        raise ProvenanceError(
            f"{folder}: cannot hold the local certificate ({error.strerror}), expected a writable "
            "folder. Give --certificate and --private-key."
        ) from error


def _certificate(
    name: str, key: EllipticCurvePublicKey, issuer: EllipticCurvePrivateKey, *, is_root: bool
) -> x509.Certificate:
    """A certificate as C2PA wants it: what it is for, and who gave it, are said."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(common_name: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "reenact, on this computer"),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )

    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named("local root"))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_root,
                key_cert_sign=is_root,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if not is_root:
        use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(use, critical=False)
    return builder.sign(issuer, hashes.SHA256())


def _private(pem: bytes) -> tuple[bytes, str, bytes]:
    """A private key as PKCS #8, the name of its signatures in C2PA, and its public half (DER)."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    key = form.load_pem_private_key(pem, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        algorithm = CURVES.get(key.curve.name, "")
    elif isinstance(key, rsa.RSAPrivateKey):
        algorithm = "ps256"
    else:
        algorithm = "ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else ""
    if not algorithm:
        raise ValueError("C2PA knows no signatures with keys of this kind")
    public = key.public_key().public_bytes(
        form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return private, algorithm, public


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ProvenanceError(
            f"{path}: cannot be read ({error.strerror}), expected a PEM file. Check the path."
        ) from error


def _write_private(path: Path, data: bytes) -> None:
    """Write a file that nobody else may read, from its first byte on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
