"""The environment of the peers, made once and again when its requirements change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / ".venv"
REQUIREMENTS = HERE / "requirements.txt"
UV = HERE.parent / ".tools" / "bin" / "uv"
"""Where the Makefile puts uv; elsewhere it has to be on the path."""


def python() -> str:
    """The interpreter of the peers' environment, which is made if it is not there."""
    interpreter = FOLDER / "bin" / "python"
    made_of = FOLDER / "requirements.txt"
    if not made_of.exists() or made_of.read_bytes() != REQUIREMENTS.read_bytes():
        _uv("venv", "--clear", "--python", sys.executable, str(FOLDER))
        _uv("pip", "install", "--python", str(FOLDER), "--requirement", str(REQUIREMENTS))
        shutil.copyfile(REQUIREMENTS, made_of)
    return str(interpreter)


def versions(*packages: str) -> dict[str, str]:
    """The versions of packages in the peers' environment."""
    ask = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
    command = [python(), "-c", ask, *packages]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return dict(zip(packages, answer.stdout.split(), strict=True))


def _uv(*arguments: str) -> None:
    uv = shutil.which("uv", path=f"{UV.parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        sys.exit("uv is needed to make the peers' environment: install it, or `make bench`.")
    subprocess.run([uv, "--quiet", *arguments], check=True)  # noqa: S603
