"""SIGTERM, SIGINT and SIGHUP: they stop the crawl, and the process ends in time."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import threading
import time
from typing import TYPE_CHECKING, Protocol

from tap_tiktok_following.errors import Interrupted, signal_exit_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

GRACE = 2.0
"""Seconds to wait for pages in flight after a signal."""

LAST_CALL = 4.0
"""Seconds after a signal until the process ends, whatever it is doing."""

LONG_LINE = 56.0
"""The same while a long line is partly written and its reader still reads."""


class Output(Protocol):
    """What the run writes to; see `MessageWriter`."""

    def is_blocked(self) -> bool: ...  # noqa: D102 - said there

    def finish_line(self) -> bool: ...  # noqa: D102


class Termination:
    """Whether this run was told to stop, and by which signal.

    Called as a signal handler it takes no lock that the main thread could hold and writes
    nothing: it notes the signal, calls the listeners and sets an alarm.

    Attributes:
        signum: The first signal; None before it.
        output: What the run writes to; None before it is set.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.output: Output | None = None
        self._told_at = 0.0
        self._listeners: list[Callable[[], None]] = []

    @property
    def name(self) -> str:
        """The signal's name, such as "SIGTERM"; "" before it."""
        return signal.Signals(self.signum).name if self.signum else ""

    @property
    def exit_code(self) -> int:
        """The exit code that shells give the signal: 143 for SIGTERM, 130 for SIGINT."""
        return signal_exit_code(self.signum or 0)

    @property
    def is_urgent(self) -> bool:
        """Whether to write nothing but a state: a signal came and the output is blocked."""
        return bool(self.signum and self.output and self.output.is_blocked())

    def install(self) -> None:
        """Handle the signals; do nothing outside the main thread, where Python forbids it."""
        if threading.current_thread() is not threading.main_thread():
            return
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, self)
        atexit.register(_hear_no_more)
        # `nohup` ignores it, so that the run outlives its terminal.
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` at a signal, inside the handler: it must not take a lock."""
        self._listeners.append(listener)

    def __call__(self, signum: int, frame: FrameType | None = None) -> None:  # noqa: ARG002
        """Note the signal without raising: a message may be partly written."""
        if self.signum is None:
            self.signum = signum
            self._told_at = time.monotonic()
            self._set_alarm()
        for listener in self._listeners:
            listener()

    def _set_alarm(self) -> None:
        if hasattr(signal, "SIGALRM"):
            # An alarm ends a blocked write too, and needs no thread that could be starved.
            signal.signal(signal.SIGALRM, lambda *_: self._last_call())
            signal.setitimer(signal.ITIMER_REAL, LAST_CALL)
        else:  # Windows
            alarm = threading.Timer(LAST_CALL, self._last_call)
            alarm.daemon = True
            alarm.start()

    def _last_call(self) -> None:
        is_in_time = time.monotonic() - self._told_at < LONG_LINE
        if self.output and self.output.finish_line() and is_in_time:
            self._set_alarm()
        else:
            self._give_up()

    def _give_up(self) -> None:
        what = f"Stopped by {self.name} before everything was finished"
        sentence = f"{what}: {Interrupted.advice}.\n"
        below = "\n" if os.isatty(2) else ""  # a live line
        with contextlib.suppress(OSError, ValueError):
            if select.select([], [2], [], 0)[1]:  # a blocked stderr would hang here too
                os.write(2, (below + sentence).encode())
        os._exit(self.exit_code)


def _hear_no_more() -> None:
    """Ignore signals from now on: the run is over and its exit code is known.

    When Python exits it removes the handlers, and an alarm would then kill it.
    """
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if hasattr(signal, "SIGALRM"):
        signal.setitimer(signal.ITIMER_REAL, 0)
