"""`python -m reenact` is the command `reenact`."""

from reenact.cli.main import run

if __name__ == "__main__":
    run()
