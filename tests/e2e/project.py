"""A copy of this project with a state, a warehouse and a reader of its own."""

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

SOURCES = ("dbt", "demo", "sandbox")
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
RUN = ("meltano", "run", "tap-tiktok-following", "target-duckdb")


class Project:
    """The copy. What `make` and Meltano have installed is linked, so that it costs little.

    Args:
        folder: Where to make it.
        settings: The tap's settings, which its reader has in the environment.
        stand_ins: What its reader types instead of what is written, besides what all do.
        after: A project whose runs are behind this one too: their rows, and their states.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        stand_ins: Mapping[str, object] | None = None,
        after: Project | None = None,
    ) -> None:
        tool("meltano")  # where there is none, the test is skipped
        self.folder = folder.resolve() / "project"
        for name in SOURCES:
            shutil.copytree(ROOT / name, self.folder / name)
        for name in FILES:
            shutil.copy(ROOT / name, self.folder)
        (self.folder / "output").mkdir()
        self._link_what_is_installed()
        if after:
            for name in ("output", ".meltano/meltano.db", ".meltano/run"):
                _copy(after.folder / name, self.folder / name)
        self.warehouse = DuckDB(self.folder / "output", "prod.duckdb")
        always = {"/path/to/project": self.folder, "make test": "make --dry-run test"}
        # Two runs of a test are minutes apart, as if they were days.
        given = variables({"rescan_after_hours": 0, **settings})
        self.reader = Reader(self.folder, given, {**always, **(stand_ins or {})})

    def _link_what_is_installed(self) -> None:
        plugins = ROOT / ".meltano"
        (TOOLS / "matplotlib").mkdir(exist_ok=True)  # its cache of fonts takes time to make
        _link(TOOLS, self.folder / ".tools")
        _link(Path(sys.prefix), self.folder / ".venv")
        _link(plugins, self.folder / ".meltano", only=["loaders", "utilities"])
        # The tap's command is a copy: by its path a process of this project is known.
        environment = Path("extractors", "tap-tiktok-following", "venv")
        installed, here = plugins / environment, self.folder / ".meltano" / environment
        _link(installed, here)
        (here / "bin").unlink()
        shutil.copytree(installed / "bin", here / "bin", symlinks=True)
        for name in (".venv", ".meltano"):
            (self.folder / name / "ready").unlink(missing_ok=True)
            (self.folder / name / "ready").touch()

    def run(self, *, code: int = 0) -> str:
        """Run the pipeline, which has to end with this exit code, and return its log."""
        return self.reader.type(*RUN, code=code)

    def start(self) -> subprocess.Popen[str]:
        """Start the pipeline."""
        return self.reader.start(*RUN)

    def follows(self, provider: str) -> list[tuple[str, str]]:
        """The edges *follower, followed* in the warehouse, a row each, sorted."""
        rows = self.warehouse.rows(f"{provider}_following")
        return sorted((row["follower_username"], row["username"]) for row in rows)


def _copy(source: Path, place: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, place, dirs_exist_ok=True)
    else:
        shutil.copy(source, place)


def _link(source: Path, folder: Path, only: list[str] | None = None) -> None:
    """Make a folder with links to what is in another."""
    folder.mkdir(parents=True)
    for path in source.iterdir():
        if only is None or path.name in only:
            (folder / path.name).symlink_to(path)
