"""A time limit for a whole answer, head and body, enforced by another thread.

The timeout of a socket applies to a single read, and an answer may take many reads: a server
that sends it byte by byte never exceeds that timeout.
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

    One thread watches all of them. Because all have the same limit, it can sleep that long
    when there are none without missing one.

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
        """Start the time limit of the answer that this thread is about to read."""
        with self._lock:
            end = time.monotonic() + self._seconds
            self._ends[threading.get_ident()] = end, connection

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Read, in this context, an answer for which `start` is called.

        Raises:
            TimeoutError: If it took too long, in place of what reading it raised.
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
        """Cut off late answers, and return the seconds until the next one may be late."""
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
    """Cut off late answers for as long as the deadline object is in use."""
    wait = 0.0
    while not gone.wait(wait):
        deadline = reference()
        if deadline is not None:
            wait = deadline.cut_off()
        del deadline
