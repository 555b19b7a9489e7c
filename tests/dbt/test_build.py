"""`dbt build` over what the tap has loaded, on DuckDB and PostgreSQL: every answer is true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_tiktok_following.config.usernames import parse
from tests.dbt.project import (
    MODELS,
    PACKAGE,
    Database,
    Project,
    gather,
    plain_sql,
    schemas,
)
from tests.dbt.story import HAL, LISTS, NEXT, PAIRS, days

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt.project import Driver, Tables
    from tests.e2e.postgres import Postgres

NEWS = [
    ("ada", "finn", "appeared", 0, 5, None),
    ("ada", "gil", "disappeared", 0, 8, None),
    ("ada", "iris", "appeared", 0, 8, True),
    ("bob", "lee", "appeared", -10, 5, None),
    ("bob", "lee", "disappeared", 0, 5, None),
]
"""What is not there from the first scan on; of lee's window -10 is all that page 1 tells."""

EXAMPLE = "tiktok_usernames_example"

RENAMED = [
    ("ada", "hal", "disappeared", 0, 8, None),
    ("ada", "hal.now", "appeared", 0, 8, True),
]
"""What it is besides where there is no id."""


@pytest.fixture(params=["duckdb", "postgres"])
def project(request: pytest.FixtureRequest, driver: Driver, tmp_path: Path) -> Project:
    if request.param == "duckdb":
        return Project(driver, Database.duckdb(tmp_path / "warehouse.duckdb"), tmp_path)
    server: Postgres = request.getfixturevalue("postgres")
    return Project(driver, Database.postgres(server, server.new_database()), tmp_path)


@pytest.fixture
def duckdb(driver: Driver, tmp_path: Path) -> Project:
    return Project(driver, Database.duckdb(tmp_path / "warehouse.duckdb"), tmp_path)


def answers(project: Project, model: str, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of a model, times as days of the story, in order."""
    rows = [tuple(days(row[name]) for name in columns) for row in project.model(model)]
    return sorted(rows, key=str)


def events(project: Project, provider: str) -> list[tuple[Any, ...]]:
    times = ("happened_at_earliest", "happened_at_latest")
    columns = ("provider", "follower_username", "username", "event", *times, "is_older")
    found = answers(project, "follow_events", *columns)
    return [row[1:] for row in found if row[0] == provider]


def test_models_answer(story: Tables, project: Project) -> None:
    """On PostgreSQL by a target that appends, and so keeps copies, to columns with a zone."""
    if project.database.kind == "postgres":
        project.database.types["date-time"] = "TIMESTAMPTZ"
        project.load(story, copies=2)
        built = project.build("--exclude-resource-type", "unit_test")
    else:
        project.load(story)
        built = project.build()
        assert built["what_is_news"] == "pass"
    assert {name.rpartition("__")[2] for name in built} >= {*MODELS}

    for provider in ("rapidapi", "research"):
        assert events(project, provider) == NEWS
    repeats = answers(project, "follow_events", "provider", "is_repeat")
    assert repeats == [("rapidapi", True)] * 5 + [("research", False)] * 5

    changed = (
        "kind",
        "follower_username",
        "username",
        "happened_at_earliest",
        "happened_at_latest",
    )
    assert answers(project, "follow_changes", *changed) == [
        ("followed again", "bob", "lee", -10, 5),
        ("followed", "ada", "finn", 0, 5),
        ("listed again", "ada", "iris", 0, 8),
        ("no longer listed", "ada", "gil", 0, 8),
        ("no longer listed", "bob", "lee", 0, 5),
    ]

    assert answers(project, "edges", "follower_username", "username", "is_listed") == LISTS
    known = answers(project, "edges", "providers", "gone_at_earliest", "gone_at_latest")
    assert known == [(2, 0, 8), *[(2, None, None)] * (len(LISTS) - 1)]
    edge = ("follower_username", "username", "is_listed")
    assert answers(project, "follows", "provider", *edge) == [
        (provider, *edge) for provider in ("rapidapi", "research") for edge in LISTS
    ]
    twice = [row for row in project.model("follows") if row["times_followed"] != 1]
    assert {row["username"] for row in twice} == {"lee"}

    assert answers(project, "mutual_follows", "a", "b", "relation") == PAIRS
    wave = answers(project, "whom_to_read_next", "username", "followed_by", "is_unfinished")
    assert wave == [(name, 1, False) for name in NEXT]
    [hal] = [row for row in project.model("accounts") if row["account_id"] == HAL]
    assert (hal["username"], hal["usernames"], days(hal["profile_seen_at"])) == (
        "hal.now",
        2,
        8,
    )

    read = ("username", "last_read", "last_whole_list", "last_outcome", "follows_listed")
    assert answers(project, "coverage", *read) == sorted(
        2
        * [
            ("ada", 8, 8, "complete", 7),
            ("bob", 8, 8, "complete", 4),
            ("cara", 8, 8, "complete", 0),
            ("dora", 8, 8, "complete", 1),
            ("eve", None, None, "not_found", 0),
            ("jan", 0, 0, "failed", 1),
            ("kit", 8, 8, "complete", 7),
        ],
        key=str,
    )
    check_descriptions(project)


def check_descriptions(project: Project) -> None:
    """Every column of every model is described, and nothing else is."""
    described = {
        model["name"].rpartition("__")[2]: model.get("columns", ())
        for path in (PACKAGE / "models").rglob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ())
    }
    for table in MODELS:
        columns = [column["name"] for column in described[table]]
        assert columns == list(project.model(table)[0])
        assert all(column["description"] for column in described[table])


@pytest.mark.parametrize("provider", ["research", "rapidapi"])
def test_one_provider(story: Tables, duckdb: Project, provider: str) -> None:
    """The other one has no tables; on the Research API a rename is two events.

    Without dbt the tables are the same.
    """
    duckdb.load({name: t for name, t in story.items() if name.startswith(provider)})
    duckdb.run(tiktok_providers=[provider])
    extra = RENAMED if provider == "research" else []
    assert events(duckdb, provider) == sorted([*NEWS, *extra], key=str)
    duckdb.ask(plain_sql(provider))
    for table in MODELS:
        rows = duckdb.ask(f"FROM tiktok_following.{table} ORDER BY ALL")
        assert rows == duckdb.ask(f"FROM main_tiktok_following.{table} ORDER BY ALL")


def test_missing_tables(duckdb: Project) -> None:
    duckdb.load(gather(schemas("research")))
    answer = duckdb.dbt("run", "--select", "base_tiktok__rapidapi_scans")
    assert not answer["success"]
    messages = " ".join(node["message"] for node in answer["nodes"].values())
    assert re.search("There is no table .*rapidapi_scans.* set .*tiktok_providers", messages)


def test_deselected_columns(story: Tables, duckdb: Project) -> None:
    """Without windows a refollow is not seen; the keys are enough for what is listed."""
    kept = {"follower_username", "username", "user_id", "scanned_at", "outcome", "whole_list"}
    for message, _ in story.values():
        schema = message["schema"]["properties"]
        message["schema"]["properties"] = {n: p for n, p in schema.items() if n in kept}
    duckdb.load(story, schema="elsewhere")
    duckdb.run(tiktok_schema="elsewhere")
    columns = ("follower_username", "username", "is_listed")
    assert answers(duckdb, "edges", *columns) == LISTS
    gone = [("ada", "gil", "disappeared", 0, 8, None)]
    assert [row for row in events(duckdb, "research") if row[2] == "disappeared"] == gone


def test_freshness(story: Tables, duckdb: Project) -> None:
    """An hour ago is fresh in every time zone; two days are not, nor is one stale table."""
    duckdb.load(story)
    assert statuses(duckdb) == {"rapidapi_scans": "pass", "research_scans": "pass"}
    duckdb.ask("UPDATE tiktok.research_scans SET scanned_at = scanned_at - INTERVAL 2 DAY")
    assert statuses(duckdb) == {"rapidapi_scans": "pass", "research_scans": "warn"}
    duckdb.ask("UPDATE tiktok.research_scans SET scanned_at = scanned_at - INTERVAL 2 DAY")
    assert statuses(duckdb) == {"rapidapi_scans": "pass", "research_scans": "error"}


def statuses(project: Project) -> dict[str, str]:
    """What `dbt source freshness` finds; it fails if anything is an error."""
    answer = project.dbt("source", "freshness")
    found = {name: node["status"] for name, node in answer["nodes"].items()}
    assert answer["success"] is ("error" not in found.values())
    return found


def test_times_that_are_not_utc(story: Tables, project: Project) -> None:
    """A target in New York shifts all times; when it received a row it notes in two ways."""
    project.load(story)
    project.ask("ALTER TABLE tiktok.research_scans ADD COLUMN _sdc_received_at TIMESTAMP")
    project.ask("ALTER TABLE tiktok.research_scans ADD COLUMN _sdc_sequence BIGINT")
    project.ask(
        "UPDATE tiktok.research_scans SET _sdc_sequence = 1767265200000, "
        "_sdc_received_at = TIMESTAMP '2026-01-01 11:00:00'"
    )
    project.build("--select", "tiktok_times_are_utc")
    project.ask(
        "UPDATE tiktok.research_scans SET _sdc_received_at = TIMESTAMP '2026-01-01 06:00:00'"
    )
    answer = project.dbt("build", "--select", "tiktok_times_are_utc")
    assert not answer["success"]
    message = answer["nodes"]["tiktok_times_are_utc"]["message"]
    assert "research_scans" in message
    assert "5.0 hours off" in message
    assert "ALTER ROLE ... SET timezone = 'UTC'" in message


def test_database_in_new_york(
    story: Tables, driver: Driver, postgres: Postgres, tmp_path: Path
) -> None:
    """Columns with a time zone are read in UTC, whatever the time zone of the session."""
    name = postgres.new_database()
    project = Project(driver, Database.postgres(postgres, name), tmp_path)
    project.ask(f"ALTER DATABASE {name} SET timezone = 'America/New_York'")
    project.database.types["date-time"] = "TIMESTAMPTZ"
    project.load(story)
    project.run()
    for provider in ("rapidapi", "research"):
        assert events(project, provider) == NEWS
    project.build("--select", "tiktok_usernames_are_read", tiktok_max_age_days=2)


def test_example_of_usernames(story: Tables, duckdb: Project) -> None:
    """Whoever was never scanned is there, by the name that the tap makes of a line."""
    duckdb.load(story)
    tables = (
        "--select",
        "+tiktok_following__coverage",
        "--exclude-resource-type",
        "unit_test",
    )
    duckdb.build(*tables, tiktok_usernames_model=EXAMPLE)
    never = [row["username"] for row in duckdb.model("coverage") if row["scans"] == 0]
    assert sorted(never) == ["dan", "dan"]


def test_example_is_read_as_the_tap_does() -> None:
    lines = (PACKAGE / "seeds" / f"{EXAMPLE}.csv").read_text("utf-8").split()[1:]
    names = [parse(line) for line in lines]
    assert names == ["ada", "bob", "cara", "eve", "dan"]


def test_docs_in_one_file(story: Tables, duckdb: Project) -> None:
    """The graph leads to the page, and every model is described."""
    duckdb.load(story)
    duckdb.run()
    assert duckdb.dbt("docs", "generate", "--static", "--write-json")["success"]
    page = (duckdb.folder / "target" / "static_index.html").read_text(encoding="utf-8")
    assert "exposure.tiktok_following.follows_page" in page


def test_wrong_provider(duckdb: Project) -> None:
    answer = duckdb.dbt("parse", tiktok_providers=["tiktok"])
    assert not answer["success"]
    assert "must be a list of research, rapidapi or both" in answer["error"]
