"""The figures of the page: 10,000 usernames and 3 million follows, in a real browser."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from benchmarks import process
from benchmarks.measure import MEGABYTE, Row
from benchmarks.models import build
from tests.dbt.project import Database, Driver, Project, gather, schemas
from tests.documents import ROOT
from tests.e2e.page.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.measure import Bench

USERNAMES, LENGTH = 10_000, 300

SIZE, OPENED, SEARCHED = 5, 3, 0.2
"""Megabytes of the page; seconds until it is drawn, and until the result of a search is."""

REPORT = ROOT / "examples" / "report" / "report.py"

FOLLOWING = f"""
    INSERT INTO tiktok.research_following (
        follower_username, scanned_at, position, username, display_name,
        followed_at_earliest, followed_at_latest
    )
    SELECT
        'user' || list, scanned_at, place, username, 'Name of ' || username,
        CASE WHEN is_new THEN scanned_at - INTERVAL '3 days'
            WHEN place <= 200 THEN oldest + (2 - page) * INTERVAL '200 days' END,
        CASE WHEN is_new OR page = 0 THEN scanned_at
            ELSE oldest + (3 - page) * INTERVAL '200 days' END
    FROM (
        SELECT list, place, scan,
            TIMESTAMP '2024-01-01' + list % 100 * INTERVAL '1 day' AS oldest,
            TIMESTAMP '2026-01-01' + scan * INTERVAL '3 days' + list * INTERVAL '1 second'
                AS scanned_at,
            place > {LENGTH} AS is_new,
            CAST(floor((place - 1) / 100.0) AS integer) AS page,
            CASE
                WHEN place <= 6 THEN 'user' || (list + place * place) % lists
                WHEN place <= 9 THEN
                    'user' || (list - (place - 6) * (place - 6) + lists) % lists
                WHEN place <= 30 THEN 'star' || place || '.' || (list * 17) % (3 * place)
                WHEN place > {LENGTH} + 2 THEN 'hit' || scan || '.' || list % 700
                ELSE 'crowd' || (list * 7919 + place * 104729 + scan * is_late) % 1000003
            END AS username
        FROM (
            SELECT *, CASE WHEN place > {LENGTH} THEN 1 ELSE 0 END AS is_late
            FROM generate_series(0, {{lists}} - 1) AS l(list),
                generate_series(0, 1) AS s(scan), generate_series(1, {LENGTH} + 3) AS p(place),
                (SELECT {{lists}} AS lists) AS n
        ) AS all_follows
        WHERE list % 17 <> 3 AND (scan = 1 OR place <= {LENGTH})
            AND (scan = 0 OR (list + place) % 199 <> 0)
    ) AS seen
"""  # noqa: S608 - our own

SCANS = f"""
    INSERT INTO tiktok.research_scans (
        follower_username, scanned_at, previous_scanned_at, outcome, reason, whole_list,
        accounts_read, accounts_sent, requests, read_until, accounts_lost
    )
    SELECT
        'user' || list, scanned_at,
        CASE WHEN scan = 1 THEN scanned_at - INTERVAL '3 days' END,
        CASE list % 51 WHEN 3 THEN 'private' WHEN 20 THEN 'not_found'
            WHEN 37 THEN 'unavailable' ELSE 'complete' END,
        CASE WHEN list % 17 = 3 THEN 'HTTP 400, invalid_params: the list cannot be read' END,
        list % 17 <> 3, {LENGTH}, {LENGTH}, 4, scanned_at + INTERVAL '2 seconds',
        CASE WHEN list % 40 = 0 THEN list % 7 END
    FROM (
        SELECT *,
            TIMESTAMP '2026-01-01' + scan * INTERVAL '3 days' + list * INTERVAL '1 second'
                AS scanned_at
        FROM generate_series(0, {{lists}} - 1) AS l(list), generate_series(0, 1) AS s(scan)
    ) AS scans
"""  # noqa: S608


def large_page(bench: Bench) -> Iterator[Row]:
    """How large the page is, how long it takes to write, to open and to search."""
    usernames = USERNAMES // bench.scale
    database = Database.duckdb(bench.folder / "page.duckdb")
    fill(database, bench.folder, usernames)
    build(bench.folder, database, providers=["research"])
    page = bench.folder / "page.html"
    command = [sys.executable, str(REPORT), database.address, "--output", str(page)]
    usage = process.run(command, bench.folder / "report.txt", {})
    what = f"page of {usernames:,} usernames"
    seconds, memory = usage.ended - usage.started, usage.memory / MEGABYTE
    yield Row(f"{what}, written", "", f"{seconds:.0f} s, {memory:,.0f} MB")
    size = page.stat().st_size / MEGABYTE
    yield Row(f"{what}, size", f"at most {SIZE} MB", f"{size:.1f} MB", size <= SIZE)
    opened, searched = measure(page)
    yield Row(f"{what}, opened", f"at most {OPENED} s", f"{opened:.2f} s", opened <= OPENED)
    value = f"{searched:.3f} s"
    yield Row(f"{what}, searched", f"at most {SEARCHED} s", value, searched <= SEARCHED)


FIGURES: dict[str, Callable[[Bench], Iterator[Row]]] = {"page": large_page}


def fill(database: Database, folder: Path, lists: int) -> None:
    """Make the tables of the Research API, with two full scans of each list."""
    driver = Driver(folder, folder)
    project = Project(driver, database, folder)
    try:
        project.load(gather(schemas("research")))
        project.ask(FOLLOWING.format(lists=lists))
        project.ask(SCANS.format(lists=lists))
    finally:
        driver.stop()


def measure(page: Path) -> tuple[float, float]:
    """Return the seconds until the page is drawn, and those until a search is."""
    with chromium() as browser:
        tab = browser.new_page()
        started = time.monotonic()
        tab.goto(page.as_uri())
        opened = time.monotonic() - started
        search = """() => {
            const started = performance.now(), box = document.getElementById("search");
            box.value = "user77";
            box.dispatchEvent(new Event("input"));
            document.body.offsetHeight;
            return (performance.now() - started) / 1000;
        }"""
        return opened, tab.evaluate(search)
