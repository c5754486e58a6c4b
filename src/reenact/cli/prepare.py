"""`reenact prepare`: from any footage to training material."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from reenact.cli.device import choose_device
from reenact.cli.options import DeviceOption
from reenact.cli.progress import Counted
from reenact.errors import DataError


def prepare(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN", help="Folder of videos and pictures.", exists=True, file_okay=False
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="Folder to write to.", file_okay=False, writable=True),
    ],
    estimator: Annotated[
        Path | None,
        typer.Option(help="Weights of another face reader.", show_default="the shipped one"),
    ] = None,
    device: DeviceOption = "auto",
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Show no progress, nor what is left out.")
    ] = False,
) -> None:
    """Cut faces out of footage and read everything that training and evaluation need.

    Every clip becomes OUT/<id>.mp4 and every picture OUT/<id>.jpg, 256 pixels on a side, each with
    its readings in OUT/<id>.npz. Folders of pictures that are named like a video, as VoxCeleb's
    are, are clips. Footage that already has such an npz beside it keeps its crop and
    its mesh. Running the command again goes on where it stopped. Exits with 1 if nothing could be
    prepared.

    Examples:
      reenact prepare footage prepared

      reenact train configs/reenact-s.yaml --data prepared
    """
    from reenact.data.prepare import prepare_folder  # torch takes a while
    from reenact.perception.reader import load_reader

    logging.getLogger("reenact").setLevel(logging.ERROR if quiet else logging.INFO)
    reader = load_reader(estimator, choose_device(device))
    with Progress(console=Console(stderr=True), disable=quiet) as progress:
        prepared = prepare_folder(
            source, target, reader, lambda found: Counted(found, len(found), progress, "preparing")
        )
    typer.echo(f"{len(prepared.kept)} prepared, {len(prepared.left_out)} left out", err=True)
    if not prepared.kept:
        raise DataError(
            f"{source}: found nothing that could be prepared, expected a face in one of the "
            f"{len(prepared.left_out)} files. The first was left out: {prepared.left_out[0]}"
        )
    typer.echo(target)
