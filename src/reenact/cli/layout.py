"""What is made of the frames before they are written: beside source and driving, and in size."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import typer

if TYPE_CHECKING:
    from reenact.driving import Framing
    from reenact.portrait import Portrait
    from reenact.records import Image


class Layout(Protocol):
    """The settings that matter here."""

    @property
    def size(self) -> str | None:
        """As a person gives it."""
        ...

    @property
    def compare(self) -> bool:
        """Show source and driving as well."""
        ...

    @property
    def paste_back(self) -> bool:
        """Frames are the whole photograph."""
        ...


def check_layout(size: str | None, driving: Path, *, alpha: bool, compare: bool) -> None:
    """Refuse what makes no sense together.

    Raises:
        typer.BadParameter: It makes none.
    """
    from reenact.cli.rendering import TEMPLATE_SUFFIX
    from reenact.video.scaling import OutputSize

    if size is not None:
        try:
            OutputSize.parse(size)
        except ValueError as error:
            raise typer.BadParameter(f"--size: {error}.") from error
    if compare and alpha:
        raise typer.BadParameter("--compare and --alpha exclude each other.")
    if compare and driving.suffix.lower() == TEMPLATE_SUFFIX:
        raise typer.BadParameter("--compare shows the driving video; a template has no pictures.")


def driving_view(layout: Layout, framing: Framing | None) -> Callable[[Image], Image]:
    """What a comparison shows of a filmed frame: all of it beside a whole photograph."""
    from reenact.driving import square_in
    from reenact.perception.cropping import cut

    if layout.paste_back:
        return lambda frame: frame
    return lambda frame: cut(frame, square_in(frame, framing))


def source_view(layout: Layout, portrait: Portrait) -> Image:
    """What a comparison shows of a photograph."""
    from reenact.perception.cropping import cut

    return portrait.photo if layout.paste_back else cut(portrait.photo, portrait.square)


def lay_out(
    frames: Iterable[Image], layout: Layout, panels: Sequence[Iterator[Image]] = ()
) -> Generator[Image]:
    """Frames as they are written, behind the panels of a comparison where there are some."""
    from reenact.video import side_by_side
    from reenact.video.scaling import OutputSize, scaled

    size = None if layout.size is None else OutputSize.parse(layout.size)
    for frame in frames:
        page = side_by_side([*map(next, panels), frame]) if panels else frame
        yield page if size is None else scaled(page, size.of(*page.shape[:2]))
