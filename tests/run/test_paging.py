"""Paging as the real APIs do it: short pages, ties, and cursors that lead nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sandbox import Fault, Follow, Sandbox, Scenario, World
from tap_tiktok_following.text import DAY
from tests.harness import (
    NOW,
    REFERENCES,
    Run,
    bookmark,
    each_provider,
    follows_of,
    pages_asked,
    run,
    settings,
    truth,
    unix,
)
from tests.lives import each_row

each_boundary = pytest.mark.parametrize("boundary", ["repeat", "skip"])

NEWER = follows_of("newer", 4, newest=NOW - 10)
TIED = [Follow(f"tied.{number}", NOW - 500) for number in range(140)]
OLDER = follows_of("older", 30, newest=NOW - 9000)


def read(sandbox: Sandbox, provider: str, state: object = None, **more: object) -> Run:
    return run(settings(sandbox, ["ann"], provider, **more), state)


def serve(
    sandbox: Sandbox, follows: Sequence[Follow], *faults: Fault, boundary: Any = "repeat"
) -> None:
    sandbox.world = World.of({"ann": follows})
    sandbox.scenario = Scenario(boundary=boundary, faults=list(faults))


def check_whole(sandbox: Sandbox, provider: str, ended: Run) -> None:
    """The list was read to its end: each account came once, in order, within its bounds."""
    follows = sandbox.world.truth("ann")
    records = ended.records(f"{provider}_following")
    assert sorted(ended.follows(provider)) == sorted(truth(sandbox, "ann"))
    assert [record["position"] for record in records] == list(range(1, len(follows) + 1))
    at = {follow.username: follow.at for follow in follows}
    for record in records:
        earliest, latest = record["followed_at_earliest"], record["followed_at_latest"]
        assert (0 if earliest is None else unix(earliest)) <= at[record["username"]]
        assert at[record["username"]] <= unix(latest)
    row = ended.scans(provider)["ann"]
    assert (row["outcome"], row["whole_list"], row["reason"]) == ("complete", True, None)
    assert row["accounts_read"] == row["accounts_sent"] == len(follows)
    assert row["requests"] == len(pages_asked(sandbox, provider, "ann"))
    assert bookmark(ended.state, provider, "ann") == row["scanned_at"]
    assert (ended.exit_code, ended.text("WARNING")) == (0, "")


# Lists that can be read to their end.


TWELVE = follows_of("ann", 12)

WHOLE: list[tuple[Any, ...]] = [
    ("null instead of an empty list", [], 100, {"faults": [Fault("list_null")]}),
    ("several pages", TWELVE, 5, {}),
    ("pages of one account", follows_of("ann", 450), 1, {}),
    ("6 ties on pages of 5", [*NEWER, *TIED[:6], *OLDER], 5, {}),
    ("99 ties on pages of 5", [*NEWER, *TIED[:99], *OLDER], 5, {}),
    ("smaller pages than requested", TWELVE, 100, {"page_cap": 5}),
    ("cursor as a text", TWELVE, 3, {"faults": [Fault("cursor_string")]}),
    ("cursor as a float", TWELVE, 3, {"faults": [Fault("cursor_float")]}),
]
"""Lists, page sizes, and what is special about the provider."""


@each_row(WHOLE, "follows", "page_size", "more")
@each_boundary
@each_provider
def test_whole_list_is_sent(
    sandbox: Sandbox,
    provider: str,
    boundary: Any,
    follows: Sequence[Follow],
    page_size: int,
    more: dict[str, Any],
) -> None:
    sandbox.world = World.of({"ann": follows})
    sandbox.scenario = Scenario(boundary=boundary, **more)
    check_whole(sandbox, provider, read(sandbox, provider, page_size=page_size))
    cursors = [request.cursor for request in pages_asked(sandbox, provider, "ann")]
    assert all(cursor is None or isinstance(cursor, int) for cursor in cursors)


HIDDEN = [
    ("an empty page in the middle", range(3, 6), 12),
    ("the first pages empty", range(6), 12),
    ("the last page empty", range(9, 12), 12),
    ("all pages empty", range(12), 12),
    ("nine empty pages in a row", range(1, 30), 31),
]


@each_row(HIDDEN, "hidden", "length")
@each_boundary
@each_provider
def test_short_and_empty_pages_end_no_list_and_the_second_full_scan_believes_them(
    sandbox: Sandbox, provider: str, boundary: str, hidden: Sequence[int], length: int
) -> None:
    serve(sandbox, follows_of("ann", length), boundary=boundary)
    for place in hidden:
        sandbox.world.hide(f"ann.{place}")
    first = read(sandbox, provider, page_size=3)
    assert set(first.follows(provider)) == truth(sandbox, "ann")
    sandbox.clock.advance(DAY)
    sandbox.take_requests()
    full = {"page_size": 3, "full_scan_after_days": 0}
    check_whole(sandbox, provider, read(sandbox, provider, first.state, **full))


@each_provider
def test_list_that_goes_private_in_the_middle_of_a_scan_is_a_new_scan_when_it_is_back(
    sandbox: Sandbox, provider: str
) -> None:
    """No row is replaced or dated back."""
    error = {
        "research": [400, "invalid_params", "ann is private"],
        "rapidapi": [403, "PRIVATE_ACCOUNT", "This account is private."],
    }
    serve(sandbox, follows_of("ann", 9), Fault("error", page=2, value=error[provider]))
    before = read(sandbox, provider, page_size=3)
    row = before.scans(provider)["ann"]
    assert (row["outcome"], row["scanned_at"]) == ("private", "2023-11-16T01:59:59+00:00")
    sandbox.scenario = Scenario()
    sandbox.take_requests()
    sandbox.clock.advance(90 * DAY)
    after = read(sandbox, provider, before.state, page_size=3)
    check_whole(sandbox, provider, after)
    rows = [*after.records(f"{provider}_following"), *after.records(f"{provider}_scans")]
    assert {row["scanned_at"] for row in rows} == {"2024-02-14T01:59:59+00:00"}


@pytest.mark.parametrize("total", [10**30, -1, "many"])
def test_absurd_total_is_none(sandbox: Sandbox, total: object) -> None:
    serve(sandbox, follows_of("ann", 3), Fault("total", value=total))
    row = read(sandbox, "rapidapi").scans("rapidapi")["ann"]
    assert (row["outcome"], row["following_total"]) == ("complete", None)


# Cursors that stand still or lead nowhere.


@each_boundary
@each_provider
def test_more_ties_than_the_largest_page_has_room_for_are_warned_of(
    sandbox: Sandbox, provider: str, boundary: str
) -> None:
    """The API can't page there: the newest 100 come, the rest of the second does not."""
    serve(sandbox, [*NEWER, *TIED, *OLDER], boundary=boundary)
    ended = read(sandbox, provider, page_size=50)
    sent = ended.follows(provider)
    others = {("ann", follow.username) for follow in (*NEWER, *OLDER)}
    assert len(sent) == len(set(sent))
    assert others <= set(sent) <= truth(sandbox, "ann")
    assert 96 <= len(set(sent) - others) <= 100
    row = ended.scans(provider)["ann"]
    assert (row["outcome"], row["whole_list"]) == ("complete", False)
    assert "at 2023-11-16T01:51:40" in row["reason"]
    assert "may be missing" in row["reason"]
    assert row["reason"] in ended.text("WARNING")
    assert ended.exit_code == 0
    assert len(pages_asked(sandbox, provider, "ann")) <= 8


NO_CURSOR = "the response announces another page but contains no cursor ("
FORWARD = "the cursor for the next page moves forward in time ("


@pytest.mark.parametrize(
    ("kind", "value", "page", "words"),
    [
        ("cursor_missing", None, 1, NO_CURSOR),
        ("cursor_null", None, 2, NO_CURSOR),
        ("cursor_zero", None, 2, NO_CURSOR),
        ("cursor_forward", -(10**10), 2, NO_CURSOR),  # below zero
        ("cursor_forward", 1, 2, FORWARD),
        ("cursor_forward", 1_000_000, 1, FORWARD),
        ("cursor_ms", None, 1, FORWARD),
    ],
)
@each_provider
def test_cursor_that_leads_nowhere_fails_the_username_after_its_accounts_are_sent(
    sandbox: Sandbox, provider: str, kind: str, value: int | None, words: str, page: int
) -> None:
    """With one request and no retry; the next run continues where it stood."""
    serve(sandbox, follows_of("ann", 12), Fault(kind, page=page, value=value), boundary="skip")
    before = read(sandbox, provider, page_size=3)
    asked = pages_asked(sandbox, provider, "ann")
    row = before.scans(provider)["ann"]
    assert before.exit_code == 1
    assert (row["outcome"], row["whole_list"], row["requests"]) == ("failed", False, page)
    assert row["reason"].startswith(words + REFERENCES[provider])
    assert unix(row["read_down_to"]) == (asked[-1].cursor or unix(row["read_until"]))
    assert "ann" in before.last_line
    assert len(asked) == page
    assert before.follows(provider) == [("ann", f"ann.{n}") for n in range(3 * page)]
    assert before.records(f"{provider}_following")[-1]["followed_at_earliest"] is None
    assert bookmark(before.state, provider, "ann") is None
    sandbox.scenario = Scenario(boundary="skip")
    after = read(sandbox, provider, before.state, page_size=3)
    assert pages_asked(sandbox, provider, "ann")[page].cursor == asked[-1].cursor
    looks_cut = provider == "research"  # whose last page is full, so it is requested twice
    assert len(pages_asked(sandbox, provider, "ann")) == 5 + looks_cut
    assert {*before.follows(provider), *after.follows(provider)} == truth(sandbox, "ann")
    assert after.scans(provider)["ann"]["outcome"] == "complete"
    assert read(sandbox, provider, after.state, page_size=3).follows(provider) == []


@pytest.mark.parametrize(("page_size", "requests"), [(100, 5), (50, 7)])
@each_provider
def test_cursor_that_never_moves_fails_the_username_after_four_pages_without_a_new_account(
    sandbox: Sandbox, provider: str, page_size: int, requests: int
) -> None:
    serve(sandbox, follows_of("ann", 150), Fault("cursor_still"))
    row = read(sandbox, provider, page_size=page_size).scans(provider)["ann"]
    found = row["outcome"], row["accounts_sent"], row["requests"]
    assert found == ("failed", 100, requests)
    assert row["reason"].startswith("the cursor for the next page never moves (")


# Clocks and caches.


@pytest.mark.parametrize("seconds", [-DAY, -3, 0, 3, DAY])
@each_provider
def test_follow_made_while_a_list_is_read_comes_with_the_next_run(
    sandbox: Sandbox, provider: str, seconds: int
) -> None:
    """Whatever the difference between the provider's clock and the local one."""
    serve(sandbox, follows_of("ann", 6, newest=NOW - 5 + seconds))
    sandbox.clock.advance(seconds)
    before = read(sandbox, provider, page_size=3)
    scanned_at = unix(before.scans(provider)["ann"]["scanned_at"])
    assert scanned_at <= NOW + seconds
    sandbox.world.follow("ann", "meanwhile", at=scanned_at)
    sandbox.clock.advance(5)
    after = read(sandbox, provider, before.state, page_size=3)
    assert after.follows(provider) == [("ann", "meanwhile")]


def test_unchanged_list_is_not_read_to_its_end_if_the_local_clock_is_a_century_behind(
    sandbox: Sandbox,
) -> None:
    """Only as far as it is remembered: a thousand accounts."""
    serve(sandbox, follows_of("ann", 1500, newest=NOW + 36_500 * DAY))
    sandbox.clock.advance(36_500 * DAY)
    ended = read(sandbox, "rapidapi")
    for _ in range(2):
        ended = read(sandbox, "rapidapi", ended.state)
        row = ended.scans("rapidapi")["ann"]
        assert (row["outcome"], row["requests"]) == ("unchanged", 11)


def test_page_from_a_cache_is_as_old_as_the_cache(sandbox: Sandbox) -> None:
    filled = NOW - 7200
    follows = follows_of("ann", 6, newest=filled - 5)
    serve(sandbox, [*follows, Follow("uncached", NOW - 3600)])
    sandbox.scenario.cached = filled
    before = read(sandbox, "rapidapi", page_size=3)
    row = before.scans("rapidapi")["ann"]
    assert row["cached"]
    assert unix(row["scanned_at"]) <= filled
    latest = [r["followed_at_latest"] for r in before.records("rapidapi_following")]
    assert max(map(unix, latest)) <= filled
    sandbox.scenario.cached = None
    after = read(sandbox, "rapidapi", before.state, page_size=3, lookback_days=0)
    assert after.follows("rapidapi") == [("ann", "uncached")]
    assert not after.scans("rapidapi")["ann"]["cached"]
