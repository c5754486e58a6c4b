"""Work in other threads, ahead and behind, so that decoding, inference and encoding overlap.

Inference itself stays in the thread of the caller: torch keeps cuDNN's plans of convolutions for
each thread, and making them takes seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

_PATIENCE = 0.05
"""Seconds between two looks at whether the taker has stopped."""


def drain(waiting: deque[T]) -> Iterator[T]:
    """Take what waits, in its order; more may have come each time that one is taken."""
    while waiting:
        yield waiting.popleft()


def ahead(items: Iterable[T], depth: int = 8) -> Generator[T]:
    """The same items, up to `depth` of them prepared ahead in a thread of their own.

    An error of the items is raised where they are taken. When the taker stops, the thread stops
    too, after the item it is at, and closes the items if they are a generator.
    """
    worker = _Worker(items, depth)
    worker.start()
    try:
        while (batch := worker.ready.get()) is not None:
            yield from batch
    finally:
        worker.stopped.set()
        worker.join()
    if worker.error is not None:
        raise worker.error


@contextmanager
def behind(work: Callable[[T], object], depth: int = 8) -> Generator[Callable[[T], None]]:
    """Do the work on items in a thread of its own: gives what hands an item over to it.

    Up to `depth` items wait. All that were handed over are worked on before the block is left, also
    by an error; if that wait is interrupted, only the one at hand. No work goes on afterwards. An
    error of the work ends it, and is raised when the next item is handed over or the block is left.
    """
    worker = _Follower(work, depth)
    worker.start()
    try:
        yield worker.take
    finally:
        worker.finish()
    if worker.error is not None:
        raise worker.error


class _Worker(Thread, Generic[T]):
    """Fills a queue with one-item tuples, then None."""

    def __init__(self, items: Iterable[T], depth: int) -> None:
        super().__init__(name="ahead", daemon=True)
        self.ready: Queue[tuple[T] | None] = Queue(maxsize=depth)
        self.stopped = Event()
        self.error: BaseException | None = None
        self._items = items

    def run(self) -> None:
        try:
            for item in self._items:
                if not self._put((item,)):
                    break
        except BaseException as error:  # raised again where the items are taken
            self.error = error
        finally:
            if isinstance(self._items, Generator):
                self._items.close()
            self._put(None)

    def _put(self, item: tuple[T] | None) -> bool:
        """Wait for room; False if the taker stopped first."""
        while not self.stopped.is_set():
            try:
                self.ready.put(item, timeout=_PATIENCE)
                return True
            except Full:
                continue
        return False


class _Follower(Thread, Generic[T]):
    """Works on what comes in a queue; after an error it only empties it."""

    def __init__(self, work: Callable[[T], object], depth: int) -> None:
        super().__init__(name="behind", daemon=True)
        self.error: BaseException | None = None
        self._waiting: Queue[T] = Queue(maxsize=depth)
        self._work = work
        self._closing, self._dropping, self._over = Event(), Event(), Event()

    def run(self) -> None:
        try:
            while not (self._closing.is_set() and self._waiting.empty()):
                self._do_next()
        finally:
            self._over.set()

    def _do_next(self) -> None:
        try:
            item = self._waiting.get(timeout=_PATIENCE)
        except Empty:
            return
        if self.error is not None or self._dropping.is_set():
            return
        try:
            self._work(item)
        except BaseException as error:  # raised again where the items are handed over
            self.error = error

    def take(self, item: T) -> None:
        if self.error is not None:
            raise self.error
        self._waiting.put(item)

    def finish(self) -> None:
        """Wait until the thread is over, whatever happens: it may use what is closed next."""
        interrupt = None
        self._closing.set()
        while not self._over.is_set():
            try:
                self._over.wait()  # to Python 3.11 a thread whose join was interrupted is over
            except KeyboardInterrupt as error:
                interrupt = error
                self._dropping.set()
        self.join()
        if interrupt is not None:
            raise interrupt
