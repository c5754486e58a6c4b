"""`reenact evaluate`: how good a model is on clips, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from reenact.cli.device import choose_device
from reenact.cli.options import DeviceOption
from reenact.cli.progress import Counted
from reenact.evaluation.protocols import USUAL, Protocol

if TYPE_CHECKING:
    from reenact.evaluation.clips import ScoredClip


def evaluate(
    model: Annotated[str, typer.Argument(help="A shipped model's name, or a checkpoint's path.")],
    data: Annotated[Path, typer.Argument(help="Folder of clips.", show_default=False)],
    protocol: Annotated[
        list[Protocol] | None,
        typer.Option(
            "-p",
            "--protocol",
            help="What to measure; may be given again.",
            show_default="all but rendered, which needs stills",
        ),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="Which clips; may be given again. `validation` are the people of `train` whom "
            "training leaves out.",
            show_default="test",
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help="Another model to compare with, frame by frame; may be given again."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for a row a sample (CSV) and summary.json."),
    ] = None,
    reader: Annotated[
        Path | None, typer.Option(help="Weights of a face reader.", show_default="the shipped one")
    ] = None,
    device: DeviceOption = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Frames rendered together.")] = 32,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use no more clips, or stills, than this.")
    ] = None,
    sqz_dist: Annotated[
        bool, typer.Option(help="Also measure the distance that SqueezeNet sees (needs its file).")
    ] = True,
    seed: Annotated[int, typer.Option(help="Of the choice of pairs and of the intervals.")] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show no progress.")] = False,
) -> None:
    """Measure how close a model comes to real frames.

    Full precision, absolute motion, floats compared as they come from the model. The face reader
    reads sources and driving frames, as in use; regions to score are those of the side-cars, where
    these have them.

    Examples:
      reenact evaluate reenact-s clips --out runs/evaluation

      reenact evaluate with.safetensors clips --protocol occlusion --against without.safetensors
    """
    import torch  # takes a while: --help need not wait for it

    from reenact.evaluation.suite import open_suite

    protocols = protocol or USUAL
    suite = open_suite(
        (model, *(against or ())),
        data,
        split or ("test",),
        choose_device(device),
        reader=reader,
        batch_size=batch_size,
        limit=limit,
        sqz_dist=sqz_dist and Protocol.RECONSTRUCTION in protocols,
        seed=seed,
    )
    with (
        Progress(console=Console(stderr=True), disable=quiet) as progress,
        torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
    ):

        def watch(clips: Iterable[ScoredClip], total: int, stage: str) -> Iterable[ScoredClip]:
            return Counted(clips, total, progress, stage)

        results = [(which, *suite.measure(which, watch)) for which in protocols]
    for _, _, table in results:
        typer.echo(f"{table.markdown()}\n")
    if out is not None:
        suite.write(out, results)
