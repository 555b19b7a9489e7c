"""Running the scripts of this repository as their users do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.documents import ROOT
from tests.harness import environment

WITHIN = 1800
"""Seconds that a script may take on the busiest machine."""


def run_script(
    script: str | Path,
    *arguments: str | Path,
    folder: Path = ROOT,
    code: int = 0,
    python: str | Path = sys.executable,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run a script, which has to end with this exit code, and return what it printed.

    That is its stdout, and its stderr too if it has to fail.
    """
    ended = subprocess.run(
        [python, ROOT / script, *arguments],
        check=False,
        cwd=folder,
        env=environment(**(variables or {})),
        capture_output=True,
        encoding="utf-8",
        timeout=WITHIN,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr if code else ended.stdout
