"""`reenact doctor`: what is wrong with this installation, or with the inputs of an animation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reenact.cli.advice import examine_inputs
from reenact.cli.device import choose_device
from reenact.cli.options import DeviceOption
from reenact.errors import WeightsError

if TYPE_CHECKING:
    from reenact.doctor import Device, File, Report

_INDENT = "  "


def doctor(
    source: Annotated[
        Path | None,
        typer.Argument(metavar="SOURCE", help="Photograph to give advice on.", show_default=False),
    ] = None,
    driving: Annotated[
        Path | None,
        typer.Argument(
            metavar="DRIVING", help="Face video to animate it with.", show_default=False
        ),
    ] = None,
    face: Annotated[
        int | None,
        typer.Option(
            min=1, help="Which face of SOURCE, counted from 1, the largest.", show_default="1"
        ),
    ] = None,
    device: DeviceOption = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what there is: versions, devices and why a GPU is not used, weights, licences.

    Given a photograph, and a face video, say instead what is wrong with them, as `animate` does
    before it begins: a face cut off, too small or blurred, several faces, camera cuts, a first
    frame that is not like the photograph, turns beyond what it shows.

    Nothing is changed or fetched. Exits with 1 if weights that come with reenact are damaged.

    Examples:

      reenact doctor

      reenact doctor photo.jpg talk.mp4
    """
    if source is not None:
        advise(source, driving, face or 1, device, as_json=as_json)
        return
    if face is not None:
        raise typer.BadParameter("--face is a face of SOURCE, and there is none.")

    from reenact.doctor import examine  # torch takes a while: --help need not wait for it

    report = examine()
    if as_json:
        typer.echo(json.dumps(asdict(report)))
    else:
        typer.echo("\n".join(lines(report)))
    broken = [file for file in report.shipped if file.state != "ok"]
    if broken:
        raise WeightsError(
            f"{broken[0].path}: {len(broken)} of {len(report.shipped)} shipped files cannot be "
            f"used ({broken[0].state}), expected all of them whole. Install reenact again."
        )


def advise(source: Path, driving: Path | None, face: int, device: str, *, as_json: bool) -> None:
    """Print what is wrong with a photograph and a driving video."""
    from reenact.perception.reader import load_reader

    reader = load_reader(device=choose_device(device))
    advice = list(examine_inputs(source, driving, reader, face))
    if as_json:
        typer.echo(json.dumps({"advice": [asdict(line) for line in advice]}))
    elif not advice:
        typer.echo("no advice: nothing is wrong that would show")
    for line in [] if as_json else advice:
        typer.echo(f"{source if line.about == 'source' else driving}: {line.text}")


def lines(report: Report) -> Iterator[str]:
    """The report for people."""
    yield "versions"
    width = max(map(len, report.versions))
    for name, version in report.versions.items():
        yield f"{_INDENT}{name:<{width}}  {version}"
    yield "\ndevice"
    yield from device_lines(report.device)
    yield "\nweights that come with reenact"
    for file in report.shipped:
        yield from file_lines(file)
    yield f"\nnetworks of others, looked for in {' and '.join(report.folders)}"
    yield f"{_INDENT}`animate` needs none of them; tier research: non-commercial or unclear terms"
    for name, files in groupby(report.others, key=lambda file: file.name.partition("/")[0]):
        yield from network_lines(name, list(files))


def device_lines(device: Device) -> Iterator[str]:
    """What frames are computed on."""
    yield f"{_INDENT}--device auto takes {device.chosen}"
    yield f"{_INDENT}CPU: {device.cpu}, {device.cores} cores, torch uses {device.threads} threads"
    for index, gpu in enumerate(device.gpus):
        memory = f"{gpu.memory_mb / 1000:.0f} GB"
        yield f"{_INDENT}GPU cuda:{index}: {gpu.name}, {memory}, {gpu.capability}"
    if device.gpu_problem:
        yield f"{_INDENT}{'GPU problem' if device.gpus else 'no GPU'}: {device.gpu_problem}"


def file_lines(file: File) -> Iterator[str]:
    """One shipped file."""
    size = f"{file.size / 1e3:,.0f} kB"
    yield f"{_INDENT}{file.name}: {file.job}, {size}, {file.licence} ({file.tier}), {file.state}"
    yield f"{_INDENT * 2}{file.path}"
    if file.sha256:
        yield f"{_INDENT * 2}sha256 {file.sha256}"
    if file.weights:
        verb = "made by" if file.job == "motion template" else "hash of the"
        yield f"{_INDENT * 2}{verb} weights {file.weights}"


def network_lines(name: str, files: list[File]) -> Iterator[str]:
    """The files of one network of others; hashes of those that are here."""
    here = [file for file in files if file.state != "absent"]
    first = files[0]
    known = ", ".join(dict.fromkeys(file.licence for file in files))
    jobs = ", ".join(dict.fromkeys(file.job for file in files))
    where = f"{len(here)} of {len(files)} files here" if here else "not here"
    yield f"{_INDENT}{name}: {jobs}; {first.tier} ({known}); {where}"
    for file in here:
        yield f"{_INDENT * 2}{file.name}: {file.state}, sha256 {file.sha256}"
