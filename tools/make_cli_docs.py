"""Write docs/cli.md from the commands' own help.

python tools/make_cli_docs.py [FILE]
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from reenact.cli.main import app

TARGET = Path(__file__).parents[1] / "docs" / "cli.md"
HEAD = """# Command line

Written by `make docs` from the commands' own help; change that, not this page.
"""


def render() -> str:
    """The whole page."""
    return "\n".join([HEAD, *sections("reenact", get_command(app))]).rstrip() + "\n"


def sections(path: str, command: Any) -> Iterator[str]:
    """One section a command, its subcommands after it."""
    subcommands = getattr(command, "commands", {})
    yield f"## `{path}`\n"
    yield from paragraphs(command.help or command.short_help or "")
    rows = [row for parameter in command.params if (row := describe(parameter))]
    if rows:
        yield "| | |\n|---|---|"
        yield from (f"| {name} | {text} |" for name, text in rows)
        yield ""
    for name, subcommand in subcommands.items():
        yield from sections(f"{path} {name}", subcommand)


def paragraphs(text: str) -> Iterator[str]:
    """Help as Markdown: what follows "Example:" is code."""
    prose, _, examples = (
        inspect.cleandoc(text).replace("Examples:", "Example:").partition("Example:")
    )
    yield f"{prose.strip()}\n".replace("<", "&lt;")  # no HTML
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    if lines:
        yield "```sh\n" + "\n".join(lines) + "\n```\n"


def describe(parameter: Any) -> tuple[str, str] | None:
    """Names and meaning of an argument or option; None for those of the shell."""
    if "completion" in (parameter.name or "") or parameter.name == "help":
        return None
    text = " ".join((getattr(parameter, "help", None) or "").split())
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`", text + default_of(parameter)
    names = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(f"`{name}`" for name in names), text + default_of(parameter)


def default_of(parameter: Any) -> str:
    """What holds where nothing is given."""
    shown = parameter.show_default
    if isinstance(shown, str):
        return f" Default: {shown}."
    value = parameter.default
    if value in (None, (), "") or not shown or isinstance(value, bool) or callable(value):
        return ""
    return f" Default: `{getattr(value, 'value', value)}`."


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_text(render(), encoding="utf-8")
