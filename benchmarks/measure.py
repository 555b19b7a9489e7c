"""Runs a command and measures all of its processes.

Linux counts the memory of a parent in a process that it starts. So a small process is between
the two, which is this file, as a program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[1]

_UNIT_OF_MEMORY = 1 if sys.platform == "darwin" else 1024


class Failed(Exception):  # noqa: N818 - its text is for whoever runs the benchmarks
    """Raised if a command fails, or if it did other work than its peers."""


class Run(NamedTuple):
    """The figures of one run; None for those that were not measured.

    Attributes:
        wall: Seconds from the start of the command to its end.
        cpu: Seconds of processor time of all its processes.
        memory: Bytes of memory (resident) of the largest of its processes at its peak.
        requests: Requests for pages that the sandbox received.
        rows: Rows that were loaded, or records that were written.
    """

    wall: float | None = None
    cpu: float | None = None
    memory: float | None = None
    requests: float | None = None
    rows: float | None = None


def run(command: Sequence[str | Path], stdout: Path, variables: Mapping[str, str]) -> Run:
    """Run a command to its end.

    Args:
        command: The program and its arguments.
        stdout: The file for its output; its log is written beside it.
        variables: Environment variables to add.

    Raises:
        Failed: If its exit code is not 0.
    """
    log, measured = stdout.with_suffix(".log"), stdout.with_suffix(".json")
    with stdout.open("wb") as out, log.open("wb") as errors:
        code = subprocess.call(  # noqa: S603 - our own commands
            [sys.executable, __file__, measured, *command],
            stdout=out,
            stderr=errors,
            env={**os.environ, **variables, "PYTHONPATH": str(ROOT)},
        )
    if code:
        last_words = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        message = f"{' '.join(map(str, command))} ended with {code}:\n{last_words}"
        raise Failed(message)
    return Run(*json.loads(measured.read_text(encoding="utf-8")))


def main(measured: str, program: str, *arguments: str) -> int:
    """Run a program, write its wall time, CPU time and memory, and return its exit code."""
    started = time.monotonic()
    child = os.posix_spawnp(program, [program, *arguments], os.environ)
    _, status, usage = os.wait4(child, 0)
    wall, cpu = time.monotonic() - started, usage.ru_utime + usage.ru_stime
    figures = [wall, cpu, usage.ru_maxrss * _UNIT_OF_MEMORY]
    Path(measured).write_text(json.dumps(figures), encoding="utf-8")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
