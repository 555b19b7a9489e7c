"""`meltano run` from the sandbox into a warehouse: every row counted and compared."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Scenario
from tap_tiktok_following.text import DAY
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
from tests.e2e.warehouses import ELSEWHERE, JSONL, DuckDB
from tests.harness import PROVIDERS, settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox import LoggedRequest, Sandbox
    from tests.e2e.lists import Row
    from tests.e2e.warehouses import Warehouse

    Asked = Counter[tuple[str, str | None]]

WAREHOUSES: dict[str, type[DuckDB | JSONL]] = {"duckdb": DuckDB, "jsonl": JSONL}


class Pipeline:
    """This project's pipeline in its environment `sandbox`, with a warehouse of its own.

    Args:
        folder: Where these are.
        config: The tap's settings.
        target: Which loader to use.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any], target: str) -> None:
        self._target = target
        self._reader = Project(folder, config).reader
        self._reader.environment |= {
            "TARGET_DUCKDB_PATH": f"{folder}/warehouse.duckdb",
            "TARGET_JSONL_DESTINATION_PATH": str(folder),
            "TZ": ELSEWHERE,
        }

    def run(self, *, code: int = 0) -> None:
        """Run it once; it has to end with this exit code."""
        command = ("meltano", "--environment=sandbox", "run", "tap-tiktok-following")
        self._reader.type(*command, self._target, code=code)

    def state(self) -> dict[str, Any]:
        """What Meltano's state store keeps for the next run."""
        return self._reader.state(f"sandbox:tap-tiktok-following-to-{self._target}")


@pytest.mark.parametrize("kind", WAREHOUSES)
def test_all_rows_then_only_what_is_new(sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    sandbox.world = make_world(LENGTHS)
    warehouse = WAREHOUSES[kind](tmp_path)
    pipeline = Pipeline(tmp_path, settings(sandbox, GIVEN), warehouse.target)

    pipeline.run()
    first_rows = {provider: follows(sandbox, provider, LENGTHS) for provider in PROVIDERS}
    first_asked = count_requests(sandbox)
    for provider in PROVIDERS:
        check_follows(sandbox, warehouse, provider, first_rows[provider])
        check_first_scans(sandbox, warehouse, provider, first_asked)
    assert 0 in {r.accounts for r in sandbox.requests if r.username == "gaps"}

    make_news(sandbox)
    pipeline.run()
    asked = count_requests(sandbox) - first_asked
    for provider in PROVIDERS:
        now = follows(sandbox, provider, LENGTHS)
        news = list(filter(is_news, now))
        assert len(news) == sum(NEWS.values())
        check_follows(sandbox, warehouse, provider, first_rows[provider] + news)
        check_second_scans(warehouse, provider, asked)


def test_a_run_that_spends_its_quota(sandbox: Sandbox, tmp_path: Path) -> None:
    """It fails, keeps its rows and its state, and the next run fetches only the rest."""
    usernames = ["ann", "ben", "cat"]
    sandbox.world = make_world(dict.fromkeys(usernames, 1000))
    sandbox.clock.advance(100 * DAY)  # to a day whose quota no other test has spent
    sandbox.scenario = Scenario(quota=16, boundary="skip")
    warehouse = DuckDB(tmp_path)
    pipeline = Pipeline(tmp_path, settings(sandbox, usernames), warehouse.target)

    pipeline.run(code=1)
    bookmarks = pipeline.state()["bookmarks"]
    for provider in PROVIDERS:
        pages = [request for request in answered(sandbox) if request.provider == provider]
        rows = warehouse.rows(f"{provider}_following")
        assert len(pages) == 16
        assert len(rows) == sum(page.accounts for page in pages) == 1600
        partitions = bookmarks[f"{provider}_following"]["partitions"]
        assert {p["context"]["follower_username"] for p in partitions} == set(usernames)
        assert sum(p["resume"]["accounts_sent"] for p in partitions) == len(rows)

    sandbox.clock.advance(DAY)
    pipeline.run()
    asked = Counter((r.provider, r.username, r.cursor) for r in answered(sandbox))
    assert len(asked) == 2 * 3 * 10
    assert set(asked.values()) == {1}
    for provider in PROVIDERS:
        there_is = follows(sandbox, provider, usernames)
        check_follows(sandbox, warehouse, provider, there_is)


def count_requests(sandbox: Sandbox) -> Asked:
    """How many requests came so far for each list of each provider."""
    return Counter((request.provider, request.username) for request in sandbox.requests)


def answered(sandbox: Sandbox) -> list[LoggedRequest]:
    return [r for r in sandbox.requests if r.username and r.status == 200]


def check_follows(
    sandbox: Sandbox, warehouse: Warehouse, provider: str, expected: list[Row]
) -> None:
    """The following table holds these rows, and every follow was made in its window."""
    rows = warehouse.rows(f"{provider}_following")
    assert in_order(without_times(rows)) == in_order(map(warehouse.keep, expected))
    made = {
        (username, follow.username): datetime.fromtimestamp(follow.at, timezone.utc)
        for username in {row["follower_username"] for row in expected}
        for follow in sandbox.world.truth(username)
    }
    oldest = datetime.fromtimestamp(0, timezone.utc)
    for row in rows:
        at = made[row["follower_username"], row["username"]]
        earliest = row["followed_at_earliest"] or oldest
        assert earliest <= at <= row["followed_at_latest"]


def check_first_scans(
    sandbox: Sandbox, warehouse: Warehouse, provider: str, asked: Asked
) -> None:
    """A row a username: its whole list, which nothing went before."""
    expected = [
        {
            "follower_username": username,
            "previous_scanned_at": None,
            "outcome": "complete",
            "reason": None,
            "whole_list": True,
            "accounts_read": len(sandbox.world.truth(username)),
            "accounts_sent": len(sandbox.world.truth(username)),
            "accounts_lost": None,
            "read_down_to": None,
            "requests": asked[provider, username],
            "following_total": length if provider == "rapidapi" else None,
            "cached": False,
        }
        for username, length in LENGTHS.items()
    ]
    assert in_order(without_times(warehouse.rows(f"{provider}_scans"))) == in_order(expected)


def check_second_scans(warehouse: Warehouse, provider: str, asked: Asked) -> None:
    """A further row a username, which tells when the list was looked at before."""
    rows = warehouse.rows(f"{provider}_scans")
    first = {r["follower_username"]: r for r in rows if r["previous_scanned_at"] is None}
    second = {r["follower_username"]: r for r in rows if r["previous_scanned_at"] is not None}
    assert first.keys() == second.keys() == LENGTHS.keys()
    for username, row in second.items():
        assert row["outcome"] == ("complete" if username in NEWS else "unchanged")
        assert row["accounts_sent"] == NEWS.get(username, 0)
        assert row["requests"] == asked[provider, username]
        assert row["previous_scanned_at"] == first[username]["scanned_at"]
        if username not in NEWS:
            assert asked[provider, username] == 1
