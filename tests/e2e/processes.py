"""Commands in process groups of their own: all that they have started ends with them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

WITHIN = 300
"""Seconds that a command may take on the busiest machine."""

_started: list[subprocess.Popen[str]] = []


def start(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> subprocess.Popen[str]:
    """Start a command in a folder; its stdout and stderr are one pipe."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    _started.append(process)
    return process


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process to end, for a limited time, and return what it printed."""
    try:
        printed, _ = process.communicate(timeout=WITHIN)
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"{process.args!r} did not end in {WITHIN} seconds:\n{late.output!r}")
    return printed


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process and all that it has started, which may outlive it."""
    with process, contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def kill_what_is_left() -> None:
    """Kill what a test has left running."""
    while _started:
        kill(_started.pop())
