"""SIGTERM and SIGINT: told to the crawl, and the process ends in time whatever hangs."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from typing import TYPE_CHECKING

from tap_tiktok_following.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 2.0
"""Seconds that pages in flight get to arrive after a signal."""

LAST_CALL = 4.0
"""Seconds after a signal at which the process ends, whatever it is doing."""


class Termination:
    """Whether this run was told to stop, and by which signal.

    Called as a signal handler it takes no lock that the main thread could hold and writes
    nothing: it notes the signal, wakes who listens, and sets the alarm.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self._listeners: list[Callable[[], None]] = []

    @property
    def name(self) -> str:
        """The signal's name, such as "SIGTERM"; "" as long as there was none."""
        return signal.Signals(self.signum).name if self.signum else ""

    @property
    def exit_code(self) -> int:
        """The exit code that shells give the signal: 143 for SIGTERM, 130 for SIGINT."""
        return 128 + (self.signum or 0)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` at a signal, inside the handler: it must not take a lock."""
        self._listeners.append(listener)

    def __call__(self, signum: int) -> None:
        """Note the signal, and raise nothing: a message may be half written."""
        if self.signum is None:
            self.signum = signum
            self._set_alarm()
        for listener in self._listeners:
            listener()

    def _set_alarm(self) -> None:
        if hasattr(signal, "SIGALRM"):
            # An alarm ends a blocked write too, and needs no thread that could be starved.
            signal.signal(signal.SIGALRM, lambda *_: self._give_up())
            signal.setitimer(signal.ITIMER_REAL, LAST_CALL)
        else:  # Windows
            alarm = threading.Timer(LAST_CALL, self._give_up)
            alarm.daemon = True
            alarm.start()

    def _give_up(self) -> None:
        sentence = (
            f"Stopped by {self.name} while something hung: {Verdict.TERMINATED.advice}.\n"
        )
        with contextlib.suppress(OSError, ValueError):
            if select.select([], [2], [], 0)[1]:  # a blocked stderr would hang here too
                os.write(2, sentence.encode())
        os._exit(self.exit_code)
