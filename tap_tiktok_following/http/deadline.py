"""A limit to the time that the body of an answer takes, kept from outside.

The timeout of a socket is for one read of it, and reading a part of a body may be many of
those: a server that drips never meets it.
"""

from __future__ import annotations

import threading
import time
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3 import BaseHTTPResponse


class Deadline:
    """Cuts off answers whose bodies take too long, for many threads at once.

    One thread looks after all of them. As all have the same time, it misses none when it
    sleeps that long while there is none.

    Args:
        seconds: How long a body may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: dict[BaseHTTPResponse, float] = {}
        self._lock = threading.Lock()
        gone = threading.Event()
        weakref.finalize(self, gone.set)
        watch = threading.Thread(
            target=_watch, args=(weakref.ref(self), gone), name="deadline", daemon=True
        )
        watch.start()

    @contextmanager
    def of(self, response: BaseHTTPResponse) -> Iterator[None]:
        """Read the body within the time.

        Raises:
            TimeoutError: If it took longer, in place of what reading it raised.
        """
        with self._lock:
            self._ends[response] = time.monotonic() + self._seconds
        try:
            yield
        except Exception:
            self._check(response)
            raise
        self._check(response)

    def _check(self, response: BaseHTTPResponse) -> None:
        with self._lock:
            if self._ends.pop(response, None) is None:
                raise TimeoutError

    def cut_off(self) -> float:
        """End the reading of what is late, and return the seconds until the next may be."""
        now = time.monotonic()
        with self._lock:
            for response, end in list(self._ends.items()):
                if end > now:
                    return end - now
                del self._ends[response]
                with suppress(OSError, RuntimeError, ValueError):  # it has ended by itself
                    response.shutdown()
        return self._seconds


def _watch(reference: weakref.ref[Deadline], gone: threading.Event) -> None:
    """Cut off what is late, as long as anybody holds the deadline."""
    wait = 0.0
    while not gone.wait(wait):
        deadline = reference()
        if deadline is not None:
            wait = deadline.cut_off()
        del deadline
