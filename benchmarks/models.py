"""The figures of the dbt package: building its models over rows made by SQL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks import process
from benchmarks.measure import MEGABYTE, Row
from benchmarks.process import Failed
from tests.dbt.project import PACKAGE, PROGRAMS, Database, Driver, Project, gather, schemas
from tests.e2e import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.measure import Bench

OBSERVATIONS = 5_000_000

LENGTH = 500
"""Accounts on each list, which both providers read whole, twice."""

LOST = 100
"""One account in this number is not on the list any more the second time."""

FOLLOWING = """
    INSERT INTO tiktok.{provider}_following (
        follower_username, scanned_at, position, username, display_name,
        followed_at_earliest, followed_at_latest{names}
    )
    SELECT
        'user' || list, TIMESTAMP '2026-01-01' + scan * INTERVAL '10 days', place,
        'user' || account, 'User ' || account,
        TIMESTAMP '2026-01-01' - (page + 1) * INTERVAL '100 days',
        TIMESTAMP '2026-01-01' - page * INTERVAL '100 days'{values}
    FROM (
        SELECT list, scan, place, CAST(floor((place - 1) / 100.0) AS integer) AS page,
            (list * 37 + place) % {names_in_all} AS account
        FROM generate_series(1, {lists}) AS l(list), generate_series(0, 1) AS s(scan),
            generate_series(1, {length}) AS p(place)
        WHERE scan = 0 OR place % {lost} <> 0
    ) AS seen
"""

PROFILE = {
    "research": {"names": "", "values": ""},
    "rapidapi": {
        "names": ", user_id, followers, following, verified, is_private",
        "values": ", '1' || account, account * 3, account % 900, false, false",
    },
}

SCANS = """
    INSERT INTO tiktok.{provider}_scans (
        follower_username, scanned_at, previous_scanned_at, outcome, whole_list,
        accounts_read, accounts_sent, requests, read_until
    )
    SELECT
        'user' || list, TIMESTAMP '2026-01-01' + scan * INTERVAL '10 days',
        CASE WHEN scan = 1 THEN TIMESTAMP '2026-01-01' END, 'complete', true,
        {length}, {length}, 5, TIMESTAMP '2026-01-01' + scan * INTERVAL '10 days'
    FROM generate_series(1, {lists}) AS l(list), generate_series(0, 1) AS s(scan)
"""


def dbt_build(bench: Bench) -> Iterator[Row]:
    """`dbt build` without unit tests, over 5 million observations of both providers."""
    if not PROGRAMS.exists():
        message = f"{PROGRAMS} is missing: `make plugins` installs it"
        raise Failed(message)
    with postgres.serve() as server:
        if server is None:
            message = "there is no PostgreSQL server to build in"
            raise Failed(message)
        for database in (
            Database.duckdb(bench.folder / "models.duckdb"),
            Database.postgres(server, "postgres"),
        ):
            rows = _fill(bench, database)
            usage = build(bench.folder, database)
            value = f"{usage.ended - usage.started:.0f} s"
            if database.kind == "duckdb":
                value += f", {usage.cpu:.0f} CPU seconds, {usage.memory / MEGABYTE:,.0f} MB"
            yield Row(f"dbt build over {rows:,} observations, {database.kind}", "", value)


FIGURES: dict[str, Callable[[Bench], Iterator[Row]]] = {"dbt-build": dbt_build}


def _fill(bench: Bench, database: Database) -> int:
    """Make the tap's tables, and return how many observations they hold."""
    lists = OBSERVATIONS // bench.scale // (2 * 2 * LENGTH)
    sizes = {"lists": lists, "length": LENGTH, "lost": LOST, "names_in_all": 100 * lists}
    driver = Driver(bench.folder, bench.folder)
    project = Project(driver, database, bench.folder)
    try:
        project.load(gather(schemas()))
        for provider, profile in PROFILE.items():
            project.ask(FOLLOWING.format(provider=provider, **profile, **sizes))
            project.ask(SCANS.format(provider=provider, **sizes))
        project.ask("ANALYZE")
        counts = [
            project.ask(f"SELECT count(*) AS rows FROM tiktok.{provider}_following")  # noqa: S608
            for provider in PROFILE
        ]
    finally:
        driver.stop()
    return sum(row["rows"] for [row] in counts)


def build(
    folder: Path, database: Database, providers: Sequence[str] = ("research", "rapidapi")
) -> process.Usage:
    """Build the models for the tables of these providers, and test them."""
    variables = {
        **database.variables,
        "DBT_PROJECT_DIR": str(PACKAGE),
        "DBT_PROFILES_DIR": str(PACKAGE),
        "DBT_TARGET": database.kind,
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    command = [str(PROGRAMS / "dbt"), "build", "--exclude-resource-type", "unit_test"]
    command += ["--vars", json.dumps({"tiktok_providers": list(providers)})]
    return process.run(command, folder / f"{database.kind}.txt", variables)
