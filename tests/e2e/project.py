"""Copies of this project, each with states and a warehouse of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.documents import ROOT
from tests.e2e.reader import Reader
from tests.e2e.targets import TOOLS, tool
from tests.harness import variables


def clone(folder: Path) -> Path:
    """Copy this project, without what was installed or loaded in it."""
    tool("meltano")  # skips the test if it is missing
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "output"))
    (folder / "output").mkdir()
    return folder.resolve()


def make_project(folder: Path, settings: Mapping[str, Any]) -> Reader:
    """Return a reader in a copy, with settings of the tap; what `make` installed is linked."""
    copy = clone(folder)
    (copy / ".tools").symlink_to(TOOLS)
    for source, name, parts in (
        (Path(sys.prefix), ".venv", ("bin", "lib", "pyvenv.cfg")),
        (ROOT / ".meltano", ".meltano", ("extractors", "loaders", "utilities")),
    ):
        (copy / name).mkdir()
        (copy / name / "ready").touch()  # `make` finds it up to date
        for part in parts:
            (copy / name / part).symlink_to(source / part)
    return Reader(copy, variables(settings))
