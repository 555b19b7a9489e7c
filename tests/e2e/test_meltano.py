"""`meltano run` from the sandbox into DuckDB: every row counted and compared."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sandbox import Scenario
from tests.e2e.lists import (
    GIVEN,
    LENGTHS,
    NEWS,
    follows,
    in_order,
    is_news,
    make_news,
    make_world,
    without_times,
)
from tests.e2e.project import Project
from tests.e2e.warehouses import ELSEWHERE
from tests.harness import DAY, PROVIDERS, settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sandbox import LoggedRequest, Sandbox
    from tests.e2e.lists import Row

    Requests = Counter[tuple[str, str | None]]


def test_first_run_loads_all_rows_and_second_run_new_ones(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = make_world(LENGTHS)
    project = Project(tmp_path, settings(sandbox, GIVEN))
    project.reader.environment["TZ"] = ELSEWHERE

    project.run()
    expected = {provider: follows(sandbox, provider, LENGTHS) for provider in PROVIDERS}
    first = count(sandbox.requests)
    for provider in PROVIDERS:
        check_follows(sandbox, project, provider, expected[provider])
        check_first_scans(sandbox, project, provider, first)
    assert 2 in {r.accounts for r in sandbox.requests if r.username == "gaps"}

    make_news(sandbox)
    project.run()
    second = count(sandbox.requests) - first
    for provider in PROVIDERS:
        news = list(filter(is_news, follows(sandbox, provider, LENGTHS)))
        assert len(news) == sum(NEWS.values())
        check_follows(sandbox, project, provider, expected[provider] + news)
        check_second_scans(project, provider, second)


def test_next_run_reads_only_what_the_quota_left(sandbox: Sandbox, tmp_path: Path) -> None:
    usernames = ["ann", "ben", "cat"]
    sandbox.world = make_world(dict.fromkeys(usernames, 980))
    sandbox.clock.advance(100 * DAY)  # to a day whose quota no other test has used
    sandbox.scenario = Scenario(quota=16, boundary="skip")
    project = Project(tmp_path, settings(sandbox, usernames))

    project.run(code=1)
    for provider in PROVIDERS:
        paid = [r for r in sandbox.requests if r.provider == provider and r.accounts]
        assert len(paid) == 16
        assert len(project.follows(provider)) == sum(r.accounts for r in paid)
    sandbox.clock.advance(DAY)
    project.run()
    pages = Counter(
        (r.provider, r.username, r.cursor)
        for r in sandbox.requests
        if r.username and r.status == 200
    )
    assert len(pages) == pages.total() == 2 * 3 * 10
    for provider in PROVIDERS:
        check_follows(sandbox, project, provider, follows(sandbox, provider, usernames))


def count(requests: Iterable[LoggedRequest]) -> Requests:
    return Counter((request.provider, request.username) for request in requests)


def check_follows(
    sandbox: Sandbox, project: Project, provider: str, expected: list[Row]
) -> None:
    """The table has these rows, and every follow happened between its two times."""
    warehouse = project.warehouse
    rows = warehouse.rows(f"{provider}_following")
    assert in_order(without_times(rows)) == in_order(map(warehouse.keep, expected))
    happened = {
        (username, follow.username): datetime.fromtimestamp(follow.at, timezone.utc)
        for username in {row["follower_username"] for row in expected}
        for follow in sandbox.world.truth(username)
    }
    oldest = datetime.fromtimestamp(0, timezone.utc)
    for row in rows:
        at = happened[row["follower_username"], row["username"]]
        assert (row["followed_at_earliest"] or oldest) <= at <= row["followed_at_latest"]


def check_first_scans(
    sandbox: Sandbox, project: Project, provider: str, requests: Requests
) -> None:
    expected = [
        {
            "follower_username": username,
            "outcome": "complete",
            "reason": None,
            "whole_list": True,
            "accounts_read": len(sandbox.world.truth(username)),
            "accounts_sent": len(sandbox.world.truth(username)),
            "accounts_lost": None,
            "read_down_to": None,
            "requests": requests[provider, username],
            "following_total": length if provider == "rapidapi" else None,
            "cached": False,
        }
        for username, length in LENGTHS.items()
    ]
    rows = project.warehouse.rows(f"{provider}_scans")
    assert in_order(without_times(rows)) == in_order(expected)
    assert [row["previous_scanned_at"] for row in rows] == [None] * len(rows)


def check_second_scans(project: Project, provider: str, requests: Requests) -> None:
    rows = project.warehouse.rows(f"{provider}_scans")
    first = {r["follower_username"]: r for r in rows if r["previous_scanned_at"] is None}
    second = {r["follower_username"]: r for r in rows if r["previous_scanned_at"] is not None}
    assert first.keys() == second.keys() == LENGTHS.keys()
    for username, row in second.items():
        assert row["outcome"] == ("complete" if username in NEWS else "unchanged")
        assert row["accounts_sent"] == NEWS.get(username, 0)
        assert row["requests"] == requests[provider, username]
        assert row["previous_scanned_at"] == first[username]["scanned_at"]
        if username not in NEWS:
            assert row["requests"] == 1
