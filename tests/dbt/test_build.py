"""`dbt build` over what the tap has loaded, on DuckDB and PostgreSQL: every answer is true."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from sandbox import Sandbox
from tests import harness
from tests.dbt.project import MODELS, PACKAGE, PROGRAMS, QUIET, Project, plain_sql
from tests.dbt.story import HAL, LISTS, NEXT, PAIRS, READ, days
from tests.documents import section_of
from tests.e2e.postgres import Postgres
from tests.e2e.processes import WITHIN
from tests.harness import environment
from tests.warehouse import Row, Tables, Warehouse, gather, schemas

NEWS = [
    ("ada", "finn", "appeared", 0, 5, None),
    ("ada", "gil", "disappeared", 0, 8, None),
    ("ada", "iris", "appeared", 0, 8, True),
    ("bob", "lee", "appeared", -10, 5, False),
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


def answers(rows: list[Row], *columns: str) -> list[tuple[Any, ...]]:
    """Return columns of rows, times as days of the story, in order."""
    return sorted((tuple(days(row[name]) for name in columns) for row in rows), key=str)


def events(rows: list[Row], provider: str) -> list[tuple[Any, ...]]:
    columns = ("follower_username", "username", "event", *WINDOW, "is_older")
    return answers([row for row in rows if row["provider"] == provider], *columns)


def test_models_answer_on_duckdb(
    story: Tables, warehouse: Warehouse, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A username that was never read is covered and warned about.

    It has the name that the tap makes of a line of the example.
    """
    warehouse.load(story)
    project = Project(warehouse, tmp_path)
    usernames: dict[str, Any] = {"tiktok_usernames_model": EXAMPLE, "tiktok_max_age_days": 2}
    built = project.dbt("build", **usernames)
    assert re.search(r"PASS .*\bwhat_is_news ", built)
    assert "WARN 4 tiktok_usernames_are_read " in built  # jan and dan
    assert "WARN=1 ERROR=0 SKIP=0" in built
    check_answers(warehouse, ("dan", None, None, None, 0))
    check_descriptions(warehouse)
    path = str(PACKAGE / "seeds" / f"{EXAMPLE}.csv")
    config = harness.settings(sandbox, [], "research", usernames_path=path)
    scans = harness.run(config).scans("research")
    assert scans.keys() == {"ada", "bob", "cara", "eve", "dan"}


def test_package_from_git_answers_on_postgres(
    story: Tables, postgres: Postgres, tmp_path: Path
) -> None:
    """In a project of its user, with a list of usernames, as the documentation says.

    A target has appended, and so kept copies; times and session are in other time zones.
    """
    warehouse = postgres.new_database()
    warehouse.ask("ALTER DATABASE warehouse SET timezone = 'America/New_York'")
    warehouse.load(story, times="TIMESTAMPTZ", copies=2)
    user = tmp_path / "user"
    (user / "seeds").mkdir(parents=True)
    lines = "username\n@Ada\n@\nhttps://www.tiktok.com/@bob?lang=en\nzoe\n"
    (user / "seeds" / "my_usernames.csv").write_text(lines, encoding="utf-8")
    (user / "profiles.yml").write_text(PROFILE, encoding="utf-8")
    packages, project, build, *_ = section_of("docs/analysis.md", "In your dbt project")
    url = publish(tmp_path / "published").as_uri()
    for block in (packages, project):
        text = block.text.replace(PUBLISHED, url)
        (user / block.name).write_text(text, encoding="utf-8")
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    variables = environment(PATH=path, TARGET_POSTGRES_HOST=str(postgres.home), **QUIET)
    shell = ["/bin/sh", "-e", "-c", build.text]
    subprocess.run(shell, check=True, cwd=user, env=variables, timeout=WITHIN)
    check_answers(warehouse, ("zoe", None, None, None, 0))


def publish(folder: Path) -> Path:
    """Make a git repository with the package as it is here, in its folder."""
    generated = shutil.ignore_patterns("target", "logs")
    shutil.copytree(PACKAGE, folder / "dbt", ignore=generated)
    git = ["/usr/bin/env", "git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in ("init -q -b main", "add .", "commit -qm Published", "tag v0.2.0"):
        subprocess.run([*git, *command.split()], cwd=folder, check=True)
    return folder


def check_answers(warehouse: Warehouse, unread: tuple[Any, ...]) -> None:
    """Compare every model with the story, in which one list was never read."""
    changes, edges, follows = map(warehouse.model, ("follow_events", "edges", "follows"))
    for provider in ("rapidapi", "research"):
        assert events(changes, provider) == NEWS
    repeats = answers(changes, "provider", "is_repeat")
    assert repeats == [("rapidapi", True)] * 5 + [("research", False)] * 5
    changed = ("kind", "follower_username", "username", *WINDOW)
    assert answers(warehouse.model("follow_changes"), *changed) == CHANGES

    edge = ("follower_username", "username", "is_listed")
    assert answers(edges, *edge) == LISTS
    known = answers(edges, "providers", "gone_at_earliest", "gone_at_latest")
    assert known == [(2, 0, 8), *[(2, None, None)] * (len(LISTS) - 1)]
    assert answers(follows, "provider", *edge) == [
        (provider, *edge) for provider in ("rapidapi", "research") for edge in LISTS
    ]
    twice = {row["username"] for row in follows if row["times_followed"] != 1}
    assert twice == {"lee"}

    assert answers(warehouse.model("mutual_follows"), "a", "b", "relation") == PAIRS
    wave = ("username", "followed_by", "is_unfinished")
    expected = [(name, 1, False) for name in NEXT]
    assert answers(warehouse.model("whom_to_read_next"), *wave) == expected
    account = ("account_id", "username", "usernames", "profile_seen_at")
    assert (HAL, "hal.now", 2, 8) in answers(warehouse.model("accounts"), *account)
    read = ("username", "last_read", "last_whole_list", "last_outcome", "follows_listed")
    expected = sorted(2 * [*READ, unread], key=str)
    assert answers(warehouse.model("coverage"), *read) == expected


def check_descriptions(warehouse: Warehouse) -> None:
    """Exactly the columns of the models are described."""
    described = {
        model["name"].rpartition("__")[2]: model.get("columns", ())
        for path in (PACKAGE / "models").rglob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ())
    }
    for table in MODELS:
        columns = [column["name"] for column in described[table]]
        assert columns == list(warehouse.model(table)[0])
        assert all(column["description"] for column in described[table])


def test_plain_sql_of_the_research_api_alone_has_renames_as_two_events(
    story: Tables, warehouse: Warehouse
) -> None:
    """Without dbt, as `make sql` prints it."""
    warehouse.load({name: t for name, t in story.items() if name.startswith("research")})
    warehouse.ask(plain_sql("research"))
    found = warehouse.rows("tiktok_following.follow_events")
    assert events(found, "research") == sorted([*NEWS, *RENAMED], key=str)


def test_keys_of_one_provider_in_another_schema_are_enough_for_what_is_listed(
    story: Tables, warehouse: Warehouse, tmp_path: Path
) -> None:
    """Without windows a refollow is not seen."""
    names = ("follower_username", "username", "user_id", "scanned_at", "outcome", "whole_list")
    tables: Tables = {}
    for stream in ("rapidapi_following", "rapidapi_scans"):
        message, rows = story[stream]
        properties = message["schema"]["properties"]
        kept = {name: properties[name] for name in names if name in properties}
        tables[stream] = ({"schema": {"properties": kept}}, rows)
    warehouse.load(tables, schema="elsewhere")
    where: dict[str, Any] = {"tiktok_schema": "elsewhere", "tiktok_providers": ["rapidapi"]}
    Project(warehouse, tmp_path).dbt("run", **where)
    columns = ("follower_username", "username", "is_listed")
    assert answers(warehouse.model("edges"), *columns) == LISTS
    found = events(warehouse.model("follow_events"), "rapidapi")
    gone = [("ada", "gil", "disappeared", 0, 8, None)]
    assert [row for row in found if row[2] == "disappeared"] == gone


def test_missing_table_and_wrong_provider_say_what_to_set(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    warehouse.load(gather(schemas("research")))
    project = Project(warehouse, tmp_path)
    printed = project.dbt("run", "--select", "base_tiktok__rapidapi_scans", code=1)
    assert re.search("There is no table .*rapidapi_scans.* set .*tiktok_providers", printed)
    printed = project.dbt("parse", code=2, tiktok_providers=["tiktok"])
    assert "must be a list of research, rapidapi or both" in printed


def test_freshness(story: Tables, warehouse: Warehouse, tmp_path: Path) -> None:
    """An hour ago is fresh in every time zone; two days are not, nor is one stale table."""
    warehouse.load(story)
    project = Project(warehouse, tmp_path)
    printed = project.dbt("source", "freshness")
    assert printed.count("PASS freshness of ") == 2
    for provider, age in (("rapidapi", 2), ("research", 4)):
        table = f"tiktok.{provider}_scans"
        warehouse.ask(f"UPDATE {table} SET scanned_at = scanned_at - INTERVAL '{age} days'")  # noqa: S608
    printed = project.dbt("source", "freshness", code=1)
    assert "WARN freshness of tiktok.rapidapi_scans" in printed
    assert "ERROR STALE freshness of tiktok.research_scans" in printed


def test_times_that_are_not_utc_fail_with_what_to_do(
    story: Tables, postgres: Postgres, tmp_path: Path
) -> None:
    """A target in New York shifts all times; when it received a row it notes in two ways."""
    warehouse = postgres.new_database()
    warehouse.load(story)
    for table, hour in (("rapidapi_scans", 11), ("research_scans", 6)):
        warehouse.ask(f"""
            ALTER TABLE tiktok.{table}
                ADD COLUMN _sdc_received_at TIMESTAMP DEFAULT '2026-01-01 {hour}:00:00',
                ADD COLUMN _sdc_sequence BIGINT DEFAULT 1767265200000
        """)
    project = Project(warehouse, tmp_path)
    test = ("test", "--select", "tiktok_times_are_utc")
    printed = project.dbt(*test, code=1)
    assert re.search("research_scans.* 5.0 hours off", printed)
    assert "rapidapi_scans" not in printed
    assert "ALTER ROLE ... SET timezone = 'UTC'" in printed
    renamed = "RENAME COLUMN _sdc_received_at TO _sdc_extracted_at"  # as other targets name it
    warehouse.ask(f"ALTER TABLE tiktok.research_scans {renamed}")
    assert "5.0 hours off" in project.dbt(*test, code=1)
