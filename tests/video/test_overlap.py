from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from reenact.video import ahead, behind


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


def test_work_behind_is_done_in_order_before_the_block_is_left() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.001)
        done.append(number)

    with behind(work, depth=3) as take:
        for number in range(20):
            take(number)
    assert done == list(range(20))


def at_work(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_work_behind_happens_in_another_thread_while_items_are_made() -> None:
    threads = []
    second = threading.Event()

    def work(number: int) -> None:
        assert second.wait(10)  # the first item is worked on until the second is made
        threads.append(threading.current_thread().name)

    def numbers() -> Iterator[int]:
        yield 0
        second.set()
        yield 1

    hand_over(numbers(), work)
    assert threads == ["behind"] * 2
    assert not at_work("behind")


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to a thread")
def test_an_interrupt_at_the_end_leaves_nobody_at_work() -> None:
    done = []
    main, handed, struck = threading.get_ident(), threading.Event(), threading.Event()

    def numbers() -> Iterator[int]:
        yield from range(6)
        handed.set()

    def work(number: int) -> None:
        struck.wait(10)
        time.sleep(0.1)
        done.append(number)

    def interrupt() -> None:
        handed.wait(10)
        time.sleep(0.1)
        signal.pthread_kill(main, signal.SIGINT)
        struck.set()

    killer = threading.Thread(target=interrupt)
    killer.start()
    with pytest.raises(KeyboardInterrupt):
        hand_over(numbers(), work)
    assert not at_work("behind")
    killer.join()
    assert done[0] == 0
    assert len(done) < 6  # the one at hand, not all that waited


def hand_over(items: Iterable[int], work: Callable[[int], object], depth: int = 8) -> None:
    with behind(work, depth) as take:
        for item in items:
            take(item)


def test_an_error_of_the_work_behind_is_raised_at_the_next_item_or_at_the_end() -> None:
    taken = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    def fail(number: int) -> None:
        raise RuntimeError(f"disk full at {number}")

    with pytest.raises(RuntimeError, match="disk full at 7"):
        hand_over([7], fail)
    with pytest.raises(RuntimeError, match="disk full at 0"):
        hand_over(numbers(), fail, depth=2)
    assert len(taken) < 10


def test_what_was_handed_over_is_worked_on_when_the_block_fails() -> None:
    def interrupted(count: int) -> Iterator[int]:
        yield from range(count)
        raise KeyboardInterrupt

    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        hand_over(interrupted(5), done.append)
    assert done == [0, 1, 2, 3, 4]
    with pytest.raises(KeyboardInterrupt):  # nor does an error of the work hide the first
        hand_over(interrupted(1), lambda number: 1 / number)
