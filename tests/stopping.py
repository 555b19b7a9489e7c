"""Ending a process of the tap by a signal, and what it has to leave behind."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.harness import finish

if TYPE_CHECKING:
    import subprocess

    from tests.harness import Run

LIMIT = 20
"""Seconds in which a process that is told to stop ends on the busiest machine."""

SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
each_signal = pytest.mark.parametrize(
    ("signum", "code"), SIGNALS, ids=[signum.name for signum, _ in SIGNALS]
)

NO_TRACE = ("Traceback", "BrokenPipe", "Exception ignored", "error in this tap", "--- Logging")


def stop(process: subprocess.Popen[str], signum: signal.Signals) -> Run:
    """Send a signal; the process has to end in time."""
    process.send_signal(signum)
    return finish(process, within=LIMIT)


def check_stopped(ended: Run, signum: signal.Signals, code: int) -> None:
    assert ended.exit_code == code
    assert signum.name in ended.last_line
    assert not any(words in ended.stderr for words in NO_TRACE)
    assert ended.messages[-1]["type"] == "STATE"
