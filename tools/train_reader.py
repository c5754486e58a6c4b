"""Train the face reader on one device, within a budget of minutes.

    python tools/train_reader.py --pack PACK --data DATA --assets ASSETS --out reader.safetensors

PACK is what tools/reader_labels.py writes (with negatives.npz); DATA holds the pictures it labels
(clips/train/*.mp4, stills/*.jpg); ASSETS holds ict_facekit and makehuman_cc0 for synthetic heads
(leave it out to train without). Beside the weights it leaves a log, a table of losses (.csv) and
a sheet of samples (.png). Dry run: the same command with `--device cpu --minutes 0.5 --small`.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reenact.data.clips import validation_identities
from reenact.perception.config import CropReaderConfig, DetectorConfig, ReaderConfig
from reenact.perception.reader import FaceReader, load_reader
from reenact.training.reader.compose import compose_pictures
from reenact.training.reader.inspection import Inspection
from reenact.training.reader.loop import ReaderTraining, Renew, train_reader
from reenact.training.reader.step import BatchSizes
from reenact.training.reader.store import Labelled, ReaderStore, read_labelled, read_negatives

logger = logging.getLogger("train_reader")
_HELD_OUT_STILLS = 25
"""One in so many photographed people is held out."""
_SMALL = ReaderConfig(
    detector=DetectorConfig(widths=(8, 8, 16, 16, 16), neck=16),
    crop=CropReaderConfig(widths=(8, 8, 16, 16, 16), neck=16, hidden=32, decoder=(16, 8, 8)),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read everything into the device's memory, train, save."""
    options = _parser().parse_args(arguments)
    _log_to(options.out.with_suffix(".log"))
    device = torch.device(options.device)
    _tune(device)
    start = time.monotonic()
    data = Labelled.join(
        [read_labelled(options.pack / f"{n}.npz", options.data) for n in options.splits]
    )
    train, held = split(data)
    if options.limit:
        train = train.take(
            np.arange(0, len(train.names), max(1, len(train.names) // options.limit))
        )
    negatives = read_negatives(options.pack / "negatives.npz", device)
    store = ReaderStore(train, options.heads_kept if options.assets else 0, device)
    if options.glasses:
        worn = set(options.glasses.read_text().split())
        store.mark_glasses(torch.tensor([name in worn for name in train.names], device=device))
    logger.info(
        "%d crops to train on, %d held out, %d pictures without a face; %.0f s to read",
        store.real,
        len(held.names),
        len(negatives),
        time.monotonic() - start,
    )
    reader = (
        load_reader(options.init)
        if options.init
        else FaceReader(_SMALL if options.small else ReaderConfig())
    )
    generator = torch.Generator(device).manual_seed(options.seed)
    torch.manual_seed(options.seed)
    config = ReaderTraining(
        minutes=options.minutes - (time.monotonic() - start) / 60,
        learning_rate=options.learning_rate,
        warmup_steps=options.warmup,
        log_steps=options.log_steps,
        sizes=_sizes(options.batch),
    )
    if options.small:
        config = replace(config, inspect_minutes=0.1, save_minutes=0.15)
    train_reader(
        reader,
        store,
        negatives[: -max(1, len(negatives) // 8)],
        config,
        generator,
        options.out,
        renew=_heads(options, negatives),
        inspect=inspection(held, negatives, options.out.with_suffix(".png"), device),
    )


def split(data: Labelled) -> tuple[Labelled, Labelled]:
    """Training rows, and rows of people who are held out."""
    people = sorted(
        {p for p, n in zip(data.identity, data.names, strict=True) if n.startswith("stills/")}
    )
    held = set(people[::_HELD_OUT_STILLS]) | set(validation_identities())
    out = np.array([person in held for person in data.identity])
    return data.take(np.flatnonzero(~out)), data.take(np.flatnonzero(out))


def inspection(held: Labelled, negatives: Tensor, sheet: Path, device: torch.device) -> Inspection:
    """A fixed set of held-out crops and composed pictures."""
    held = held.take(np.arange(0, len(held.names), max(1, len(held.names) // 192)))
    store = ReaderStore(held, 0, device)
    rows = torch.arange(store.real, device=device)
    generator = torch.Generator(device).manual_seed(1)
    unseen = negatives[-max(1, len(negatives) // 8) :]
    pictures = compose_pictures(store, unseen, min(128, store.real), generator)
    return Inspection(crops=store.batch(rows), pictures=pictures, sheet=sheet)


def _heads(options: argparse.Namespace, negatives: Tensor) -> Renew | None:
    if options.assets is None:
        return None
    from reenact.training.reader.heads import SyntheticHeads

    return SyntheticHeads(options.assets, negatives, options.seed, options.heads_at_once)


def _sizes(batch: int) -> BatchSizes:
    """Shares of a step for `batch` crops in all."""
    return BatchSizes(
        crops=max(1, batch * 6 // 9),
        heads=max(1, batch * 2 // 9),
        empty=max(2, batch // 9),
        pictures=max(2, batch * 2 // 9),
    )


def _tune(device: torch.device) -> None:
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True


def _log_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handlers = [logging.StreamHandler(), logging.FileHandler(path)]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", handlers=handlers)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pack", type=Path, required=True, help="labels of tools/reader_labels.py")
    parser.add_argument("--data", type=Path, required=True, help="the pictures that are labelled")
    parser.add_argument("--assets", type=Path, help="folder with ict_facekit and makehuman_cc0")
    parser.add_argument("--out", type=Path, required=True, help="weights file to write")
    parser.add_argument("--glasses", type=Path, help="names of clips and stills that show glasses")
    parser.add_argument("--init", type=Path, help="reader file to go on from")
    parser.add_argument("--minutes", type=float, default=8.0, help="budget, reading included")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=216, help="crops a step")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=200, help="steps of rising learning rate")
    parser.add_argument("--log-steps", type=int, default=50)
    parser.add_argument("--heads-kept", type=int, default=4096, help="synthetic heads in memory")
    parser.add_argument("--heads-at-once", type=int, default=16, help="heads drawn together")
    parser.add_argument("--splits", nargs="+", default=["train", "stills"])
    parser.add_argument("--limit", type=int, default=0, help="train on about so many crops")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="tiny networks, for a dry run")
    return parser


if __name__ == "__main__":
    main()
