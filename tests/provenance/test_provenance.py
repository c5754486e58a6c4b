from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from reenact.errors import MediaError, ProvenanceError
from reenact.provenance import (
    Identity,
    Signature,
    Signer,
    library,
    load_identity,
    local_identity,
    verify,
)
from reenact.provenance.identity import CERTIFICATE, PRIVATE_KEY, ROOT, local_root
from reenact.provenance.signing import GENERATED_FROM_PHOTOGRAPH, check_signable, manifest
from reenact.records import Image
from reenact.video import Mark, VideoReader, VideoWriter, load_image, save_image

WEIGHTS = "0123456789abcdef" * 4
MARK = Mark("0.1.0", "reenact-s", WEIGHTS)
needs_c2pa = pytest.mark.skipif(not library.is_installed(), reason="needs the extra 'provenance'")


def picture() -> Image:
    return np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return local_identity(tmp_path / "me")


def test_a_manifest_names_the_model_and_what_kind_of_picture_it_is() -> None:
    said = manifest(MARK)
    actions, model = said["assertions"]
    assert actions["data"]["actions"][0]["digitalSourceType"] == GENERATED_FROM_PHOTOGRAPH
    assert model["data"] == {"release": "0.1.0", "model": "reenact-s", "weights": WEIGHTS}


def test_without_the_extra_the_mark_is_read_and_signing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(library, "import_module", missing)
    save_image(tmp_path / "a.png", picture(), str(MARK))
    finding = verify(tmp_path / "a.png")
    assert (finding.mark, finding.signature) == (MARK, Signature.UNCHECKED)
    assert finding.generated
    for attempt in (
        lambda: local_identity(tmp_path / "me"),
        lambda: check_signable(tmp_path / "a.png"),
        lambda: Signer(Identity(b"", b"", "es256"), MARK),
    ):
        with pytest.raises(ProvenanceError, match=r"pip install 'reenact\[provenance\]'"):
            attempt()


@needs_c2pa
def test_the_local_identity_is_made_once_and_for_the_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep/me"
    first = local_identity(folder)
    assert local_identity(folder) == first
    assert "PRIVATE" not in repr(first)
    for name in (CERTIFICATE, PRIVATE_KEY, ROOT):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert local_root(folder) is not None
    assert local_root(tmp_path) is None


@needs_c2pa
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.mp4", "a.mov", "a.gif"])
def test_a_signed_file_says_who_made_it_and_shows_the_same(
    tmp_path: Path, identity: Identity, name: str
) -> None:
    path, signer = tmp_path / name, Signer(identity, MARK)
    plain = tmp_path / f"plain{path.suffix}"
    for target, seal in ((path, signer.sign), (plain, lambda path: None)):
        if path.suffix in (".png", ".jpg"):
            save_image(target, picture())
            seal(target)
        else:
            with VideoWriter(target, comment=None, seal=seal) as sink:
                for _ in range(3):
                    sink.write(picture())
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["me", name, plain.name])
    finding = verify(path)
    assert (finding.mark, finding.signature) == (MARK, Signature.VALID)  # none but the manifest
    assert finding.signer == "local signer"
    assert verify(path, local_root(tmp_path / "me")).signature is Signature.TRUSTED
    assert verify(plain).signature is Signature.NONE
    assert not verify(plain).generated
    if path.suffix in (".png", ".jpg"):
        assert np.array_equal(load_image(path), load_image(plain))
    else:
        for here, there in zip(VideoReader(path), VideoReader(plain), strict=True):
            assert np.array_equal(here, there)


@needs_c2pa
def test_a_file_that_was_changed_after_it_was_signed_is_found_out(
    tmp_path: Path, identity: Identity
) -> None:
    path = tmp_path / "a.jpg"
    save_image(path, picture(), str(MARK))
    Signer(identity, MARK).sign(path)
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    finding = verify(path, local_root(tmp_path / "me"))
    assert (finding.signature, finding.mark) == (Signature.INVALID, MARK)
    assert not finding.generated


@needs_c2pa
def test_what_was_never_signed_was_not_changed_after_it(tmp_path: Path, identity: Identity) -> None:
    torn, text, signed = tmp_path / "torn.png", tmp_path / "text.jpg", tmp_path / "signed.png"
    save_image(torn, picture(), str(MARK))
    torn.write_bytes(torn.read_bytes()[:-200])
    finding = verify(torn)
    assert (finding.signature, finding.mark) == (Signature.NONE, MARK)
    text.write_text("no picture")
    with pytest.raises(MediaError):
        verify(text)
    save_image(signed, picture(), str(MARK))
    Signer(identity, MARK).sign(signed)
    signed.write_bytes(signed.read_bytes()[:-200])
    assert verify(signed).signature is Signature.INVALID


@needs_c2pa
@pytest.mark.parametrize("kind", ["rsa", "ed25519", "p384"])
def test_the_users_own_certificate_signs_as_well(tmp_path: Path, kind: str) -> None:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    from reenact.provenance.identity import _certificate

    root = ec.generate_private_key(ec.SECP256R1())
    key = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    }[kind]()
    upper = _certificate("local root", root.public_key(), root, is_root=True)
    own = _certificate("somebody", key.public_key(), root, is_root=False)
    chain = b"".join(c.public_bytes(form.Encoding.PEM) for c in (own, upper))
    (tmp_path / "c.pem").write_bytes(chain)
    (tmp_path / "k.pem").write_bytes(
        key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    )
    identity = load_identity(tmp_path / "c.pem", tmp_path / "k.pem")
    save_image(tmp_path / "a.png", picture())
    Signer(identity, MARK).sign(tmp_path / "a.png")
    finding = verify(tmp_path / "a.png")
    assert (finding.signature, finding.signer) == (Signature.VALID, "somebody")


@needs_c2pa
def test_a_certificate_that_cannot_sign_is_an_error(tmp_path: Path, identity: Identity) -> None:
    me, other = tmp_path / "me", tmp_path / "other"
    local_identity(other)
    (tmp_path / "text.pem").write_text("no certificate")
    for certificate, key, words in (
        (me / CERTIFICATE, other / PRIVATE_KEY, "belong together"),
        (tmp_path / "text.pem", me / PRIVATE_KEY, "cannot be used"),
        (me / CERTIFICATE, tmp_path / "text.pem", "cannot be used"),
        (tmp_path / "gone.pem", me / PRIVATE_KEY, "cannot be read"),
    ):
        with pytest.raises(ProvenanceError, match=words):
            load_identity(certificate, key)
    with pytest.raises(ProvenanceError, match="cannot hold the local certificate"):
        local_identity(tmp_path / "text.pem")


@needs_c2pa
def test_what_cannot_be_signed_stays_as_it_was(tmp_path: Path, identity: Identity) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"no picture")
    with pytest.raises(ProvenanceError, match="cannot be signed"):
        Signer(identity, MARK).sign(path)
    assert path.read_bytes() == b"no picture"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "me"]
    with pytest.raises(ProvenanceError, match="can hold no C2PA manifest"):
        check_signable(tmp_path / "a.mkv")
    with pytest.raises(MediaError):
        verify(tmp_path / "gone.png")
