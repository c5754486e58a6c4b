"""An animated GIF: one palette made from all pictures, and times in hundredths of a second."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.stream import VideoStream

from reenact.video.comments import add_comment

TICK = Fraction(1, 100)
"""Seconds in which a GIF counts."""
SHORTEST = 2
"""Ticks that a picture is shown at least: browsers take anything shorter for ten."""
DITHER = "dither=sierra2_4a:diff_mode=rectangle"
"""Colours between those of the palette, mixed; only where the picture changes."""

Pictures = Callable[[], Iterable[tuple[av.VideoFrame, Fraction]]]
"""Gives decoded pictures with their times in seconds, from the first one on, as often as asked."""


def write_gif(path: Path, pictures: Pictures, comment: str | None) -> None:
    """Write a GIF that runs for ever, with the times of the pictures as near as GIF can say."""
    times: list[Fraction] = []
    palette = _palette(_noting(pictures(), times))
    last = max(SHORTEST, round((times[-1] - times[-2]) / TICK)) if len(times) > 1 else SHORTEST
    options = {"final_delay": str(last)}
    with av.open(str(path.resolve()), "w", format="gif", options=options) as output:
        stream: VideoStream | None = None
        for picture in _coloured(_timed(pictures()), palette):
            if stream is None:
                stream = output.add_stream("gif", rate=1 / TICK)
                stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "pal8"
                stream.time_base = stream.codec_context.time_base = TICK
            output.mux(stream.encode(picture))
        if stream is not None:
            output.mux(stream.encode(None))
    if comment is not None:
        path.write_bytes(add_comment(path.read_bytes(), comment))


def _noting(
    pictures: Iterable[tuple[av.VideoFrame, Fraction]], times: list[Fraction]
) -> Iterator[av.VideoFrame]:
    """The pictures; their times are added to a list."""
    for picture, time in pictures:
        times.append(time)
        yield picture


def _timed(pictures: Iterable[tuple[av.VideoFrame, Fraction]]) -> Iterator[av.VideoFrame]:
    """Pictures on the clock of a GIF; those that come too soon after another are left out."""
    last = -SHORTEST
    for picture, time in pictures:
        tick = round(time / TICK)
        if tick - last >= SHORTEST:
            last = picture.pts = tick
            picture.time_base = TICK
            yield picture


def _palette(pictures: Iterable[av.VideoFrame]) -> av.VideoFrame:
    """The 256 colours that serve all pictures best, as a picture."""
    graph, source = Graph(), None
    for number, picture in enumerate(pictures):
        if source is None:
            source = _input(graph, picture)
            maker, sink = graph.add("palettegen", "stats_mode=full"), graph.add("buffersink")
            graph.link_nodes(source, maker, sink).configure()
        picture.pts, picture.time_base = number, TICK
        source.push(picture)
    assert source is not None
    source.push(None)
    return graph.vpull()


def _coloured(pictures: Iterable[av.VideoFrame], palette: av.VideoFrame) -> Iterator[av.VideoFrame]:
    """Pictures in the colours of a palette."""
    graph, source = Graph(), None
    for picture in pictures:
        if source is None:
            source, colours = _input(graph, picture), _input(graph, palette)
            use = graph.add("paletteuse", DITHER)
            source.link_to(use, 0, 0)
            colours.link_to(use, 0, 1)
            use.link_to(graph.add("buffersink"))
            graph.configure()
            palette.pts, palette.time_base = 0, TICK
            colours.push(palette)
            colours.push(None)
        source.push(picture)
        yield from _ready(graph)
    if source is not None:
        source.push(None)
        yield from _ready(graph)


def _ready(graph: Graph) -> Iterator[av.VideoFrame]:
    try:
        while True:
            yield graph.vpull()
    except (av.BlockingIOError, av.EOFError):
        return


def _input(graph: Graph, like: av.VideoFrame) -> FilterContext:
    return graph.add_buffer(
        width=like.width, height=like.height, format=like.format, time_base=TICK
    )
