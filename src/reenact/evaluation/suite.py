"""Models, reader and clips brought together, and every protocol run on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import numpy as np
import torch
from torch import Tensor

from reenact import checkpoint
from reenact.data.clips import Footage
from reenact.data.readings import Readers
from reenact.errors import ConfigError
from reenact.evaluation.attention import STRIDE as ATTENTION_STEP
from reenact.evaluation.attention import watch_attention
from reenact.evaluation.clips import ScoredClip, open_clips
from reenact.evaluation.cross import STRIDE as CROSS_STEP
from reenact.evaluation.cross import (
    CrossPair,
    CrossScore,
    Panel,
    blank_broken,
    choose_pairs,
    reenact_across,
)
from reenact.evaluation.judges import LandmarkerJudge, ReaderJudge
from reenact.evaluation.methods import (
    CrossMethod,
    Method,
    absolute,
    animate_with,
    follow_with,
    repeat_driving,
    repeat_source,
)
from reenact.evaluation.networks import Networks
from reenact.evaluation.occlusion import clip_pairs, score_hidden
from reenact.evaluation.protocols import Protocol
from reenact.evaluation.reconstruction import (
    FrameScore,
    Recogniser,
    blank_failures,
    reconstruct,
)
from reenact.evaluation.rendered import movers, open_stills, turned_pairs
from reenact.evaluation.report import (
    list_hash,
    versions,
    write_clip_means,
    write_rows,
    write_summary,
)
from reenact.evaluation.sheet import (
    cross_hardness,
    cross_strips,
    draw_page,
    hardest,
    reconstruction_strips,
    save_pages,
)
from reenact.evaluation.sources import open_sources
from reenact.evaluation.tables import (
    Table,
    attention_table,
    cross_table,
    occlusion_table,
    reconstruction_table,
)
from reenact.evaluation.thinning import Thinning
from reenact.model import FaceletModel
from reenact.perception.reader import FaceReader
from reenact.records import Image

REPEATED = "repeat the source"
"""What tables call the method that every other has to beat."""
DRIVING = "repeat the driving frame"
"""Across identities, the other end: perfect motion of the wrong person."""
STEPS = {Protocol.RECONSTRUCTION: 1, Protocol.CROSS: CROSS_STEP, Protocol.ATTENTION: ATTENTION_STEP}
"""Frames from one that is scored to the next, of protocols that can be thinned."""

Measured = tuple[Sequence[Any], Table]
Result = tuple[Protocol, Sequence[Any], Table]


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
    networks: Networks
    data: Path
    footage: tuple[Footage, ...]
    remark: str
    """How the clips were chosen, if that has to be said."""
    sources: tuple[Footage, ...]
    """Who is shown across identities."""
    limit: int | None
    """Use no more stills than this."""
    pairs: int | None
    """Pairs across identities; None: every source once."""
    draws: int
    """How often each still is turned."""
    thinning: Thinning
    size: int
    """Pixels on a side of a frame."""
    device: torch.device
    batch_size: int
    seed: int

    def measure(self, protocol: Protocol, watch: Watch) -> tuple[Sequence[Any], Table]:
        """One row a sample, and the table of their means; equal seeds give equal ones."""
        run = {
            Protocol.RECONSTRUCTION: self._reconstruct,
            Protocol.OCCLUSION: self._look_behind,
            Protocol.CROSS: self._cross,
            Protocol.ATTENTION: self._watch_attention,
            Protocol.RENDERED: self._render_stills,
        }[protocol]
        with exact_kernels():
            rows, table = run(watch, np.random.default_rng(self.seed))
        label = self.thinning.label(STEPS[protocol]) if protocol in STEPS else ""
        said = [self.remark] if self.remark and protocol is not Protocol.RENDERED else []
        return rows, table.annotated(label, [*said, *self.networks.remarks(protocol)])

    def write(self, folder: Path, results: Sequence[Result]) -> None:
        """Two CSV files a protocol, and a summary that says what made the numbers."""
        for protocol, rows, _ in results:
            write_rows(folder / f"{protocol.value}.csv", rows)
            if protocol is not Protocol.ATTENTION:
                write_clip_means(folder / f"{protocol.value}-clips.csv", rows)
        summary = {
            "models": {name: checkpoint.weights_hash(m) for name, m in self.models.items()},
            "reader": checkpoint.weights_hash(self.reader),
            "judges": self.networks.hashes(),
            "clips": [item.name for item in self.footage],
            "clips_sha256": list_hash(self.footage),
            "pairs": [pair.name for pair in self._pairs()] if _has_cross(results) else [],
            "thinning": asdict(self.thinning),
            "seed": self.seed,
            "device": str(self.device),
            "versions": versions(),
            "tables": [table.plain() for _, _, table in results],
        }
        write_summary(folder / "summary.json", summary)

    def draw(self, path: Path, results: Sequence[Result]) -> None:
        """A PNG with the hardest frame of the first model on every clip, as far as asked for.

        Raises:
            ConfigError: No protocol that was measured shows frames.
        """
        draw: dict[Protocol, Callable[[Sequence[Any]], Image]] = {
            Protocol.RECONSTRUCTION: self._reconstruction_page,
            Protocol.CROSS: self._cross_page,
        }
        with exact_kernels():
            pages = [draw[which](rows) for which, rows, _ in results if which in draw]
        if not pages:
            raise ConfigError(
                f"sheet: nothing to show of {', '.join(p.value for p, _, _ in results)}, expected "
                "reconstruction or cross among the protocols. Add one, or leave out --sheet."
            )
        save_pages(path, pages)

    def _reconstruct(self, watch: Watch, chance: np.random.Generator) -> Measured:
        panel = self._panel()
        recogniser = None
        if panel.identity is not None:
            recogniser = Recogniser(panel.landmarker or panel.reader, panel.identity)
        frames = list(
            reconstruct(
                {**self._methods(), REPEATED: repeat_source},
                self._clips(watch, Protocol.RECONSTRUCTION),
                self.networks.features,
                self.device,
                self.batch_size,
                recogniser,
                self.thinning,
            )
        )
        return frames, reconstruction_table(blank_failures(frames), chance)

    def _look_behind(self, watch: Watch, chance: np.random.Generator) -> Measured:
        clips = self._clips(watch, Protocol.OCCLUSION)
        pairs = clip_pairs(clips, self.reader, self.device, chance, self.batch_size)
        scores = list(score_hidden(self._methods(), pairs))
        return scores, occlusion_table(scores, chance)

    def _cross(self, watch: Watch, chance: np.random.Generator) -> Measured:
        pairs = self._pairs()
        driving = open_clips((pair.driving for pair in pairs), self.size)
        scores = list(
            reenact_across(
                self._cross_methods(),
                pairs,
                self._sources(pairs),
                watch(driving, len(pairs), Protocol.CROSS.value),
                self._panel(),
                self.device,
                self.batch_size,
                self.thinning,
            )
        )
        return scores, cross_table(blank_broken(scores), chance)

    def _watch_attention(self, watch: Watch, chance: np.random.Generator) -> Measured:
        model = next(iter(self.models.values()))
        clips = self._clips(watch, Protocol.ATTENTION)
        looks = list(
            watch_attention(model, clips, self.reader, self.device, self.batch_size, self.thinning)
        )
        return looks, attention_table(looks, chance)

    def _render_stills(self, watch: Watch, chance: np.random.Generator) -> Measured:
        readers = Readers(parser=self.reader, pose_encoder=self.reader)
        clips = movers(self.data, self.footage)
        renderer, names = open_stills(self.data, clips, self.size, self.device, readers, self.limit)
        moves = torch.Generator(self.device).manual_seed(self.seed)
        pairs = turned_pairs(renderer, names, moves, self.batch_size, self.draws)
        scores = list(score_hidden(self._methods(), pairs))
        title = "Regions that the source hides, drawn from stills"
        table = occlusion_table(scores, chance, title)
        remark = f"Faces move as in the {len(clips)} clips chosen, of no validation people."
        return scores, table.annotated("", [remark] if clips is self.footage else [])

    def _reconstruction_page(self, rows: Sequence[FrameScore]) -> Image:
        name, model = next(iter(self.models.items()))
        worst = hardest(rows, name, lambda row: -row.psnr)
        clips = open_clips((item for item in self.footage if item.name in worst), self.size)
        strips = reconstruction_strips(animate_with(model), worst, clips, self.device)
        title = f"{name}, reconstruction: source, driving frame, result, error"
        return draw_page(title, strips)

    def _cross_page(self, rows: Sequence[CrossScore]) -> Image:
        name, model = next(iter(self.models.items()))
        pairs = self._pairs()
        worst = hardest(rows, f"{name}, absolute", cross_hardness)
        strips = cross_strips(
            (absolute(animate_with(model)), follow_with(model)),
            worst,
            self._sources(pairs),
            open_clips((pair.driving for pair in pairs), self.size),
            [pair.name for pair in pairs],
            self.device,
        )
        return draw_page(f"{name}, cross: source, driving frame, absolute, relative", strips)

    def _clips(self, watch: Watch, protocol: Protocol) -> Iterable[ScoredClip]:
        return watch(open_clips(self.footage, self.size), len(self.footage), protocol.value)

    def _pairs(self) -> tuple[CrossPair, ...]:
        return choose_pairs(
            self.sources, self.footage, np.random.default_rng(self.seed), self.pairs
        )

    def _sources(self, pairs: Sequence[CrossPair]) -> Iterator[Tensor]:
        return open_sources((pair.source for pair in pairs), self.size, self.reader)

    def _panel(self) -> Panel:
        landmarker = self.networks.landmarker
        return Panel(
            reader=ReaderJudge(self.reader),
            landmarker=None if landmarker is None else LandmarkerJudge(landmarker),
            identity=self.networks.identity,
        )

    def _methods(self) -> dict[str, Method]:
        return {name: animate_with(model) for name, model in self.models.items()}

    def _cross_methods(self) -> dict[str, CrossMethod]:
        methods: dict[str, CrossMethod] = {}
        for name, model in self.models.items():
            methods[f"{name}, absolute"] = absolute(animate_with(model))
            methods[f"{name}, relative"] = follow_with(model)
        methods[REPEATED] = absolute(repeat_source)
        methods[DRIVING] = absolute(repeat_driving)
        return methods


@contextmanager
def exact_kernels() -> Iterator[None]:
    """No TF32 on a GPU: its ten bits would be part of what is measured."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def _has_cross(results: Sequence[Result]) -> bool:
    return any(protocol is Protocol.CROSS for protocol, _, _ in results)
