"""`reenact weights`: the networks of others that some jobs need, and where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reenact.errors import WeightsError
from reenact.perception import weights as catalogue
from reenact.perception.weights import Tier

app = typer.Typer(
    no_args_is_help=True,
    help="List, fetch and verify networks of others. `reenact animate` needs none of them.",
)

Policy = Annotated[
    Tier,
    typer.Option(help="research also takes what may not be used commercially: read the licence."),
]
Networks = Annotated[
    list[str] | None,
    typer.Argument(help="Networks by name.", show_default="all that are there"),
]


@app.command("list")
def list_files() -> None:
    """Show every file: what it is for, its licence, its size, and where it is.

    Example:
      reenact weights list
    """
    for entry in catalogue.catalogue():
        where = catalogue.locate(entry) or ("fetch" if _fetchable(entry) else "not published")
        size = f"{entry.size / 1e6:.1f} MB"
        typer.echo(
            f"{entry.name}  {size}  {entry.tier.value} ({entry.licence})  {entry.job}  [{where}]"
        )


@app.command()
def fetch(
    network: Annotated[str, typer.Argument(help="Network by name.")],
    license_policy: Policy = Tier.PERMISSIVE,
    folder: Annotated[
        Path | None, typer.Option(help="Where to put it.", show_default="the user's cache")
    ] = None,
) -> None:
    """Download the files of a network and check their hashes.

    Example:
      reenact weights fetch squeezenet_v1_1
    """
    for path in catalogue.fetch(network, license_policy, folder):
        typer.echo(path)


@app.command()
def verify(networks: Networks = None) -> None:
    """Check the hashes of files; one that is not what it says is set aside.

    Example:
      reenact weights verify squeezenet_v1_1
    """
    entries = [entry for name in networks or () for entry in catalogue.files_of(name)]
    missing, found = [], False
    for entry in entries or catalogue.catalogue():
        path = catalogue.locate(entry)
        if path is not None:
            catalogue.check_hash(entry, path)
            typer.echo(f"{path}: right")
            found = True
        elif networks:
            missing.append(entry.name)
    if missing:
        raise WeightsError(
            f"{', '.join(missing)}: not there, expected below "
            f"{' or '.join(map(str, catalogue.folders()))}. Run `reenact weights fetch NETWORK`."
        )
    if not found:
        typer.echo("none there; `reenact weights fetch NETWORK` gets one", err=True)


def _fetchable(entry: catalogue.WeightsFile) -> bool:
    return bool(entry.addresses or entry.made_from)
