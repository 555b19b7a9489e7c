"""A copy of this project, with states and a warehouse of its own."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.reader import Reader, variables
from tests.e2e.targets import ROOT, TOOLS, tool
from tests.e2e.warehouses import DuckDB

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

SOURCES = ("dbt", "demo", "examples", "sandbox")
FILES = (
    "Makefile",
    "meltano.yml",
    "pyproject.toml",
    "requirements-airflow.in",
    "requirements-dbt.in",
    "requirements-dbt.txt",
    "requirements-dev.txt",
    "requirements-warehouses.in",
)
RUN = ("meltano", "run", "--force", "tap-tiktok-following", "target-duckdb")


class Project:
    """The copy. What `make` has installed is linked.

    Args:
        folder: Where to make it.
        settings: The tap's settings, as environment variables of its reader.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        tool("meltano")  # skips the test if it is missing
        self.folder = folder.resolve() / "project"
        for name in SOURCES:
            shutil.copytree(ROOT / name, self.folder / name)
        for name in FILES:
            shutil.copy(ROOT / name, self.folder)
        (self.folder / "output").mkdir()
        plugins = ROOT / ".meltano"
        _link(TOOLS, self.folder / ".tools")
        _link(Path(sys.prefix), self.folder / ".venv")
        _link(plugins, self.folder / ".meltano", "loaders", "utilities", "extractors")
        for name in (".venv", ".meltano"):
            (self.folder / name / "ready").unlink(missing_ok=True)
            (self.folder / name / "ready").touch()
        self.warehouse = DuckDB(self.folder / "output", "prod.duckdb")
        # Two runs of a test are minutes apart, as if they were days.
        self.reader = Reader(self.folder, variables({"rescan_after_hours": 0, **settings}))

    def run(self, *, code: int = 0) -> str:
        """Run the pipeline, which has to end with this exit code, and return its log."""
        return self.reader.type(*RUN, code=code)

    def start(self) -> subprocess.Popen[str]:
        """Start the pipeline."""
        return self.reader.start(*RUN)

    def follows(self, provider: str) -> list[tuple[str, str]]:
        """Return the pairs *follower, followed* in the warehouse, one per row, sorted."""
        rows = self.warehouse.rows(f"{provider}_following")
        return sorted((row["follower_username"], row["username"]) for row in rows)


def _link(source: Path, folder: Path, *only: str) -> None:
    """Make a folder with links to what is in another one."""
    folder.mkdir(parents=True)
    for path in source.iterdir():
        if not only or path.name in only:
            (folder / path.name).symlink_to(path)
