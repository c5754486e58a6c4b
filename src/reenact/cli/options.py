"""Options that several commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

ModelOption = Annotated[
    str, typer.Option("-m", "--model", help="A shipped model's name, or a checkpoint's path.")
]
DeviceOption = Annotated[
    str, typer.Option(help="cpu, cuda or cuda:N; auto takes a GPU if there is one.")
]
CropOption = Annotated[
    bool,
    typer.Option(help="Find and cut out both faces; without, both are taken for face crops."),
]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Show no progress.")]

MaxTurnOption = Annotated[
    float,
    typer.Option(
        min=1.0,
        max=180.0,
        help="Most degrees that relative motion turns the head away from the photograph, as far "
        "sides melt; 180 lets it turn as it is driven.",
    ),
]
