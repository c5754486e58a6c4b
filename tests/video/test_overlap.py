from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from reenact.video import ahead


def test_items_come_through_in_order() -> None:
    assert list(ahead(range(50), depth=3)) == list(range(50))
    assert list(ahead([None, None])) == [None, None]
    assert list(ahead([])) == []


def test_no_more_than_the_depth_is_prepared() -> None:
    taken = []

    def source() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    items = ahead(source(), depth=2)
    next(items)
    time.sleep(0.1)
    assert len(taken) <= 1 + 2 + 1
    items.close()


def test_an_error_is_raised_where_the_items_are_taken() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise RuntimeError("camera unplugged")

    items = ahead(source())
    assert next(items) == 1
    with pytest.raises(RuntimeError, match="camera"):
        next(items)


def test_when_the_taker_stops_so_does_the_source() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    before = threading.active_count()
    items = ahead(source(), depth=2)
    next(items)
    items.close()
    assert closed.is_set()
    assert threading.active_count() == before


def test_work_happens_while_the_taker_is_busy() -> None:
    def slow() -> Iterator[int]:
        for number in range(5):
            time.sleep(0.03)
            yield number

    started = time.perf_counter()
    for _ in ahead(slow()):
        time.sleep(0.03)
    assert time.perf_counter() - started < 0.27  # one after the other it would be 0.3
