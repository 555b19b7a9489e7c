"""From the API to answers, as docs/analysis.md tells, in this repository's own project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.documents import runs
from tests.e2e.processes import WITHIN, finish, start
from tests.e2e.project import Project
from tests.e2e.targets import install
from tests.harness import follows_of, settings

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.documents import Section

FRAMES = ["duckdb~=1.2.2", "networkx>=3.4", "pandas>=2.2", "polars>=1.0", "pyarrow>=18"]


@runs("docs/analysis.md", "In this repository", "pipeline")
@runs("docs/analysis.md", "In Python", "programs")
def test_from_the_api_to_answers(
    sandbox: Sandbox, tmp_path: Path, pipeline: Section, programs: Section
) -> None:
    """Both ways to run it, then each program finds ada's five follows."""
    for follow in follows_of("ada", 5):
        sandbox.world.follow("ada", follow.username, at=follow.at)
    project = Project(tmp_path, settings(sandbox, ["ada"]))
    project.reader.follow(pipeline)
    python = install("frames", FRAMES) / "bin" / "python"
    for block in programs:
        printed, _ = finish(
            start([str(python), "-c", block.text], project.reader.environment, project.folder),
            WITHIN,
        )
        found = "5 edges" if "networkx" in block.text else "ada.4"
        assert found in printed
