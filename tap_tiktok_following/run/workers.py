"""Many lists at once: usernames in, events out in the order they arrive.

Each worker reads one list after another; the pages of a list cannot be read in parallel.
Workers never raise and never write. A worker that is ahead of the consumer waits for a free
slot. The consumer never waits for a slot, so the two cannot deadlock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue

from tap_tiktok_following.model import Event

PAGES_AHEAD = 2  # maximum number of pages per worker that the consumer has not taken yet
TICK = 1.0  # seconds after which the consumer gets None if nothing arrived

logger = logging.getLogger(__name__)


class Workers:
    """Reads the lists of usernames in the order given, a number of them at once.

    If `read`, which reads one list, raises, the list has no further event.
    """

    def __init__(
        self, usernames: Iterable[str], read: Callable[[str], Iterable[Event]], number: int
    ) -> None:
        self._usernames = deque(usernames)
        self._read = read
        self._number = number
        self._arrived: SimpleQueue[Event | None] = SimpleQueue()  # None: one is done
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
            # What has arrived is taken even after the deadline.
            while working and (self._time_left() or not self._arrived.empty()):
                if self._arrived.empty():
                    yield None
                try:
                    arrived = self._arrived.get(timeout=min(TICK, self._time_left()))
                except Empty:
                    continue
                if arrived is None:
                    working -= 1
                else:
                    self._slots.release()
                    yield arrived
        finally:
            self._closed = True
            for _ in range(self._number):  # workers that wait for a slot would outlive the run
                self._slots.release()

    def _time_left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _work(self) -> None:
        try:
            with suppress(IndexError):  # no username is left
                while not self._closed:
                    self._work_on(self._usernames.popleft())
        finally:
            self._arrived.put(None)

    def _work_on(self, username: str) -> None:
        try:
            for event in self._read(username):
                self._slots.acquire()
                if self._closed:
                    return
                self._arrived.put(event)
        except Exception:
            logger.debug("Reading %s failed", username, exc_info=True)
