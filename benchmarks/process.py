"""Running a command and measuring the whole of its process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_UNIT_OF_MEMORY = 1 if sys.platform == "darwin" else 1024


class Failed(Exception):  # noqa: N818 - its text is for whoever runs the benchmarks
    """A measured command did not end well."""


@dataclass(frozen=True)
class Usage:
    """What one process took.

    Attributes:
        started: When it was started, in Unix seconds.
        ended: When it had ended, in Unix seconds.
        cpu: Seconds of processor time, its own and the system's for it.
        memory: The most bytes of memory it ever held (resident).
    """

    started: float
    ended: float
    cpu: float
    memory: int


def run(command: Sequence[str], stdout: Path, environment: Mapping[str, str]) -> Usage:
    """Run a command to its end.

    Args:
        command: The program and its arguments.
        stdout: The file to write its output to; its log goes into one beside it.
        environment: Environment variables to add.

    Raises:
        Failed: If its exit code is not 0.
    """
    log = stdout.with_suffix(".log")
    started = time.time()
    with stdout.open("wb") as out, log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            command, stdout=out, stderr=errors, env={**os.environ, **environment}
        )
        _, status, usage = os.wait4(process.pid, 0)
    ended = time.time()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        last_words = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        message = f"{' '.join(command)} ended with {process.returncode}:\n{last_words}"
        raise Failed(message)
    cpu = usage.ru_utime + usage.ru_stime
    return Usage(started, ended, cpu, usage.ru_maxrss * _UNIT_OF_MEMORY)
