"""`dbt build` over what the tap has loaded, on DuckDB and PostgreSQL: every answer is true."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests import harness
from tests.dbt.project import (
    MODELS,
    PACKAGE,
    PROGRAMS,
    QUIET,
    Database,
    Project,
    gather,
    plain_sql,
    schemas,
)
from tests.dbt.story import HAL, LISTS, NEXT, PAIRS, READ, days
from tests.documents import section_of
from tests.e2e.processes import WITHIN
from tests.harness import environment

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.dbt.project import Driver, Row, Tables
    from tests.e2e.postgres import Postgres

NEWS = [
    ("ada", "finn", "appeared", 0, 5, None),
    ("ada", "gil", "disappeared", 0, 8, None),
    ("ada", "iris", "appeared", 0, 8, True),
    ("bob", "lee", "appeared", -10, 5, None),
    ("bob", "lee", "disappeared", 0, 5, None),
]
"""What is not there from the first scan on; of lee's window -10 is all that page 1 tells."""

RENAMED = [
    ("ada", "hal", "disappeared", 0, 8, None),
    ("ada", "hal.now", "appeared", 0, 8, True),
]
"""What it is besides where there is no id."""

CHANGES = [
    ("followed again", "bob", "lee", -10, 5),
    ("followed", "ada", "finn", 0, 5),
    ("listed again", "ada", "iris", 0, 8),
    ("no longer listed", "ada", "gil", 0, 8),
    ("no longer listed", "bob", "lee", 0, 5),
]
PUBLISHED = "https://github.com/tap-tiktok-following/tap-tiktok-following.git"
PROFILE = """\
my_research:
  target: prod
  outputs:
    prod: {type: postgres, host: "{{ env_var('TARGET_POSTGRES_HOST') }}", port: 5432,
           user: postgres, password: "", dbname: warehouse, schema: public}
"""
EXAMPLE = "tiktok_usernames_example"
WINDOW = ("happened_at_earliest", "happened_at_latest")


@pytest.fixture
def duckdb(driver: Driver, tmp_path: Path) -> Project:
    return Project(driver, Database.duckdb(tmp_path / "warehouse.duckdb"), tmp_path)


@pytest.fixture
def on_postgres(driver: Driver, postgres: Postgres, tmp_path: Path) -> Project:
    database = Database.postgres(postgres, postgres.new_database())
    return Project(driver, database, tmp_path)


def answers(rows: list[Row], *columns: str) -> list[tuple[Any, ...]]:
    """Return columns of rows, times as days of the story, in order."""
    return sorted((tuple(days(row[name]) for name in columns) for row in rows), key=str)


def events(rows: list[Row], provider: str) -> list[tuple[Any, ...]]:
    columns = ("follower_username", "username", "event", *WINDOW, "is_older")
    return answers([row for row in rows if row["provider"] == provider], *columns)


def test_models_answer_on_duckdb(story: Tables, duckdb: Project) -> None:
    duckdb.load(story)
    built = duckdb.build()
    assert built["what_is_news"] == "pass"
    assert {name.rpartition("__")[2] for name in built} >= {*MODELS}
    check_answers(duckdb)
    check_descriptions(duckdb)


def test_package_from_git_answers_on_postgres(
    story: Tables, on_postgres: Project, tmp_path: Path
) -> None:
    """In a project of its user, with a list of usernames, as the documentation says.

    A target has appended, and so kept copies; times and session are in other time zones.
    """
    on_postgres.ask("ALTER DATABASE warehouse SET timezone = 'America/New_York'")
    on_postgres.database.types["date-time"] = "TIMESTAMPTZ"
    on_postgres.load(story, copies=2)
    user = tmp_path / "user"
    (user / "seeds").mkdir(parents=True)
    lines = "username\n@Ada\nhttps://www.tiktok.com/@bob?lang=en\nzoe\n"
    (user / "seeds" / "my_usernames.csv").write_text(lines, encoding="utf-8")
    (user / "profiles.yml").write_text(PROFILE, encoding="utf-8")
    packages, project, build, *_ = section_of("docs/analysis.md", "In your dbt project")
    url = publish(tmp_path / "published").as_uri()
    for block in (packages, project):
        text = block.text.replace(PUBLISHED, url)
        (user / block.name).write_text(text, encoding="utf-8")
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    variables = environment(PATH=path, **QUIET, **on_postgres.database.variables)
    shell = ["/bin/sh", "-e", "-c", build.text]
    subprocess.run(shell, check=True, cwd=user, env=variables, timeout=WITHIN)
    check_answers(on_postgres, ("zoe", None, None, None, 0))


def publish(folder: Path) -> Path:
    """Make a git repository with the package as it is here, in its folder."""
    generated = shutil.ignore_patterns("target", "logs")
    shutil.copytree(PACKAGE, folder / "dbt", ignore=generated)
    git = ["/usr/bin/env", "git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in ("init -q -b main", "add .", "commit -qm Published", "tag v0.2.0"):
        subprocess.run([*git, *command.split()], cwd=folder, check=True)
    return folder


def check_answers(project: Project, *unread: tuple[Any, ...]) -> None:
    """Compare every model with the story, in which these lists were never read."""
    changes, edges, follows = map(project.model, ("follow_events", "edges", "follows"))
    for provider in ("rapidapi", "research"):
        assert events(changes, provider) == NEWS
    repeats = answers(changes, "provider", "is_repeat")
    assert repeats == [("rapidapi", True)] * 5 + [("research", False)] * 5
    changed = ("kind", "follower_username", "username", *WINDOW)
    assert answers(project.model("follow_changes"), *changed) == CHANGES

    edge = ("follower_username", "username", "is_listed")
    assert answers(edges, *edge) == LISTS
    known = answers(edges, "providers", "gone_at_earliest", "gone_at_latest")
    assert known == [(2, 0, 8), *[(2, None, None)] * (len(LISTS) - 1)]
    assert answers(follows, "provider", *edge) == [
        (provider, *edge) for provider in ("rapidapi", "research") for edge in LISTS
    ]
    twice = {row["username"] for row in follows if row["times_followed"] != 1}
    assert twice == {"lee"}

    assert answers(project.model("mutual_follows"), "a", "b", "relation") == PAIRS
    wave = ("username", "followed_by", "is_unfinished")
    expected = [(name, 1, False) for name in NEXT]
    assert answers(project.model("whom_to_read_next"), *wave) == expected
    account = ("account_id", "username", "usernames", "profile_seen_at")
    assert (HAL, "hal.now", 2, 8) in answers(project.model("accounts"), *account)
    read = ("username", "last_read", "last_whole_list", "last_outcome", "follows_listed")
    expected = sorted(2 * [*READ, *unread], key=str)
    assert answers(project.model("coverage"), *read) == expected


def check_descriptions(project: Project) -> None:
    """Exactly the columns of the models are described; the graph leads to the page."""
    described = {
        model["name"].rpartition("__")[2]: model.get("columns", ())
        for path in (PACKAGE / "models").rglob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ())
    }
    for table in MODELS:
        columns = [column["name"] for column in described[table]]
        assert columns == list(project.model(table)[0])
        assert all(column["description"] for column in described[table])
    assert project.dbt("docs", "generate", "--static", "--write-json")["success"]
    page = (project.folder / "target" / "static_index.html").read_text(encoding="utf-8")
    assert "exposure.tiktok_following.follows_page" in page


def test_plain_sql_of_the_research_api_alone_has_renames_as_two_events(
    story: Tables, duckdb: Project
) -> None:
    """Without dbt, as `make sql` prints it."""
    duckdb.load({name: t for name, t in story.items() if name.startswith("research")})
    duckdb.ask(plain_sql("research"))
    found = duckdb.ask("FROM tiktok_following.follow_events")
    assert events(found, "research") == sorted([*NEWS, *RENAMED], key=str)


def test_keys_of_one_provider_in_another_schema_are_enough_for_what_is_listed(
    story: Tables, duckdb: Project
) -> None:
    """Without windows a refollow is not seen."""
    kept = {"follower_username", "username", "user_id", "scanned_at", "outcome", "whole_list"}
    tables = {name: t for name, t in story.items() if name.startswith("rapidapi")}
    for message, _ in tables.values():
        schema = message["schema"]["properties"]
        message["schema"]["properties"] = {n: p for n, p in schema.items() if n in kept}
    duckdb.load(tables, schema="elsewhere")
    duckdb.run(tiktok_schema="elsewhere", tiktok_providers=["rapidapi"])
    columns = ("follower_username", "username", "is_listed")
    assert answers(duckdb.model("edges"), *columns) == LISTS
    found = events(duckdb.model("follow_events"), "rapidapi")
    gone = [("ada", "gil", "disappeared", 0, 8, None)]
    assert [row for row in found if row[2] == "disappeared"] == gone


def test_missing_table_and_wrong_provider_say_what_to_set(duckdb: Project) -> None:
    duckdb.load(gather(schemas("research")))
    answer = duckdb.dbt("run", "--select", "base_tiktok__rapidapi_scans")
    assert not answer["success"]
    messages = " ".join(node["message"] for node in answer["nodes"].values())
    assert re.search("There is no table .*rapidapi_scans.* set .*tiktok_providers", messages)
    answer = duckdb.dbt("parse", tiktok_providers=["tiktok"])
    assert not answer["success"]
    assert "must be a list of research, rapidapi or both" in answer["error"]


def test_freshness(story: Tables, duckdb: Project) -> None:
    """An hour ago is fresh in every time zone; two days are not, nor is one stale table."""
    duckdb.load(story)
    assert statuses(duckdb) == {"rapidapi_scans": "pass", "research_scans": "pass"}
    for provider, age in (("rapidapi", 2), ("research", 4)):
        table = f"tiktok.{provider}_scans"
        duckdb.ask(f"UPDATE {table} SET scanned_at = scanned_at - INTERVAL {age} DAY")  # noqa: S608
    assert statuses(duckdb) == {"rapidapi_scans": "warn", "research_scans": "error"}


def statuses(project: Project) -> dict[str, str]:
    answer = project.dbt("source", "freshness")
    return {name: node["status"] for name, node in answer["nodes"].items()}


def test_times_that_are_not_utc_fail_with_what_to_do(
    story: Tables, on_postgres: Project
) -> None:
    """A target in New York shifts all times; when it received a row it notes in two ways."""
    project = on_postgres
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


def test_usernames_never_read_are_covered_and_warned_about(
    story: Tables, duckdb: Project, sandbox: Sandbox
) -> None:
    """By the name that the tap makes of a line of the example."""
    duckdb.load(story)
    tables = (
        "--select",
        "+tiktok_following__coverage",
        "--exclude-resource-type",
        "unit_test",
    )
    built = duckdb.dbt("build", *tables, tiktok_usernames_model=EXAMPLE, tiktok_max_age_days=2)
    assert built["success"]
    assert built["nodes"]["tiktok_usernames_are_read"]["status"] == "warn"
    never = [row["username"] for row in duckdb.model("coverage") if row["scans"] == 0]
    assert sorted(never) == ["dan", "dan"]
    path = str(PACKAGE / "seeds" / f"{EXAMPLE}.csv")
    config = harness.settings(sandbox, [], "research", usernames_path=path)
    scans = harness.run(config).scans("research")
    assert scans.keys() == {"ada", "bob", "cara", "eve", "dan"}
