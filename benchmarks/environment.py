"""The environments of what is measured: installed as users install it, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

HERE = Path(__file__).parent
ROOT = HERE.parent
UV = ROOT / ".tools" / "bin" / "uv"
"""Where the Makefile puts uv; elsewhere it has to be on the path."""

MELTANO = ROOT / ".tools" / "bin" / "meltano"
"""Where the Makefile puts Meltano."""

Name = Literal["taps", "peers", "targets"]

_CONTENTS: dict[Name, tuple[str, ...]] = {
    "taps": (
        "--reinstall-package=tap-tiktok-following",
        f"--constraint={ROOT / 'requirements-dev.txt'}",
        str(ROOT),
    ),
    "peers": (f"--requirement={HERE / 'requirements.txt'}",),
    "targets": ("target-duckdb==0.8.0", "duckdb~=1.2.2", "meltanolabs-target-postgres==0.8.1"),
}
"""What uv installs: this tap, with all that a tap needs; the other peers; the targets."""


def make() -> None:
    """Make the environments, or bring them up to date.

    Compiled, as pip leaves what it installs, lest start-up be mostly compiling.
    """
    for name, contents in _CONTENTS.items():
        folder = _folder(name)
        if not folder.exists():
            _uv("venv", "--python", sys.executable, str(folder))
        _uv("pip", "install", "--compile-bytecode", "--python", str(folder), *contents)


def program(environment: Name, name: str) -> str:
    """The path of a program in one of the environments."""
    return str(_folder(environment) / "bin" / name)


def versions(environment: Name, *packages: str) -> dict[str, str]:
    """The versions of packages in one of the environments."""
    ask = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
    command = [program(environment, "python"), "-c", ask, *packages]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return dict(zip(packages, answer.stdout.split(), strict=True))


def _folder(name: Name) -> Path:
    return HERE / ".venv" / name


def _uv(*arguments: str) -> None:
    uv = shutil.which("uv", path=f"{UV.parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        sys.exit("uv is needed to make what is measured: install it, or `make bench`.")
    subprocess.run([uv, "--quiet", *arguments], check=True)  # noqa: S603
