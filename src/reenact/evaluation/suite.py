"""Models, reader and clips brought together, and every protocol run on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import numpy as np
import torch

from reenact import checkpoint
from reenact.data.clips import Footage
from reenact.errors import ConfigError
from reenact.evaluation.attention import watch_attention
from reenact.evaluation.clips import ScoredClip, find_scored_clips, open_clips
from reenact.evaluation.methods import Method, animate_with, repeat_source
from reenact.evaluation.occlusion import OcclusionPairs, clip_pairs, score_hidden
from reenact.evaluation.protocols import Protocol
from reenact.evaluation.reconstruction import blank_failures, reconstruct
from reenact.evaluation.rendered import open_stills, turned_pairs
from reenact.evaluation.report import list_hash, versions, write_rows, write_summary
from reenact.evaluation.tables import (
    Table,
    attention_table,
    occlusion_table,
    reconstruction_table,
)
from reenact.model import FaceletModel
from reenact.perception.features import SqueezeNetFeatures, load_features
from reenact.perception.reader import FaceReader, load_reader

REPEATED = "repeat the source"
"""What tables call the method that every other has to beat."""


class Watch(Interface):
    """Looks on while clips are read: a progress bar."""

    def __call__(
        self, clips: Iterable[ScoredClip], total: int, stage: str, /
    ) -> Iterable[ScoredClip]:
        """The same clips."""
        ...


@dataclass(frozen=True, kw_only=True)
class Suite:
    """All that the protocols need."""

    models: dict[str, FaceletModel]
    """By the name in tables, the one to judge first."""
    reader: FaceReader
    features: SqueezeNetFeatures | None
    """None leaves `sqz_dist` out."""
    data: Path
    footage: tuple[Footage, ...]
    limit: int | None
    """Use no more stills than this."""
    size: int
    """Pixels on a side of a frame."""
    device: torch.device
    batch_size: int
    seed: int

    def measure(self, protocol: Protocol, watch: Watch) -> tuple[Sequence[Any], Table]:
        """One row a sample, and the table of their means; equal seeds give equal ones."""
        chance = np.random.default_rng(self.seed)
        if protocol is Protocol.RENDERED:
            scores = list(score_hidden(self._methods(), self._drawn_pairs()))
            title = "Regions that the source hides, drawn from stills"
            return scores, occlusion_table(scores, chance, title)
        clips = watch(open_clips(self.footage, self.size), len(self.footage), protocol.value)
        if protocol is Protocol.RECONSTRUCTION:
            methods = {**self._methods(), REPEATED: repeat_source}
            frames = list(reconstruct(methods, clips, self.features, self.device, self.batch_size))
            return frames, reconstruction_table(blank_failures(frames), chance)
        if protocol is Protocol.OCCLUSION:
            pairs = clip_pairs(clips, self.reader, self.device, chance, self.batch_size)
            scores = list(score_hidden(self._methods(), pairs))
            return scores, occlusion_table(scores, chance)
        model = next(iter(self.models.values()))
        looks = list(watch_attention(model, clips, self.reader, self.device, self.batch_size))
        return looks, attention_table(looks, chance)

    def write(self, folder: Path, results: Sequence[tuple[Protocol, Sequence[Any], Table]]) -> None:
        """A CSV file a protocol, and a summary that says what made the numbers."""
        for protocol, rows, _ in results:
            write_rows(folder / f"{protocol.value}.csv", rows)
        summary = {
            "models": {name: checkpoint.weights_hash(m) for name, m in self.models.items()},
            "reader": checkpoint.weights_hash(self.reader),
            "clips": [item.name for item in self.footage],
            "clips_sha256": list_hash(self.footage),
            "seed": self.seed,
            "device": str(self.device),
            "versions": versions(),
            "tables": [table.plain() for _, _, table in results],
        }
        write_summary(folder / "summary.json", summary)

    def _drawn_pairs(self) -> Iterator[OcclusionPairs]:
        renderer, names = open_stills(
            self.data, self.size, self.device, self.reader, self.reader, self.limit
        )
        chance = torch.Generator(self.device).manual_seed(self.seed)
        return turned_pairs(renderer, names, chance, self.batch_size)

    def _methods(self) -> dict[str, Method]:
        return {name: animate_with(model) for name, model in self.models.items()}


def open_suite(
    models: Sequence[str],
    data: Path,
    splits: Sequence[str],
    device: torch.device,
    *,
    reader: Path | None = None,
    batch_size: int = 32,
    limit: int | None = None,
    sqz_dist: bool = True,
    seed: int = 0,
) -> Suite:
    """Load models by name or path, the reader, and find the clips.

    Raises:
        ReenactError: Something is not there, or the models cannot be given the same frames.
    """
    footage = find_scored_clips(data, splits)[:limit]
    size = common_size(models)
    face_reader = load_reader(reader, device)
    features = load_features("squeezenet").to(device) if sqz_dist else None
    assert features is None or isinstance(features, SqueezeNetFeatures)
    return Suite(
        models={
            short: checkpoint.load(name, device, parser=face_reader, pose_encoder=face_reader)
            for short, name in short_names(models).items()
        },
        reader=face_reader,
        features=features,
        data=data,
        footage=footage,
        limit=limit,
        size=size,
        device=device,
        batch_size=batch_size,
        seed=seed,
    )


def short_names(names: Sequence[str]) -> dict[str, str]:
    """What tables call models: the stems of their names, or all of the names if stems recur."""
    stems = [Path(name).stem for name in names]
    return dict(zip(stems if len({*stems}) == len(stems) else names, names, strict=True))


def common_size(names: Sequence[str]) -> int:
    """Pixels on a side of the pictures of all these models.

    Raises:
        ConfigError: They differ, so that the models cannot be given the same frames.
    """
    files = {name: checkpoint.find_weights(name) for name in names}
    sizes = {name: checkpoint.read_info(file).config.image_size for name, file in files.items()}
    if len({*sizes.values()}) > 1:
        found = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise ConfigError(
            f"models: their pictures have sides of different lengths ({found}), expected one for "
            "all. Evaluate the models one by one."
        )
    return sizes[names[0]]
