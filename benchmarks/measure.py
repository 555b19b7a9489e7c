"""Runs a command and measures all of its processes.

Linux counts the memory of a parent in a process that it starts. So a small process is between
the two, which is this file, as a program.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Run(NamedTuple):
    """The figures of one run; None for those that were not measured.

    Attributes:
        wall: Seconds from the start of the command to its end.
        cpu: Seconds of processor time of all its processes.
        memory: Megabytes of memory (resident) of the largest of its processes at its peak.
        requests: Requests for pages that the sandbox received.
        rows: Rows that were loaded, or records that were written.
    """

    wall: float | None = None
    cpu: float | None = None
    memory: float | None = None
    requests: float | None = None
    rows: float | None = None


def run(command: Sequence[str | Path], stdout: Path, environment: Mapping[str, str]) -> Run:
    """Run a command to its end; its log is written beside its output.

    Raises:
        RuntimeError: If its exit code is not 0.
    """
    log, measured = stdout.with_suffix(".log"), stdout.with_suffix(".json")
    with stdout.open("wb") as output, log.open("wb") as errors:
        between = [sys.executable, __file__, measured, *command]
        code = subprocess.call(between, stdout=output, stderr=errors, env=environment)  # noqa: S603 - our own commands
    if code:
        last_words = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        message = f"{' '.join(map(str, command))} ended with {code}:\n{last_words}"
        raise RuntimeError(message)
    return Run(*json.loads(measured.read_text(encoding="utf-8")))


def main(measured: str, *command: str) -> int:
    """Run a command, write its wall time, CPU time and memory, and return its exit code."""
    started = time.monotonic()
    code = subprocess.call(command)  # noqa: S603 - our own commands
    wall = time.monotonic() - started
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    megabyte = 1_000_000 if sys.platform == "darwin" else 1_000_000 / 1024
    figures = [wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / megabyte]
    Path(measured).write_text(json.dumps(figures), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
