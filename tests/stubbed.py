"""The command with stub networks in it, for processes of their own: `python -m stubbed animate`."""

from __future__ import annotations

import sys
import time
from typing import Any

from reenact import animator, checkpoint
from reenact.animator import Animator
from reenact.cli import main
from reenact.records import Animation
from stubs import StubModel, StubReader


class SlowModel(StubModel):
    """A stub that takes as long as a network might.

    Args:
        pause: Seconds for every rendering.
    """

    def __init__(self, pause: float) -> None:
        super().__init__()
        self.pause = pause

    def render(self, *arguments: Any) -> Animation:
        time.sleep(self.pause)
        return super().render(*arguments)


def run(arguments: list[str], pause: float = 0.0) -> None:
    """Run `reenact` with these arguments."""

    def load(name: str, device: object, batch_size: int | None = None) -> Animator:
        return Animator(SlowModel(pause), StubReader(), name=name, batch_size=batch_size or 1)

    animator.load = load  # type: ignore[assignment]
    checkpoint.weights_hash = lambda model: "c" * 64
    sys.argv[1:] = arguments
    main.run()


if __name__ == "__main__":
    run(sys.argv[1:])
