"""The command `reenact`: one subcommand a job; errors that a user can act on take one line."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from reenact import __version__
from reenact.cli import weights
from reenact.cli.animate import animate
from reenact.cli.bench import bench
from reenact.cli.doctor import doctor
from reenact.cli.evaluate import evaluate
from reenact.cli.look import look
from reenact.cli.prepare import prepare
from reenact.cli.stopping import requests_as_interrupts
from reenact.cli.template import template
from reenact.cli.train import train
from reenact.cli.verify import verify
from reenact.errors import ReenactError

app = typer.Typer(
    name="reenact",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(animate)
app.command()(template)
app.command()(look)
app.command()(prepare)
app.command()(train)
app.command()(evaluate)
app.command()(bench)
app.command()(doctor)
app.command()(verify)
app.add_typer(weights.app, name="weights")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reenact {__version__}")
        raise typer.Exit


@app.callback()
def options(
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Say on stderr what is being done.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Animate any portrait with any face video.

    Example:
      reenact animate photo.jpg talk.mp4 -o out.mp4
    """
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")


def run() -> None:
    """Entry point: like `app`, but an error of ours is one line on stderr and status 1."""
    try:
        with requests_as_interrupts():
            app()
    except ReenactError as error:
        print("reenact:", " ".join(str(error).split()), file=sys.stderr)  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    run()
