"""The numbers in docs/planning.md are those that the sandbox counts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

import pytest

from sandbox import Scenario, World
from tap_tiktok_following.state.bookmarks import Bookmarks
from tap_tiktok_following.state.plan import Policy
from tap_tiktok_following.text import DAY, in_utc
from tests import harness
from tests.documents import ROOT

if TYPE_CHECKING:
    from sandbox import Sandbox

Boundary = Literal["repeat", "skip"]
PLANNING = (ROOT / "docs" / "planning.md").read_text(encoding="utf-8")
USERNAMES = ("a.user.name", "another.user", "third.username")


def column(provider: str) -> list[str]:
    """A provider's numbers in the table, from the top."""
    rows = re.findall(r"^\| \w[^|]* \| ([^|]+) \| ([^|]+) \|$", PLANNING, re.MULTILINE)
    return [row[harness.PROVIDERS.index(provider)] for row in rows]


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


def span(low: float, high: float) -> str:
    return (
        f"{round(low):,}"
        if round(low) == round(high)
        else f"{round(low):,} to {round(high):,}"
    )


def requests_of_runs(
    sandbox: Sandbox, provider: str, length: int, boundary: Boundary
) -> tuple[float, float, float]:
    """Requests per list: of a first read, a day later, and of a refresh."""
    sandbox.scenario = Scenario(boundary=boundary)
    sandbox.world = World.of(
        {name: harness.follows_of(name, length, every=6 * 3600) for name in USERNAMES}
    )
    counts, state = [], None
    for refresh in (None, None, 1):
        sandbox.requests.clear()
        more = {"full_scan_after_days": refresh} if refresh else {}
        run = harness.run(harness.settings(sandbox, USERNAMES, provider, **more), state)
        state = run.state
        pages = [request for request in sandbox.requests if request.provider == provider]
        counts.append(len(pages) / len(USERNAMES))
        whole_list_is_sent = len(counts) != 2
        sent = run.follows(provider)
        assert len(sent) == (length * len(USERNAMES) if whole_list_is_sent else 0)
        sandbox.clock.advance(DAY)
    return counts[0], counts[1], counts[2]


def requests_after_a_loss(
    sandbox: Sandbox, provider: str, length: int, boundary: Boundary
) -> int:
    """Requests for a list that has lost an account, and is read whole for it."""
    sandbox.scenario = Scenario(boundary=boundary)
    sandbox.world = World.of({"ann": harness.follows_of("ann", length, every=6 * 3600)})
    config = harness.settings(sandbox, ["ann"], provider, full_scan_on_loss=True)
    first = harness.run(config)
    sandbox.clock.advance(DAY)
    sandbox.world.unfollow("ann", "ann.40")
    after = harness.run(config, first.state)
    row = after.scans(provider)["ann"]
    assert (row["whole_list"], row["accounts_lost"]) == (True, 1)
    assert "1 list read whole after a loss of accounts" in after.text("INFO")
    return int(row["requests"])


def test_the_comparison_of_ways_to_find_unfollows() -> None:
    """Four lists on one day, of which two lose an account."""
    small = ["--lists", "4", "--days", "1", "--share", "0.5"]
    command = [sys.executable, "-m", "benchmarks.unfollows", *small]
    told = subprocess.run(
        command,
        cwd=ROOT,
        env=harness.environment(),
        capture_output=True,
        check=True,
        text=True,
    )
    rows = [line.split(" | ")[2:] for line in told.stdout.splitlines() if "rapidapi" in line]
    assert [(way, *map(int, (*counts, last[:-2]))) for way, *counts, last in rows] == [
        ("full_scan_after_days 1", 2, 2, 0, 24),
        ("full_scan_after_days 30", 2, 0, 0, 4),
        ("full_scan_on_loss", 2, 2, 0, 14),
        ("both, 30 days", 2, 2, 0, 14),
    ]


@pytest.mark.parametrize("provider", harness.PROVIDERS)
def test_days_with_losses(sandbox: Sandbox, provider: str) -> None:
    usernames, length, _ = map(number, column(provider)[:3])
    low = requests_after_a_loss(sandbox, provider, length, "skip")
    high = requests_after_a_loss(sandbox, provider, length, "repeat")
    assert column(provider)[17:] == [
        span(usernames * (1 + share * (low - 1)), usernames * (1 + share * (high - 1)))
        for share in (0.01, 0.05, 0.2)
    ]


@pytest.mark.parametrize("provider", harness.PROVIDERS)
def test_examples(sandbox: Sandbox, provider: str) -> None:
    usernames, length, rate = map(number, column(provider)[:3])
    low, daily, again_low = requests_of_runs(sandbox, provider, length, "skip")
    high, _, again_high = requests_of_runs(sandbox, provider, length, "repeat")
    assert (again_low, again_high) == (low, high)
    assert (low, high) == (ceil(length / 100), ceil((length - 1) / 99))

    on_average, at_most = column(provider)[13:15]
    refreshed = number(at_most)
    assert column(provider)[3:17] == [
        span(low, high),
        span(usernames * low, usernames * high),
        span(usernames * low / rate / 60, usernames * high / rate / 60),
        f"{usernames * length:,}",
        f"{usernames:,}",
        span(daily, daily),
        f"{round(usernames * daily):,}",
        str(round(usernames * daily / rate / 60)),
        "the new ones",
        f"{usernames:,}",
        on_average,
        at_most,
        f"{round(usernames * daily + refreshed * (high - 1)):,}",
        f"{refreshed * length:,}",
    ]


def test_cost_of_1000_follows() -> None:
    """The worked example follows from the table, by the formula."""
    section = " ".join(PLANNING.split("## Cost of 1,000 follows")[1].split("## ")[0].split())
    quota, plan, price = 20_000, 50_000, 25
    at_most = {}
    for provider in harness.PROVIDERS:
        cells = column(provider)
        requests, follows = number(cells[4].split(" to ")[-1]), number(cells[6])
        at_most[provider] = 1000 * requests / follows
        assert f"take at most {at_most[provider]:.0f} requests" in section
    assert f"{100 * at_most['research'] / quota:.2f} % of the {quota:,} requests" in section
    of_one = price / plan
    assert (
        f"{price} USD a month for {plan:,} requests, a request costs {of_one} USD" in section
    )
    assert f"which is {at_most['rapidapi'] * of_one:.4f} USD" in section
    first_read = number(column("rapidapi")[4].split(" to ")[-1])
    assert f"the whole first read takes {first_read * of_one:.2f} USD" in section
    daily, usernames = number(column("rapidapi")[9]), number(column("rapidapi")[0])
    assert f"{daily} requests cost {daily * of_one:.2f} USD a day" in section
    assert (
        f"follows 2 others a day, that is {daily * of_one / 2 / usernames * 1000:.2f} USD"
        in section
    )


def test_refreshes_are_spread() -> None:
    names = [f"user{number}" for number in range(1000)]
    partitions: list[dict[str, Any]] = [{"context": {"follower_username": n}} for n in names]
    bookmarks = Bookmarks(
        {"partitions": partitions}, Policy(refresh_after=30 * DAY), keep_scans=False
    )
    due = []
    for day in range(91):
        visits = bookmarks.plan(names, day * DAY).visits
        whole = {v.username for v in visits if v.whole or (v.whole_from or 0) <= day * DAY}
        due.append(len(whole) / len(names))
        for entry in partitions:
            if entry["context"]["follower_username"] in whole:
                entry["replication_key_value"] = in_utc(day * DAY)
                entry["whole_scanned_at"] = in_utc(day * DAY)
    assert not any(due[1:16])
    for provider in harness.PROVIDERS:
        usernames, on_average, at_most = (number(column(provider)[n]) for n in (0, 13, 14))
        assert max(due[16:]) * usernames == pytest.approx(at_most, rel=0.05)
        assert sum(due[31:]) / 60 * usernames == pytest.approx(on_average, rel=0.05)


@pytest.mark.parametrize(
    ("length", "every", "limit", "at_least", "at_most"),
    [
        pytest.param(500, 6 * 3600, {}, 900, 1100, id="most lists"),
        pytest.param(2000, 60, {}, 7000, 8000, id="more than 100 follows a day"),
        pytest.param(500, 6 * 3600, {"research_max_requests": 2}, 1100, 3000, id="unfinished"),
    ],
)
def test_bytes_of_state(
    sandbox: Sandbox,
    length: int,
    every: int,
    limit: dict[str, int],
    at_least: int,
    at_most: int,
) -> None:
    sandbox.world = World.of(
        {"a.user.name": harness.follows_of("a.user.name", length, every=every)}
    )
    run = harness.run(harness.settings(sandbox, ["a.user.name"], "research", **limit))
    state = run.state["bookmarks"]["research_following"]
    assert at_least < len(json.dumps(state, separators=(",", ":"))) < at_most
