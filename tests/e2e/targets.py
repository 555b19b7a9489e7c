"""Targets and other programs in environments of their own, as a user would install them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from tests.documents import ROOT, section_of
from tests.e2e.processes import WITHIN

TOOLS = ROOT / ".tools"
TITLES = ("JSON Lines", "CSV", "DuckDB", "PostgreSQL")
"""The headings of docs/targets.md whose targets the tests run."""

PYTHON = ">=3.10,<3.14"
"""DuckDB 1.2, which target-duckdb needs, has no wheel for Python 3.14."""


def blocks_of(title: str) -> dict[str, str]:
    """Return what docs/targets.md says about a target: its code blocks by language."""
    return {block.language: block.text for block in section_of("docs/targets.md", title)}


def loader(title: str) -> dict[str, Any]:
    """Return the loader of a target, as docs/targets.md has it for meltano.yml."""
    [found] = yaml.safe_load(blocks_of(title)["yaml"])["plugins"]["loaders"]
    return found  # type: ignore[no-any-return]


def target(title: str) -> Path:
    """Return the program of a target, installed."""
    found = loader(title)
    name: str = found["executable"]
    return install(name, found["pip_url"].split()) / "bin" / name


def install(name: str, requirements: list[str]) -> Path:
    """Install packages into an environment that later test runs find again."""
    digest = hashlib.blake2b(" ".join(requirements).encode(), digest_size=4).hexdigest()
    environment = TOOLS / "environments" / f"{name}-{digest}"
    if environment.exists():
        return environment
    environment.parent.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=environment.parent) as folder:
        new = Path(folder) / "new"
        uv("venv", "--relocatable", "--python", PYTHON, new)
        uv("pip", "install", "--python", new, *requirements)
        with contextlib.suppress(OSError):  # another test at the same time was sooner
            new.rename(environment)
    return environment


def uv(*arguments: str | Path) -> None:
    """Run uv."""
    variables = {**os.environ, "UV_PYTHON_INSTALL_DIR": str(TOOLS / "python")}
    command = [tool("uv"), "--quiet", *arguments]
    subprocess.run(command, check=True, cwd=ROOT, env=variables, timeout=WITHIN)


def tool(name: str) -> Path:
    """Return a command that `make plugins` installs, or skip the test."""
    path = TOOLS / "bin" / name
    if not path.exists():
        pytest.skip(f"{path} is missing: `make plugins` installs it")
    return path
