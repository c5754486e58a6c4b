"""`python -m reenact` is the command `reenact`."""

from reenact.cli.main import run

run()
