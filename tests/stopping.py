"""Processes of the tap that are stopped, or whose outputs are not as usual."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.harness import Run, command, finish, launch, run_process

LIMIT = 20
"""Seconds in which a process that is told to stop ends on the busiest machine."""


def stop(process: subprocess.Popen[str], signum: signal.Signals) -> Run:
    """Send a signal; the process has to end in time."""
    process.send_signal(signum)
    return finish(process, within=LIMIT)


def check_stopped(ended: Run, signum: signal.Signals) -> None:
    """The exit code and the last line tell the signal, and the state is the last message."""
    assert ended.exit_code == 128 + signum
    again = "run again; every list continues from the last page read."
    assert ended.last_line == f"Stopped by {signum.name}: {again}"
    assert ended.messages[-1]["type"] == "STATE"
    check_no_trace(ended)


def check_no_trace(ended: Run) -> None:
    """Nobody is shown how the tap or Python failed."""
    traces = ("Traceback", "BrokenPipe", "Exception ignored", "error in this tap", "--- Log")
    assert not any(trace in ended.stderr for trace in traces)


def start_after(script: str, folder: Path, config: Mapping[str, Any]) -> subprocess.Popen[str]:
    """Start the tap in a process that has run some lines of Python before."""
    script += "\nfrom tap_tiktok_following.__main__ import main; main()"
    _, _, _, *arguments = command(folder, config)
    return launch([sys.executable, "-c", script, *arguments])


def redirected(where: str, arguments: list[str]) -> Run:
    """Run a command with an output that is redirected as in a shell."""
    return run_process(["/bin/sh", "-c", f'exec "$@" {where}', "sh", *arguments])
