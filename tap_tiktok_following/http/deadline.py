"""A limit to the time that an answer takes, head and body, kept from outside.

The timeout of a socket is for one read of it, and an answer may take many of those: a server
that sends it byte by byte never meets that timeout.
"""

from __future__ import annotations

import threading
import time
import weakref
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket


class Deadline:
    """Cuts off answers that take too long, for many threads at once.

    One thread looks after all of them. As all have the same time, it misses none when it
    sleeps that long while there is none.

    Args:
        seconds: How long an answer may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: dict[int, tuple[float, socket]] = {}
        self._late: set[int] = set()
        self._lock = threading.Lock()
        gone = threading.Event()
        weakref.finalize(self, gone.set)
        watch = threading.Thread(
            target=_watch, args=(weakref.ref(self), gone), name="deadline", daemon=True
        )
        watch.start()

    def start(self, connection: socket) -> None:
        """Begin the time of the answer that this thread is about to read."""
        with self._lock:
            end = time.monotonic() + self._seconds
            self._ends[threading.get_ident()] = end, connection

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Read an answer that `start` begins within the time.

        Raises:
            TimeoutError: If it took longer, in place of what reading it raised.
        """
        try:
            yield
        except Exception:
            self._check()
            raise
        self._check()

    def _check(self) -> None:
        thread = threading.get_ident()
        with self._lock:
            self._ends.pop(thread, None)
            if thread in self._late:
                self._late.remove(thread)
                raise TimeoutError

    def cut_off(self) -> float:
        """End the reading of what is late, and return the seconds until the next may be."""
        now = time.monotonic()
        with self._lock:
            for thread, (end, connection) in list(self._ends.items()):
                if end > now:
                    return end - now
                del self._ends[thread]
                self._late.add(thread)
                with suppress(OSError, ValueError):  # it has ended by itself
                    connection.shutdown(SHUT_RDWR)
        return self._seconds


def _watch(reference: weakref.ref[Deadline], gone: threading.Event) -> None:
    """Cut off what is late, as long as anybody holds the deadline."""
    wait = 0.0
    while not gone.wait(wait):
        deadline = reference()
        if deadline is not None:
            wait = deadline.cut_off()
        del deadline
