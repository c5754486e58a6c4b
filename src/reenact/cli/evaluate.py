"""`reenact evaluate`: how good a model is on clips, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from reenact.cli.device import choose_device
from reenact.cli.options import DeviceOption, QuietOption
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
            show_default="reconstruction, occlusion and attention",
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
        typer.Option(
            "-o",
            "--out",
            help="Folder for CSV files, a row a sample and a row a clip, and summary.json.",
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="PNG to look at: the hardest frame of every clip, hardest first."),
    ] = None,
    reader: Annotated[
        Path | None, typer.Option(help="Weights of a face reader.", show_default="the shipped one")
    ] = None,
    device: DeviceOption = "auto",
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Frames rendered together.", show_default="2, on a GPU 32"),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use no more clips, or stills, than this.")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(min=1, help="Score every Nth frame; tables are marked as not the protocol's."),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(min=1, help="Score at most so many frames of each clip; marked likewise."),
    ] = None,
    stills: Annotated[
        Path | None,
        typer.Option(help="cross: portraits of this folder are the sources, instead of clips."),
    ] = None,
    pairs: Annotated[
        int | None,
        typer.Option(min=1, help="cross: pairs to draw.", show_default="one a source"),
    ] = None,
    draws: Annotated[
        int, typer.Option(min=1, help="rendered: how often each still is turned.")
    ] = 1,
    identity: Annotated[
        bool, typer.Option(help="Also measure the likeness that MobileFaceNet sees.")
    ] = True,
    sqz_dist: Annotated[
        bool, typer.Option(help="Also measure the distance that SqueezeNet sees.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Of the choice of pairs and of the intervals.")] = 0,
    quiet: QuietOption = False,
) -> None:
    """Measure how close a model comes to real frames, and to real people.

    Full precision, floats compared as they come from the model; motion is absolute, and across
    identities relative too. The face reader reads sources and driving frames, as in use; regions
    to score are those of the side-cars, where these have them. A judge whose weights are missing
    leaves its columns out, and the table says so. Of a folder without splits people are left out
    whom a model saw in training, as far as it tells and others are there; the table says so too.

    Examples:
      reenact evaluate reenact-s clips --out runs/evaluation --sheet runs/hardest.png

      reenact evaluate reenact-s clips --protocol cross --pairs 50 --every 10

      reenact evaluate with.safetensors clips --protocol occlusion --against without.safetensors
    """
    from reenact.evaluation.opening import open_suite  # torch takes a while: not for --help
    from reenact.evaluation.thinning import Thinning

    protocols = protocol or USUAL
    suite = open_suite(
        (model, *(against or ())),
        data,
        split or ("test",),
        choose_device(device),
        protocols=protocols,
        stills=stills,
        pairs=pairs,
        draws=draws,
        thinning=Thinning(every, frames),
        reader=reader,
        batch_size=batch_size,
        limit=limit,
        sqz_dist=sqz_dist,
        identity=identity,
        seed=seed,
    )
    with Progress(console=Console(stderr=True), disable=quiet) as progress:

        def watch(clips: Iterable[ScoredClip], total: int, stage: str) -> Iterable[ScoredClip]:
            return Counted(clips, total, progress, stage)

        results = [(which, *suite.measure(which, watch)) for which in protocols]
    for _, _, table in results:
        typer.echo(f"{table.markdown()}\n")
    if out is not None:
        suite.write(out, results)
    if sheet is not None:
        suite.draw(sheet, results)
