"""Many lists at once: usernames in, events out in the order they arrive.

Each worker reads one list after another; the pages of a list cannot be read in parallel.
Workers never raise and never write. A worker that is ahead of the consumer waits for a free
slot. The consumer never waits for a slot, so the two cannot deadlock.
"""

from __future__ import annotations

import logging
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from tap_tiktok_following.model import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

PAGES_AHEAD = 2
"""Maximum number of pages per worker that the consumer has not taken yet."""

TICK = 1.0
"""Seconds after which the consumer gets None if nothing arrived."""

_DONE = object()

logger = logging.getLogger(__name__)


class Workers:
    """Reads the lists of usernames.

    Args:
        usernames: Whose lists to read, in this order.
        read: Reads one list; if it raises, the list has no further event.
        number: Number of lists that are read at once.
    """

    def __init__(
        self, usernames: Iterable[str], read: Callable[[str], Iterable[Event]], number: int
    ) -> None:
        self._usernames = iter(usernames)
        self._taking = threading.Lock()
        self._read = read
        self._number = number
        self._arrived: SimpleQueue[Event | object | None] = SimpleQueue()
        self._slots = threading.Semaphore(PAGES_AHEAD * number)
        self._closed = False
        self._deadline = float("inf")

    def end_in(self, seconds: float) -> None:
        """Wait at most this many seconds for requests in flight."""
        self._deadline = min(self._deadline, time.monotonic() + seconds)

    def events(self) -> Generator[Event | None, None, None]:
        """Start the workers, and yield what arrives until all of them are done.

        Yields:
            An event; None if there is none yet, and again every second until there is.
        """
        for number in range(1, self._number + 1):
            name = f"worker-{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        working = self._number
        try:
            while working and not self._is_late():
                if self._arrived.empty():
                    yield None
                arrived = self._next()
                if arrived is _DONE:
                    working -= 1
                elif isinstance(arrived, Event):
                    self._slots.release()
                    yield arrived
        finally:
            self._close()

    def _is_late(self) -> bool:
        """Return whether to stop waiting; what has arrived is still taken."""
        return time.monotonic() >= self._deadline and self._arrived.empty()

    def _next(self) -> object:
        wait = min(TICK, self._deadline - time.monotonic())
        try:
            return self._arrived.get(timeout=max(0.0, wait))
        except Empty:
            return None

    def _work(self) -> None:
        try:
            while not self._closed and (username := self._next_username()) is not None:
                self._work_on(username)
        finally:
            self._arrived.put(_DONE)

    def _work_on(self, username: str) -> None:
        try:
            for event in self._read(username):
                self._slots.acquire()
                if self._closed:
                    return
                self._arrived.put(event)
        except Exception:
            logger.debug("Reading %s failed", username, exc_info=True)

    def _next_username(self) -> str | None:
        with self._taking:
            return next(self._usernames, None)

    def _close(self) -> None:
        """Release workers that wait for a slot, so that no thread outlives the run."""
        self._closed = True
        for _ in range(self._number):
            self._slots.release()
