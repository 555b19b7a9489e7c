"""Commands in process groups of their own: all that they have started ends with them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="the shell is POSIX's")

WITHIN = 300
"""Seconds that a command may take on the busiest machine."""

_started: list[subprocess.Popen[str]] = []


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None = None,
    stderr: int = subprocess.STDOUT,
) -> subprocess.Popen[str]:
    """Start a command; its stdout is a pipe, and stderr the same one unless said otherwise."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        encoding="utf-8",
        start_new_session=True,
    )
    _started.append(process)
    return process


def finish(process: subprocess.Popen[str], within: float = WITHIN) -> tuple[str, str]:
    """Wait for a process to end, for a limited time, and return what it printed."""
    try:
        return process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        _kill(process)
        printed = "".join(filter(None, process.communicate()))
        pytest.fail(f"{process.args!r} did not end within {within} seconds:\n{printed}")


def end(process: subprocess.Popen[str]) -> None:
    """Kill a process and all that it has started, which may outlive it."""
    with process:
        _kill(process)


def end_what_is_left() -> None:
    """Kill what a failed test has left running."""
    while _started:
        end(_started.pop())


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
