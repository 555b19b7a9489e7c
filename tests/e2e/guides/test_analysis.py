"""From the API to answers, as docs/analysis.md tells, in this repository's own project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.documents import runs
from tests.e2e.airflow.engine import free_port
from tests.e2e.postgres import serve_or_skip
from tests.e2e.processes import WITHIN, finish, start
from tests.e2e.project import Project
from tests.e2e.targets import install
from tests.e2e.warehouses import in_utc
from tests.harness import follows_of, settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sandbox import Sandbox
    from tests.documents import Section
    from tests.e2e.lists import Row
    from tests.e2e.postgres import Postgres

FRAMES = ["duckdb~=1.2.2", "networkx>=3.4", "pandas>=2.2", "polars>=1.0", "pyarrow>=18"]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A server with a port: target-postgres finds no socket by TARGET_POSTGRES_HOST."""
    yield from serve_or_skip(free_port())


@runs("docs/analysis.md", "In this repository", "pipeline")
@runs("docs/analysis.md", "In Python", "programs")
def test_from_the_api_to_answers(
    sandbox: Sandbox,
    postgres: Postgres,
    tmp_path: Path,
    pipeline: Section,
    programs: Section,
) -> None:
    """Into both databases, then each program finds ada's five follows."""
    for follow in follows_of("ada", 5):
        sandbox.world.follow("ada", follow.username, at=follow.at)
    project = Project(tmp_path, settings(sandbox, ["ada"]))
    project.reader.environment |= {
        "TARGET_POSTGRES_HOST": "127.0.0.1",
        "TARGET_POSTGRES_PORT": str(postgres.port),
        "TARGET_POSTGRES_PASSWORD": "any",
    }
    project.reader.follow(pipeline)
    edges = windows(project.warehouse.rows("edges", "main_tiktok_following"))
    assert windows(postgres.rows("public_tiktok_following.edges")) == edges
    assert len(edges) == 5

    python = install("frames", FRAMES) / "bin" / "python"
    for block in programs:
        printed, _ = finish(
            start([str(python), "-c", block.text], project.reader.environment, project.folder),
            WITHIN,
        )
        found = "5 edges" if "networkx" in block.text else "ada.4"
        assert found in printed


def windows(edges: Iterable[Row]) -> dict[str, Any]:
    """Who is followed, and by when at the latest."""
    return {row["username"]: in_utc(row)["followed_at_latest"] for row in edges}
