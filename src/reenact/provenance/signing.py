"""Signing a finished file: a C2PA manifest inside it says what made it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from reenact.errors import ProvenanceError
from reenact.provenance.identity import Identity
from reenact.provenance.library import c2pa
from reenact.video import Mark
from reenact.video.partial import PartialFile

MODEL_ASSERTION = "org.reenact.model"
"""Label of what a manifest says of the model."""
GENERATED_FROM_PHOTOGRAPH = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
)
"""The word of the IPTC for a photograph with generated parts."""


class Signer:
    """Signs files that carry a mark.

    Args:
        identity: Whose signature it is.
        mark: What the files say of themselves; the manifest says the same.

    Raises:
        ProvenanceError: The extra is not installed, or the identity cannot sign.
    """

    def __init__(self, identity: Identity, mark: Mark) -> None:
        library = c2pa()
        self._manifest = json.dumps(manifest(mark))
        try:
            self._signer: Any = library.Signer.from_info(
                library.C2paSignerInfo(
                    identity.algorithm.encode(), identity.certificates, identity.private_key, None
                )
            )
        except library.C2paError as error:
            raise ProvenanceError(
                f"certificate: cannot sign ({error}), expected one for signing documents with its "
                "chain. Give another --certificate, or none for a local one."
            ) from error

    def sign(self, path: Path) -> None:
        """Put a signed manifest into a file.

        Raises:
            ProvenanceError: It cannot be signed; the file is as it was.
        """
        library = c2pa()
        signed = PartialFile(path)
        try:
            with (
                path.open("rb") as source,
                signed.path.open("w+b") as target,
                closing(library.Context.from_dict({})) as context,
                closing(library.Builder.from_json(self._manifest, context=context)) as builder,
            ):
                builder.sign(self._signer, path.suffix.lower()[1:], source, target)
        except BaseException as error:
            signed.discard()
            if isinstance(error, library.C2paError | OSError):
                raise ProvenanceError(
                    f"{path}: cannot be signed ({error}), expected a certificate for signing and "
                    "room for a copy. Free space, or leave --sign away."
                ) from error
            raise
        signed.publish()


def check_signable(path: Path) -> None:
    """Refuse a name whose format can hold no manifest.

    Raises:
        ProvenanceError: It cannot, or the extra is not installed.
    """
    if path.suffix.lower()[1:] not in c2pa().Builder.get_supported_mime_types():
        raise ProvenanceError(
            f"{path}: {path.suffix} files can hold no C2PA manifest, expected .mp4, .mov, .avi, "
            ".gif or .png. Rename the output, or leave --sign away."
        )


def manifest(mark: Mark) -> dict[str, Any]:
    """What a signed file says: that it was generated, by what, with which weights."""
    software = {"name": "reenact", "version": mark.release}
    action = {
        "action": "c2pa.created",
        "digitalSourceType": GENERATED_FROM_PHOTOGRAPH,
        "softwareAgent": software,
    }
    model = {"release": mark.release, "model": mark.model, "weights": mark.weights}
    return {
        "claim_generator_info": [software],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [action]}},
            {"label": MODEL_ASSERTION, "data": model},
        ],
    }
