"""Running a command and measuring the whole of its process.

Linux counts the memory of a parent when it starts a process as memory of that process. So a
small process is between the two: this module, as a program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    log, measured = stdout.with_suffix(".log"), stdout.with_suffix(".usage")
    measuring = [sys.executable, "-m", "benchmarks.process", str(measured)]
    with stdout.open("wb") as out, log.open("wb") as errors:
        code = subprocess.call(  # noqa: S603 - our own commands
            [*measuring, *command],
            stdout=out,
            stderr=errors,
            env={**os.environ, **environment},
        )
    if code:
        last_words = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        message = f"{' '.join(command)} ended with {code}:\n{last_words}"
        raise Failed(message)
    return Usage(**json.loads(measured.read_text(encoding="utf-8")))


def main(measured: str, program: str, *arguments: str) -> int:
    """Run a program, write what it took as JSON, and return its exit code."""
    started = time.time()
    child = os.posix_spawnp(program, [program, *arguments], os.environ)
    _, status, usage = os.wait4(child, 0)
    ended = time.time()
    cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _UNIT_OF_MEMORY
    took = Usage(started, ended, cpu, memory)
    Path(measured).write_text(json.dumps(asdict(took)), encoding="utf-8")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
