"""The documentation's way to delete old states from Meltano's database."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from sandbox import Follow, World
from tests.documents import runs
from tests.e2e.processes import needs_shell
from tests.e2e.project import Project
from tests.harness import NOW, pages_asked, settings

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.documents import Section

pytestmark = needs_shell

PIPELINE = "prod:tap-tiktok-following-to-target-duckdb"


@runs("docs/planning.md", "Old states in Meltano's database")
def test_old_states_go_and_the_last_one_stays(
    section: Section, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = World.of({"ann": [Follow("bob", NOW - 1000)]})
    project = Project(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    project.run()
    state = project.reader.state(PIPELINE)
    database = sqlite3.connect(project.folder / ".meltano" / "meltano.db")
    count = "SELECT count(*) FROM runs WHERE payload LIKE '%singer_state%'"
    with database:
        database.execute("UPDATE runs SET ended_at = datetime('now', '-40 days')")
    project.run()
    assert database.execute(count).fetchone() == (2,)

    project.reader.follow(section)
    assert database.execute(count).fetchone() == (1,)
    database.close()
    sandbox.requests.clear()
    project.run()
    assert len(pages_asked(sandbox, "rapidapi", "ann")) == 1
    assert project.follows("rapidapi") == [("ann", "bob")]
    assert project.reader.state(PIPELINE).keys() == state.keys()
