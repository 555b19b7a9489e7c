"""The documentation's ways to take a username, or old states, out of Meltano's database."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING

import duckdb
import pytest

from sandbox import Follow, World
from tap_tiktok_following.config.settings import SETTINGS
from tap_tiktok_following.text import DAY
from tests.documents import runs
from tests.e2e.processes import needs_shell
from tests.e2e.project import Project
from tests.e2e.reader import variables
from tests.harness import NOW, PROVIDERS, emptied, pages_asked, settings

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.documents import Section

pytestmark = needs_shell

PIPELINE = "prod:tap-tiktok-following-to-target-duckdb"

STREAMS = [f"{provider}_{kind}" for provider in PROVIDERS for kind in ("following", "scans")]


FOLLOWS = {
    "amber_bakes": [Follow("bob", NOW - 1000), Follow("cara", NOW - 2000)],
    "bob": [Follow("dora", NOW - 1000)],
}

EDGES = [("amber_bakes", "bob"), ("amber_bakes", "cara"), ("bob", "dora")]


@pytest.fixture(scope="module")
def yesterday(server: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has read two lists."""
    emptied(server).world = World.of(FOLLOWS)
    project = Project(tmp_path_factory.mktemp("yesterday"), settings(server, FOLLOWS))
    project.run()
    for provider in PROVIDERS:
        assert project.follows(provider) == EDGES
    return project


@pytest.fixture
def project(yesterday: Project, sandbox: Sandbox, tmp_path: Path) -> Project:
    """The same a day later, for each test anew."""
    sandbox.world = World.of(FOLLOWS)
    sandbox.clock.advance(DAY)
    return Project(tmp_path, settings(sandbox, FOLLOWS), after=yesterday)


@runs("docs/running.md", "Reading one username again")
def test_reading_one_username_again(
    section: Section, project: Project, sandbox: Sandbox
) -> None:
    """Its list comes whole and is no news; the other one is unchanged."""
    project.reader.follow(section)
    project.run()
    for provider in PROVIDERS:
        for username in ("amber_bakes", "bob"):
            assert len(pages_asked(sandbox, provider, username)) == 1
        assert Counter(project.follows(provider)) == {
            ("amber_bakes", "bob"): 2,
            ("amber_bakes", "cara"): 2,
            ("bob", "dora"): 1,
        }
        scans = project.warehouse.rows(f"{provider}_scans")
        assert Counter(
            (row["follower_username"], row["outcome"], row["previous_scanned_at"] is None)
            for row in scans
        ) == {
            ("amber_bakes", "complete", True): 2,
            ("bob", "complete", True): 1,
            ("bob", "unchanged", False): 1,
        }


@runs("docs/analysis.md", "Deleting a person")
def test_deleting_a_person(section: Section, project: Project, sandbox: Sandbox) -> None:
    """Neither rows nor state know bob any more, and the next run does not bring him back."""
    delete, maps, script, commands = section
    with duckdb.connect(project.warehouse.path) as connection:
        connection.execute("SET search_path = 'tiktok'")
        connection.execute(delete.text)
    project.reader.follow([script, commands])
    assert "bob" not in (project.folder / "new.json").read_text(encoding="utf-8")

    usernames = {"usernames": ["amber_bakes"]}
    project.reader.environment.update(variables({**json.loads(maps.text), **usernames}))
    project.run()
    assert {request.username for request in sandbox.requests} == {"amber_bakes", None}
    for provider in PROVIDERS:
        assert project.follows(provider) == [("amber_bakes", "cara")] * 2
    for stream in STREAMS:
        values = {value for row in project.warehouse.rows(stream) for value in row.values()}
        assert "bob" not in values


@runs("docs/running.md", "Several pipelines")
def test_from_one_pipeline_to_two(
    section: Section, project: Project, sandbox: Sandbox
) -> None:
    """Each shard reads its list once, and no row comes again."""
    (project.folder / "usernames.txt").write_text("amber_bakes\nbob\n", encoding="utf-8")
    project.reader.follow(section)
    files = {path.name for path in (project.folder / "output").glob("*.responses")}
    assert {f"tap-tiktok-following-{shard}-of-2.responses" for shard in (1, 2)} <= files
    for provider in PROVIDERS:
        for username in ("amber_bakes", "bob"):
            assert len(pages_asked(sandbox, provider, username)) == 1
        assert len(project.follows(provider)) == 3
        assert Counter(
            (row["follower_username"], row["outcome"])
            for row in project.warehouse.rows(f"{provider}_scans")
        ) == {
            (username, outcome): 1
            for username in ("amber_bakes", "bob")
            for outcome in ("complete", "unchanged")
        }


@runs("docs/planning.md", "Old states in Meltano's database")
def test_old_states_go_and_the_last_one_stays(
    section: Section, project: Project, sandbox: Sandbox
) -> None:
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
    for provider in PROVIDERS:
        for username in FOLLOWS:
            assert len(pages_asked(sandbox, provider, username)) == 1
        assert project.follows(provider) == EDGES
    assert project.reader.state(PIPELINE).keys() == state.keys()


@runs("docs/running.md", "A list at a URL")
def test_a_list_at_a_url(section: Section) -> None:
    """Reading one is in tests/config/test_remote.py; here, that the config is one."""
    [config] = section
    properties = SETTINGS.to_dict()["properties"]
    assert json.loads(config.text).keys() <= properties.keys()
