"""Paging as the real APIs do it: short pages, ties, and cursors that lead nowhere."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Follow, Scenario, World
from tests.harness import (
    NOW,
    bookmark,
    each_provider,
    entry,
    follows_of,
    pages_asked,
    run,
    settings,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox import Sandbox
    from tests.harness import Run

each_boundary = pytest.mark.parametrize("boundary", ["repeat", "skip"])

ALL_TIED = [Follow(f"tied.{number}", NOW - 500) for number in range(140)]


def read(sandbox: Sandbox, provider: str, state: object = None, **more: object) -> Run:
    return run(settings(sandbox, ["ann"], provider, **more), state)


def serve(
    sandbox: Sandbox, follows: Sequence[Follow], *faults: Fault, boundary: Any = "repeat"
) -> None:
    sandbox.world = World.of({"ann": follows})
    sandbox.scenario = Scenario(boundary=boundary, faults=list(faults))


def unix(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())


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


# Pages that hold fewer accounts than asked for.


@pytest.mark.parametrize(
    ("hidden", "length"),
    [
        pytest.param(range(3, 6), 12, id="an empty page in the middle"),
        pytest.param(range(6), 12, id="the first pages empty"),
        pytest.param(range(9, 12), 12, id="the last page empty"),
        pytest.param(range(0, 12, 2), 12, id="every page short"),
        pytest.param(range(1, 30), 31, id="nine empty pages in a row"),
    ],
)
@each_boundary
@each_provider
def test_short_and_empty_pages_do_not_end_a_list(
    sandbox: Sandbox, provider: str, boundary: str, hidden: Sequence[int], length: int
) -> None:
    serve(sandbox, follows_of("ann", length), boundary=boundary)
    for place in hidden:
        sandbox.world.hide(f"ann.{place}")
    first = read(sandbox, provider, page_size=3)
    assert set(first.follows(provider)) == truth(sandbox, "ann")
    sandbox.clock.advance(86400)
    sandbox.take_requests()
    check_whole(
        sandbox,
        provider,
        read(sandbox, provider, first.state, page_size=3, full_scan_after_days=0),
    )


@each_boundary
@each_provider
def test_list_of_empty_pages_is_believed_at_the_second_scan(
    sandbox: Sandbox, provider: str, boundary: str
) -> None:
    serve(sandbox, follows_of("ann", 12), boundary=boundary)
    for place in range(12):
        sandbox.world.hide(f"ann.{place}")
    first = read(sandbox, provider, page_size=3)
    row = first.scans(provider)["ann"]
    assert (row["outcome"], row["whole_list"]) == ("complete", False)
    assert "came back empty" in row["reason"]
    sandbox.clock.advance(86400)
    sandbox.take_requests()
    check_whole(sandbox, provider, read(sandbox, provider, first.state, page_size=3))


@pytest.mark.parametrize("kind", ["list_null", "empty_page"])
@each_provider
def test_page_that_stays_empty_makes_the_scan_doubted(
    sandbox: Sandbox, provider: str, kind: Any
) -> None:
    serve(sandbox, follows_of("ann", 12), Fault(kind, page=2), boundary="skip")
    ended = read(sandbox, provider, page_size=4)
    hidden = {("ann", f"ann.{place}") for place in (4, 5, 6, 7)}
    assert set(ended.follows(provider)) == truth(sandbox, "ann") - hidden
    row = ended.scans(provider)["ann"]
    looks_cut = provider == "research"  # whose last page is full
    assert (row["outcome"], row["whole_list"]) == ("complete", False)
    assert row["requests"] == 4 + looks_cut
    sandbox.scenario = Scenario()
    sandbox.clock.advance(86400)
    sandbox.take_requests()
    check_whole(sandbox, provider, read(sandbox, provider, ended.state, page_size=4))


@pytest.mark.parametrize("missing", ["data", "user_following"])
@each_provider
def test_an_absent_list_is_an_empty_one(sandbox: Sandbox, provider: str, missing: str) -> None:
    """Someone who follows nobody; `data` itself is RapidAPI's list."""
    if provider == "research" and missing == "data":
        pytest.skip("has_more and cursor are in there")
    serve(sandbox, [], Fault("list_null"))
    ended = read(sandbox, provider)
    assert ended.exit_code == 0
    assert ended.follows(provider) == []
    assert bookmark(ended.state, provider, "ann") is not None


@each_provider
def test_who_follows_nobody_has_a_bookmark_too(sandbox: Sandbox, provider: str) -> None:
    serve(sandbox, [])
    before = read(sandbox, provider)
    row = before.scans(provider)["ann"]
    assert (row["outcome"], row["whole_list"], row["accounts_read"]) == ("complete", True, 0)
    assert bookmark(before.state, provider, "ann") == row["scanned_at"]
    sandbox.clock.advance(3600)
    sandbox.world.follow("ann", "first", at=NOW + 60)
    after = read(sandbox, provider, before.state)
    assert after.follows(provider) == [("ann", "first")]


# The cursor is inclusive, and the accounts on the boundary come twice.


@pytest.mark.parametrize("page_size", [2, 3, 7, 100])
@each_boundary
@each_provider
def test_the_boundary_account_is_sent_once(
    sandbox: Sandbox, provider: str, boundary: str, page_size: int
) -> None:
    serve(sandbox, follows_of("ann", 25), boundary=boundary)
    ended = read(sandbox, provider, page_size=page_size)
    check_whole(sandbox, provider, ended)
    if boundary == "skip" or page_size == 100:
        assert len(pages_asked(sandbox, provider, "ann")) == -(-25 // page_size)


@pytest.mark.parametrize("ties", [2, 5, 9])
@each_boundary
@each_provider
def test_ties_across_pages_are_sent_once(
    sandbox: Sandbox, provider: str, boundary: str, ties: int
) -> None:
    """Fewer accounts on one second than fit a page, wherever the page ends."""
    follows = [Follow(f"ann.{place}", NOW - 10 * (place // ties)) for place in range(60)]
    serve(sandbox, follows, boundary=boundary)
    check_whole(sandbox, provider, read(sandbox, provider, page_size=10))


@each_boundary
@each_provider
def test_a_page_size_of_one(sandbox: Sandbox, provider: str, boundary: str) -> None:
    """With the boundary repeated, a page of one holds nothing but what came before."""
    serve(sandbox, follows_of("ann", 8), boundary=boundary)
    check_whole(sandbox, provider, read(sandbox, provider, page_size=1))


@each_boundary
@each_provider
def test_a_boundary_repeat_across_two_runs_is_sent_once(
    sandbox: Sandbox, provider: str, boundary: str
) -> None:
    serve(sandbox, follows_of("ann", 12), boundary=boundary)
    budget = {f"{provider}_max_requests": 2}
    before = read(sandbox, provider, page_size=3, **budget)
    after = read(sandbox, provider, before.state, page_size=3)
    sent = [*before.follows(provider), *after.follows(provider)]
    assert len(sent) == 12
    assert set(sent) == truth(sandbox, "ann")
    positions = [
        record["position"]
        for ended in (before, after)
        for record in ended.records(f"{provider}_following")
    ]
    assert positions == list(range(1, 13))


# More accounts on one second than fit a page: the cursor stands still.


@pytest.mark.parametrize("ties", [6, 60, 99])
@each_boundary
@each_provider
def test_ties_that_fit_the_largest_page_are_all_read(
    sandbox: Sandbox, provider: str, boundary: str, ties: int
) -> None:
    """Asked for with 100, and then with the page size again."""
    newer = follows_of("new", 4, newest=NOW - 10)
    older = follows_of("old", 120, newest=NOW - 9000)
    serve(sandbox, [*newer, *ALL_TIED[:ties], *older], boundary=boundary)
    ended = read(sandbox, provider, page_size=5)
    check_whole(sandbox, provider, ended)
    assert pages_asked(sandbox, provider, "ann")[-1].count == 5


@each_boundary
@each_provider
def test_more_ties_than_the_largest_page_are_warned_of(
    sandbox: Sandbox, provider: str, boundary: str
) -> None:
    """The API can't page there: the newest 100 come, the rest of the second does not."""
    newer, older = (
        follows_of("new", 3, newest=NOW - 10),
        follows_of("old", 30, newest=NOW - 9000),
    )
    serve(sandbox, [*newer, *ALL_TIED, *older], boundary=boundary)
    ended = read(sandbox, provider, page_size=50)
    sent = ended.follows(provider)
    assert len(sent) == len(set(sent))
    assert {edge for edge in sent if "tied" not in edge[1]} == {
        ("ann", follow.username) for follow in (*newer, *older)
    }
    assert 97 <= len([edge for edge in sent if "tied" in edge[1]]) <= 100
    row = ended.scans(provider)["ann"]
    assert (row["outcome"], row["whole_list"]) == ("complete", False)
    assert "2023-11-16T01:51:40" in row["reason"]
    assert ended.exit_code == 0
    assert "ann" in ended.text("WARNING")
    assert "missing" in ended.text("WARNING")
    assert len(pages_asked(sandbox, provider, "ann")) <= 8


@each_provider
def test_a_list_all_on_one_second_ends(sandbox: Sandbox, provider: str) -> None:
    serve(sandbox, ALL_TIED)
    ended = read(sandbox, provider)
    assert len(ended.follows(provider)) == len(set(ended.follows(provider))) == 100
    assert not ended.scans(provider)["ann"]["whole_list"]
    assert len(pages_asked(sandbox, provider, "ann")) <= 4


# Cursors that stand still, move, are not there, or are of another kind.


@pytest.mark.parametrize("page", [1, 2, 3])
@each_provider
def test_a_cursor_that_stands_still_once_loses_nothing(
    sandbox: Sandbox, provider: str, page: int
) -> None:
    serve(sandbox, follows_of("ann", 12), Fault("cursor_still", page=page, times=1))
    ended = read(sandbox, provider, page_size=3)
    assert sorted(ended.follows(provider)) == sorted(truth(sandbox, "ann"))
    assert ended.scans(provider)["ann"]["outcome"] == "complete"
    assert ended.exit_code == 0


@pytest.mark.parametrize("page_size", [3, 100])
@pytest.mark.parametrize("kind", ["cursor_still", "cursor_cycle"])
@each_provider
def test_a_cursor_that_always_stands_still_ends(
    sandbox: Sandbox, provider: str, kind: Any, page_size: int
) -> None:
    """Nobody steps down two years of seconds, each for a request."""
    follows = follows_of("ann", 250, newest=NOW - 60, every=60 * 60)
    serve(sandbox, follows, Fault(kind))
    budget = {f"{provider}_max_requests": 150}
    ended = read(sandbox, provider, page_size=page_size, **budget)
    row = ended.scans(provider)["ann"]
    assert len(pages_asked(sandbox, provider, "ann")) < 50
    assert row["outcome"] == "failed" or not row["whole_list"]
    assert row["reason"]
    sent = ended.follows(provider)
    assert len(sent) == len(set(sent)) >= page_size
    asked = len(pages_asked(sandbox, provider, "ann"))
    read(sandbox, provider, ended.state, page_size=page_size, **budget)
    assert len(pages_asked(sandbox, provider, "ann")) - asked <= 4


NOWHERE = [
    ("cursor_missing", "no cursor"),
    ("cursor_null", "no cursor"),
    ("cursor_zero", "no cursor"),
    ("cursor_forward", "forward"),
    ("cursor_ms", "forward"),
]


@pytest.mark.parametrize("page", [1, 2])
@pytest.mark.parametrize(("kind", "said"), NOWHERE, ids=[kind for kind, _ in NOWHERE])
@each_provider
def test_a_cursor_that_leads_nowhere_fails_the_username(
    sandbox: Sandbox, provider: str, kind: Any, said: str, page: int
) -> None:
    """With one request and no retry; its pages so far are kept, and where it stood."""
    serve(sandbox, follows_of("ann", 12), Fault(kind, page=page), boundary="skip")
    value = 1_000_000 if kind == "cursor_forward" else None
    sandbox.scenario.faults[0].value = value
    before = read(sandbox, provider, page_size=3)
    asked = pages_asked(sandbox, provider, "ann")
    row = before.scans(provider)["ann"]
    assert before.exit_code == 1
    assert (row["outcome"], row["whole_list"], row["requests"]) == ("failed", False, page)
    assert said in row["reason"]
    assert ("request_id " if provider == "rapidapi" else "log_id ") in row["reason"]
    assert "ann" in before.last_line
    assert len(asked) == page
    assert bookmark(before.state, provider, "ann") is None
    sandbox.scenario = Scenario(boundary="skip")
    after = read(sandbox, provider, before.state, page_size=3)
    assert pages_asked(sandbox, provider, "ann")[page].cursor == asked[-1].cursor
    looks_cut = provider == "research"  # whose last page is full, so it is requested twice
    assert len(pages_asked(sandbox, provider, "ann")) == page + 4 - (page - 1) + looks_cut
    assert {*before.follows(provider), *after.follows(provider)} == truth(sandbox, "ann")
    assert after.scans(provider)["ann"]["outcome"] == "complete"


@pytest.mark.parametrize(("kind", "said"), NOWHERE, ids=[kind for kind, _ in NOWHERE])
@each_provider
def test_the_accounts_beside_a_cursor_that_leads_nowhere_are_not_lost(
    sandbox: Sandbox, provider: str, kind: Any, said: str
) -> None:
    """They arrived and were paid for, and may never come with a better cursor."""
    value = 1_000_000 if kind == "cursor_forward" else None
    serve(sandbox, follows_of("ann", 12), Fault(kind, page=2, value=value), boundary="skip")
    ended = read(sandbox, provider, page_size=3)
    assert said in ended.scans(provider)["ann"]["reason"]
    assert set(ended.follows(provider)) == {("ann", f"ann.{place}") for place in range(6)}


@pytest.mark.parametrize("kind", ["cursor_string", "cursor_float"])
@each_provider
def test_a_cursor_as_text_or_as_a_float_is_the_same_cursor(
    sandbox: Sandbox, provider: str, kind: Any
) -> None:
    serve(sandbox, follows_of("ann", 12), Fault(kind))
    check_whole(sandbox, provider, read(sandbox, provider, page_size=3))
    assert all(isinstance(r.cursor, int) for r in pages_asked(sandbox, provider, "ann")[1:])


@each_provider
def test_a_cursor_on_the_last_page_is_not_followed(sandbox: Sandbox, provider: str) -> None:
    """The Research API gives one there too."""
    serve(sandbox, follows_of("ann", 3))
    check_whole(sandbox, provider, read(sandbox, provider, page_size=3))
    assert len(pages_asked(sandbox, provider, "ann")) == 1


# Lists that change, pages smaller than asked for, lists that end early.


@each_provider
def test_a_page_smaller_than_asked_for(sandbox: Sandbox, provider: str) -> None:
    serve(sandbox, follows_of("ann", 35))
    sandbox.scenario.page_cap = 10
    check_whole(sandbox, provider, read(sandbox, provider))


@each_provider
def test_a_list_that_changes_while_it_is_read(sandbox: Sandbox, provider: str) -> None:
    """A new follow comes with the next run; an account taken from an unread page does not."""
    serve(sandbox, follows_of("ann", 12))
    budget = {f"{provider}_max_requests": 2}
    before = read(sandbox, provider, page_size=3, **budget)
    sandbox.clock.advance(600)
    sandbox.world.follow("ann", "late", at=NOW + 300)
    sandbox.world.unfollow("ann", "ann.9")
    rest = read(sandbox, provider, before.state, page_size=3)
    sandbox.clock.advance(600)
    last = read(sandbox, provider, rest.state, page_size=3)
    first_two = {*before.follows(provider), *rest.follows(provider)}
    assert first_two == truth(sandbox, "ann") - {("ann", "late")}
    assert last.follows(provider) == [("ann", "late")]
    assert entry(last.state, provider, "ann")["outcome"] == "complete"


@each_provider
def test_an_unchanged_list_costs_one_request(sandbox: Sandbox, provider: str) -> None:
    serve(sandbox, follows_of("ann", 12, every=86400))
    before = read(sandbox, provider, page_size=3)
    sandbox.clock.advance(86400 * 3)
    sandbox.take_requests()
    after = read(sandbox, provider, before.state, page_size=3)
    row = after.scans(provider)["ann"]
    assert (row["outcome"], row["accounts_sent"], row["requests"]) == ("unchanged", 0, 1)
    assert after.follows(provider) == []
    assert len(pages_asked(sandbox, provider, "ann")) == 1
    assert bookmark(after.state, provider, "ann") == row["scanned_at"]


@each_provider
def test_an_unchanged_list_whose_newest_pages_are_empty(
    sandbox: Sandbox, provider: str
) -> None:
    """Its first page that holds anything says so."""
    serve(sandbox, follows_of("ann", 12), boundary="skip")
    for place in range(6):
        sandbox.world.hide(f"ann.{place}")
    state = read(sandbox, provider, page_size=3).state
    sandbox.clock.advance(3600)
    state = read(sandbox, provider, state, page_size=3).state
    sandbox.clock.advance(3600)
    after = read(sandbox, provider, state, page_size=3)
    assert after.follows(provider) == []
    assert after.scans(provider)["ann"]["outcome"] == "unchanged"


# Clocks and caches.


@pytest.mark.parametrize("seconds", [-86400, -3, 0, 3, 86400])
@each_provider
def test_a_follow_made_while_a_list_is_read_comes_with_the_next_run(
    sandbox: Sandbox, provider: str, seconds: int
) -> None:
    """Whatever the difference between the provider's clock and the cursors' day."""
    serve(sandbox, follows_of("ann", 6, newest=NOW - 5 + seconds))
    sandbox.clock.advance(seconds)
    before = read(sandbox, provider, page_size=3)
    scanned_at = unix(before.scans(provider)["ann"]["scanned_at"])
    assert scanned_at <= NOW + seconds
    sandbox.world.follow("ann", "meanwhile", at=scanned_at)
    sandbox.clock.advance(5)
    after = read(sandbox, provider, before.state, page_size=3)
    assert after.follows(provider) == [("ann", "meanwhile")]


@pytest.mark.parametrize("cached", [None, NOW - 7200])
def test_two_scans_of_one_moment_are_two_rows(sandbox: Sandbox, cached: int | None) -> None:
    """The clock stands still, or both pages come from one cache."""
    serve(sandbox, follows_of("ann", 6, newest=NOW - 7300))
    sandbox.scenario.cached = cached
    first = read(sandbox, "rapidapi")
    second = read(sandbox, "rapidapi", first.state)
    before, after = first.scans("rapidapi")["ann"], second.scans("rapidapi")["ann"]
    assert (before["outcome"], after["outcome"]) == ("complete", "unchanged")
    assert unix(after["scanned_at"]) == unix(before["scanned_at"]) + 1
    assert after["previous_scanned_at"] == before["scanned_at"]
    assert bookmark(second.state, "rapidapi", "ann") == bookmark(
        first.state, "rapidapi", "ann"
    )


def test_a_page_from_a_cache_is_as_old_as_the_cache(sandbox: Sandbox) -> None:
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
