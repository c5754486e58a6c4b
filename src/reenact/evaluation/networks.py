"""Networks of others that judge; where one is missing, its columns are too, and tables say so."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from reenact.errors import MissingWeightsError
from reenact.evaluation.protocols import Protocol
from reenact.perception.features import SqueezeNetFeatures, load_features
from reenact.perception.identity import MobileFaceNet, load_identity
from reenact.perception.landmarker import FaceLandmarker, landmarker_files, load_landmarker
from reenact.perception.weights import catalogue

Network = TypeVar("Network", bound=nn.Module)
RECONSTRUCTION, CROSS = Protocol.RECONSTRUCTION, Protocol.CROSS


@dataclass(frozen=True)
class Networks:
    """Those that are there."""

    features: SqueezeNetFeatures | None = None
    landmarker: FaceLandmarker | None = None
    identity: MobileFaceNet | None = None
    missing: tuple[tuple[Protocol, str], ...] = ()
    """Tables that lack something, and what, and why."""

    def hashes(self) -> dict[str, str]:
        """SHA-256, as far as the catalogue has it, of the files that were opened."""
        opened = {
            SqueezeNetFeatures.FILE: self.features,
            MobileFaceNet.FILE: self.identity,
            **dict.fromkeys(landmarker_files(), self.landmarker),
        }
        here = {name for name, network in opened.items() if network is not None}
        return {entry.name: entry.sha256 for entry in catalogue() if entry.name in here}

    def remarks(self, protocol: Protocol) -> list[str]:
        """What the table of a protocol has to say of missing networks."""
        return [remark for which, remark in self.missing if which is protocol]


def load_networks(
    protocols: Collection[Protocol],
    device: torch.device,
    *,
    sqz_dist: bool = True,
    identity: bool = True,
) -> Networks:
    """The networks that some protocols ask for, as far as their weights are there.

    Raises:
        WeightsError: Weights are there, but not the right ones.
    """
    missing: list[tuple[Protocol, str]] = []

    def load(
        open_network: Callable[[], Network], users: Collection[Protocol], columns: str
    ) -> Network | None:
        wanted = [which for which in users if which in protocols]
        try:
            return open_network().to(device) if wanted else None
        except MissingWeightsError as error:
            missing.extend((which, f"Left out: {columns} ({error})") for which in wanted)
            return None

    known = load(load_identity, (RECONSTRUCTION, CROSS) if identity else (), "csim_mfn")
    faces = (RECONSTRUCTION, CROSS) if known is not None else (CROSS,)
    return Networks(
        features=load(_squeezenet, (RECONSTRUCTION,) if sqz_dist else (), "sqz_dist"),
        landmarker=load(load_landmarker, faces, "the independent judge of faces"),
        identity=known,
        missing=tuple(missing),
    )


def _squeezenet() -> SqueezeNetFeatures:
    network = load_features("squeezenet")
    assert isinstance(network, SqueezeNetFeatures)
    return network
