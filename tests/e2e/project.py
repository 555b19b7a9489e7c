"""A copy of this project, with states and a warehouse of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.documents import ROOT
from tests.e2e.reader import Reader
from tests.e2e.targets import TOOLS, tool
from tests.harness import variables
from tests.warehouse import Warehouse

RUN = ("meltano", "run", "--force", "tap-tiktok-following", "target-duckdb")


def clone(folder: Path) -> Path:
    """Copy this project, without what was installed or loaded in it."""
    tool("meltano")  # skips the test if it is missing
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "output"))
    (folder / "output").mkdir()
    return folder.resolve()


class Project:
    """The copy. What `make` has installed is linked.

    Args:
        folder: Where to make it.
        settings: The tap's settings, as environment variables of its reader.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = clone(folder / "project")
        (self.folder / ".tools").symlink_to(TOOLS)
        self._link(Path(sys.prefix), ".venv", ["bin", "lib", "pyvenv.cfg"])
        self._link(ROOT / ".meltano", ".meltano", ["extractors", "loaders", "utilities"])
        self.warehouse = Warehouse(str(self.folder / "output" / "prod.duckdb"))
        self.reader = Reader(self.folder, variables(settings))

    def _link(self, source: Path, name: str, parts: Sequence[str]) -> None:
        """Make a folder with links to parts of another one, which `make` finds up to date."""
        (self.folder / name).mkdir()
        for part in parts:
            (self.folder / name / part).symlink_to(source / part)
        (self.folder / name / "ready").touch()

    def run(self, *, code: int = 0) -> None:
        """Run the pipeline, which has to end with this exit code."""
        self.reader.type(*RUN, code=code)

    def start(self) -> subprocess.Popen[str]:
        """Start the pipeline."""
        return self.reader.start(*RUN)
