"""SIGTERM and SIGINT: told to the crawl, and the process ends in time whatever hangs."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 2.0
"""Seconds that pages in flight get to arrive after a signal."""

LAST_CALL = 4.0
"""Seconds after a signal at which the process ends, written or not."""


class Termination:
    """Whether this run was told to stop, and by which signal.

    Called as a signal handler it takes no lock that the main thread could hold and writes
    nothing: it notes the signal, wakes who waits, and rings for the watchdog.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self._listeners: list[Callable[[], None]] = []
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._watchdog: threading.Thread | None = None

    @property
    def name(self) -> str:
        """The signal's name, such as "SIGTERM"; "" as long as there was none."""
        return signal.Signals(self.signum).name if self.signum else ""

    @property
    def exit_code(self) -> int:
        """The exit code that shells give the signal: 143 for SIGTERM, 130 for SIGINT."""
        return 128 + (self.signum or 0)

    def watch(self) -> None:
        """Start the watchdog, which ends the process `LAST_CALL` seconds after a signal."""
        if self._watchdog is None:
            self._watchdog = threading.Thread(target=self._last_call, daemon=True)
            self._watchdog.start()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` at a signal, inside the handler: it must not take a lock."""
        self._listeners.append(listener)

    def __call__(self, signum: int) -> None:
        """Note the signal and wake everyone who listens; before there is a crawl, exit."""
        self.signum = self.signum or signum
        if self._watchdog is None:
            sys.exit(self.exit_code)
        self._bell.put(None)
        for listener in self._listeners:
            listener()

    def _last_call(self) -> None:
        self._bell.get()
        time.sleep(LAST_CALL)
        os._exit(self.exit_code)
