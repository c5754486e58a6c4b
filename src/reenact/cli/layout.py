"""What is made of the frames before they are written: beside source and driving, and in size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import typer

if TYPE_CHECKING:
    from reenact.driving import Framing
    from reenact.portrait import Portrait
    from reenact.records import Image
    from reenact.video import Passing


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
    """What a comparison shows of a driving frame: all of it beside a whole photograph."""
    from reenact.driving import middle_square
    from reenact.perception.cropping import cut

    if layout.paste_back:
        return lambda frame: frame
    return lambda frame: cut(frame, middle_square(frame) if framing is None else framing.square)


def lay_out(
    frames: Iterable[Image], layout: Layout, portrait: Portrait, driving: Passing | None
) -> Iterator[Image]:
    """Frames as they are written."""
    from reenact.perception.cropping import cut
    from reenact.video import Comparison
    from reenact.video.scaling import OutputSize, scaled

    comparison = None
    if driving is not None:
        photo = portrait.photo
        source = photo if layout.paste_back else cut(photo, portrait.square)
        comparison = Comparison(source, driving.taken())
    size = None if layout.size is None else OutputSize.parse(layout.size)
    for frame in frames:
        page = frame if comparison is None else comparison.join(frame)
        yield page if size is None else scaled(page, size.of(*page.shape[:2]))
