"""What a user sees of lists that are private for a while, or come empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import Fault, Scenario, World
from tap_tiktok_following.text import DAY
from tests.harness import (
    NOW,
    bookmark,
    each_provider,
    follows_of,
    pages_asked,
    run,
    settings,
    truth,
)

if TYPE_CHECKING:
    from sandbox import Sandbox

PRIVATE = {
    "research": [400, "invalid_params", "ann is private"],
    "rapidapi": [403, "PRIVATE_ACCOUNT", "This account is private."],
}


@each_provider
def test_a_list_that_goes_private_in_the_middle_of_a_scan(
    sandbox: Sandbox, provider: str
) -> None:
    """Readable again after 90 days, it is a new scan: no row is replaced or dated back."""
    sandbox.world = World.of({"ann": follows_of("ann", 9)})
    private = Fault("error", page=2, value=PRIVATE[provider])
    sandbox.scenario = Scenario(faults=[private])
    config = settings(sandbox, ["ann"], provider, page_size=3)
    before = run(config)
    sandbox.scenario = Scenario()
    sandbox.clock.advance(90 * DAY)
    after = run(config, before.state)
    one, other = before.scans(provider)["ann"], after.scans(provider)["ann"]
    assert (one["outcome"], other["outcome"]) == ("private", "complete")
    assert one["scanned_at"] == "2023-11-16T01:59:59+00:00"
    assert other["scanned_at"] == "2024-02-14T01:59:59+00:00"
    assert other["whole_list"]
    rows = after.records(f"{provider}_following")
    assert {row["scanned_at"] for row in rows} == {other["scanned_at"]}
    assert len(rows) == 9


@each_provider
def test_list_whose_second_page_always_fails_brings_new_follows(
    sandbox: Sandbox, provider: str
) -> None:
    """Each for one request; the rest of the list is read when the page arrives."""
    sandbox.world = World.of({"ann": follows_of("ann", 9, every=2 * DAY)})
    sandbox.scenario = Scenario(faults=[Fault("status", page=2, value=500)])
    config = settings(sandbox, ["ann"], provider, page_size=4, max_tries=1)
    state: dict[str, Any] = {}
    days: list[tuple[int, str, bool, int]] = []
    sent: set[tuple[str, str]] = set()
    for day in range(6):
        sandbox.clock.advance(DAY)
        sandbox.world.follow("ann", f"new.{day}", at=int(sandbox.clock.now()) - 60)
        sandbox.take_requests()
        ended = run(config, state)
        row, state = ended.scans(provider)["ann"], ended.state
        requests = len(pages_asked(sandbox, provider, "ann"))
        days.append((ended.exit_code, row["outcome"], row["whole_list"], requests))
        sent |= set(ended.follows(provider))
    failed, new = (1, "failed", False), (0, "complete", False)
    assert days == [(*failed, 2), (*failed, 1), *[(*new, 1)] * 4]
    assert {("ann", f"new.{day}") for day in range(6)} <= sent
    sandbox.scenario = Scenario()
    sandbox.clock.advance(8 * DAY)
    healed = run(config, state)
    row = healed.scans(provider)["ann"]
    assert (row["outcome"], row["whole_list"]) == ("complete", True)
    assert sent | set(healed.follows(provider)) == truth(sandbox, "ann")


@each_provider
def test_a_list_that_comes_empty_for_a_day(sandbox: Sandbox, provider: str) -> None:
    """It proves nothing, and what was followed meanwhile is sent when it is back."""
    sandbox.world = World.of({"ann": follows_of("ann", 9)})
    sandbox.scenario = Scenario(faults=[Fault("total", value=9)])
    config = settings(sandbox, ["ann"], provider, full_scan_after_days=0)
    first = run(config)
    full, sandbox.world = sandbox.world, World.of({"ann": []})
    sandbox.world.clock = sandbox.clock
    sandbox.clock.advance(DAY)
    empty = run(config, first.state)
    row = empty.scans(provider)["ann"]
    assert (row["outcome"], row["whole_list"], row["accounts_read"]) == ("complete", False, 0)
    assert row["reason"] == "the list came back empty, but earlier scans found accounts on it"
    sandbox.world = full
    sandbox.world.follow("ann", "new", at=NOW + 60)
    sandbox.clock.advance(DAY)
    back = run(config, empty.state)
    row = back.scans(provider)["ann"]
    assert (row["whole_list"], row["accounts_sent"]) == (True, 10)
    assert row["previous_scanned_at"] == bookmark(empty.state, provider, "ann")
    assert ("ann", "new") in back.follows(provider)


def test_an_absurd_total_is_none(sandbox: Sandbox) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    for total in (10**30, -1, "many"):
        sandbox.scenario = Scenario(faults=[Fault("total", value=total)])
        row = run(settings(sandbox, ["ann"], "rapidapi")).scans("rapidapi")["ann"]
        assert (row["outcome"], row["following_total"]) == ("complete", None)
