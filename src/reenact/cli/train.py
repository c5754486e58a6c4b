"""`reenact train`: from folders of clips and stills to the weights of a model."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer


def train(
    config: Annotated[
        Path | None,
        typer.Argument(
            help="YAML file with what differs from the defaults.",
            show_default="the paper's sizes with affine motion and SqueezeNet",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder of the run: state, weights, logs, sheets.")
    ] = Path("run"),
    data: Annotated[
        list[Path] | None,
        typer.Option("-d", "--data", help="Folder of clips and stills; may be given again."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="section.field=value, over the file; may be given again."),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="Train for so long instead of the file's budget.", min=0),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Train so many steps instead of the file's budget.", min=1)
    ] = None,
    sitting: Annotated[
        float | None,
        typer.Option(help="Save and stop after so many minutes; go on later.", min=0),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Log warnings only.")] = False,
) -> None:
    """Train a model on any number of GPUs of this machine, or on its CPU.

    Running the same command again goes on where the last one stopped. The folder of the run gets
    best.safetensors and last.safetensors, which `reenact animate --model` takes.

    Examples:
      reenact train configs/reenact-s.yaml --data prepared --out runs/s

      reenact train configs/reenact-s.yaml --data prepared --out runs/s --set devices=2

      reenact train configs/reenact-s.yaml --data prepared --minutes 18 --sitting 9
    """
    from reenact.config import load_config  # torch takes a while: --help need not wait for it
    from reenact.training.config import TrainConfig
    from reenact.training.loop import train as run

    overrides = [*budget_overrides(minutes, steps), *data_overrides(data), *(settings or [])]
    resolved = load_config(TrainConfig, config, overrides)
    logging.getLogger("reenact").setLevel(logging.WARNING if quiet else logging.INFO)
    outcome = run(resolved, out, sitting=sitting)
    if not outcome.chief:
        return
    if outcome.share < 1:
        typer.echo(f"{out}: {outcome.share:.0%} done; run the same command to go on", err=True)
    typer.echo(out / "best.safetensors")


def budget_overrides(minutes: float | None, steps: int | None) -> list[str]:
    """Settings that put one kind of budget in the place of the file's."""
    if minutes is not None and steps is not None:
        raise typer.BadParameter("--minutes and --steps exclude each other.")
    if minutes is None and steps is None:
        return []
    return [f"budget={{steps: {steps or 'null'}, minutes: {minutes or 'null'}}}"]


def data_overrides(folders: list[Path] | None) -> list[str]:
    """Settings that name the folders, in full so that a run can go on from elsewhere."""
    if not folders:
        return []
    names = ", ".join(f'"{folder.resolve()}"' for folder in folders)
    return [f"data.roots=[{names}]"]
