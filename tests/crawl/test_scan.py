"""One pass down one list: what is asked for next, and what a page means."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tap_tiktok_following.crawl.scan import Scan
from tap_tiktok_following.hashes import hash_account, split_hashes
from tap_tiktok_following.model import Accounts, Memory, Page, RawResponse, Response, Visit
from tap_tiktok_following.model import Outcome
from tap_tiktok_following.text import DAY, in_utc

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = 1_700_000_000
KEY = "username"
EMPTY_NOW = "the list came back empty, but earlier scans found accounts on it"


def page(
    names: Iterable[str],
    cursor: int | None = None,
    *,
    has_more: bool | None = None,
    as_of: int = NOW,
    until: int = NOW,
    count: int = 100,
    **more: Any,
) -> Response:
    """A page of these accounts; there is a next one if there is a cursor for it."""
    accounts = Accounts([{KEY: name, "display_name": name.title()} for name in names])
    is_last = cursor is None if has_more is None else not has_more
    raw = RawResponse(200, b"", as_of, until, until)
    return Response.of(raw, Page(accounts, not is_last, cursor, **more), count)


def scan_of(visit: Visit, page_size: int = 100, started: int = NOW) -> Scan:
    return Scan(visit, page_size, KEY, started)


def first_scan(**visit: Any) -> Scan:
    return scan_of(Visit("ann", **visit))


def next_scan(
    *known: str, since: int = 0, bookmark: int = NOW - 10 * DAY, **more: Any
) -> Scan:
    """An incremental scan by someone who knows these accounts."""
    memory = Memory(b"".join(map(hash_account, known)), since)
    visit = Visit(
        "ann",
        **{
            "bookmark": bookmark,
            "floor": bookmark - DAY,
            "whole": False,
            "known": memory,
            **more,
        },
    )
    return scan_of(visit)


def names(records: list[dict[str, Any]]) -> list[str]:
    return [record[KEY] for record in records]


def windows(records: list[dict[str, Any]]) -> set[tuple[str | None, str]]:
    return {(r["followed_at_earliest"], r["followed_at_latest"]) for r in records}


# What to ask for.


def test_the_first_page_is_asked_for_without_a_cursor() -> None:
    assert scan_of(Visit("ann"), page_size=30).request == (None, 30)


def test_the_next_page_is_asked_for_at_the_cursor_given() -> None:
    scan = scan_of(Visit("ann"), page_size=30)
    scan.take(page(["a"], NOW - 50))
    assert scan.outcome is None
    assert scan.request == (NOW - 50, 30)


def test_a_scan_ends_where_there_is_no_more() -> None:
    scan = first_scan()
    scan.take(page(["a"], NOW - 50))
    scan.take(page(["b"]))
    assert scan.outcome is Outcome.COMPLETE


def test_an_empty_page_with_more_behind_it_does_not_end_a_scan() -> None:
    scan = first_scan()
    assert scan.take(page([], NOW - 50)) == []
    assert scan.outcome is None
    assert names(scan.take(page(["b"]))) == ["b"]


def test_a_cursor_on_the_last_page_is_ignored() -> None:
    scan = first_scan()
    records = scan.take(page(["a"], NOW + 99 * DAY, has_more=False))
    assert scan.outcome is Outcome.COMPLETE
    assert windows(records) == {(None, in_utc(NOW))}


# What a record holds.


def test_a_record() -> None:
    scan = first_scan()
    assert scan.take(page(["a"], NOW - 50)) == [
        {
            "follower_username": "ann",
            "scanned_at": "2023-11-14T22:13:20+00:00",
            "position": 1,
            "followed_at_earliest": "2023-11-14T22:12:30+00:00",
            "followed_at_latest": "2023-11-14T22:13:20+00:00",
            "username": "a",
            "display_name": "A",
        }
    ]


def test_windows_are_the_cursors_around_a_page() -> None:
    scan = first_scan()
    assert windows(scan.take(page(["a"], NOW - 50))) == {(in_utc(NOW - 50), in_utc(NOW))}
    assert windows(scan.take(page(["b"], NOW - 90))) == {(in_utc(NOW - 90), in_utc(NOW - 50))}
    assert windows(scan.take(page(["c"]))) == {(None, in_utc(NOW - 90))}


def test_the_first_window_ends_at_the_providers_clock() -> None:
    scan = first_scan()
    records = scan.take(page(["a"], NOW - 5000, until=NOW - 3600))
    assert windows(records) == {(in_utc(NOW - 5000), in_utc(NOW - 3600))}


def test_a_date_behind_the_cursors_makes_no_window_that_ends_before_it_begins() -> None:
    scan = first_scan()
    records = scan.take(page(["a"], NOW + 2))
    assert windows(records) == {(in_utc(NOW + 2), in_utc(NOW + 2))}


def test_positions_count_every_account_sent_or_not() -> None:
    scan = next_scan("b", "d", bookmark=NOW - 100)
    first = scan.take(page(["a", "b", "c"], NOW - 50))
    second = scan.take(page(["d", "e"], NOW - 90))
    assert [(r[KEY], r["position"]) for r in first + second] == [("a", 1), ("c", 3), ("e", 5)]


# T.


@pytest.mark.parametrize(
    ("started", "as_of", "scanned_at"),
    [(NOW, NOW - 7, NOW - 7), (NOW, NOW + 7, NOW)],
    ids=["the provider's clock is earlier", "the local clock is earlier"],
)
def test_t_is_by_the_clock_that_makes_it_earliest(
    started: int, as_of: int, scanned_at: int
) -> None:
    scan = scan_of(Visit("ann"), started=started)
    records = scan.take(page(["a"], as_of=as_of))
    assert [r["scanned_at"] for r in records] == [in_utc(scanned_at)]
    assert scan.standing.scanned_at == scanned_at


def test_t_stays_what_it_was_at_the_first_request() -> None:
    scan = first_scan()
    scan.take(page(["a"], NOW - 50, as_of=NOW - 1))
    records = scan.take(page(["b"], as_of=NOW - 500))
    assert records[0]["scanned_at"] == in_utc(NOW - 1)


def test_a_refusal_of_the_first_request_dates_a_scan_too() -> None:
    scan = first_scan()
    scan.began(NOW - 9)
    scan.began(None)
    assert scan.standing.scanned_at == NOW - 9


# Accounts that come twice.


def test_an_account_on_the_boundary_is_sent_once() -> None:
    scan = first_scan()
    scan.take(page(["a", "b"], NOW - 50))
    records = scan.take(page(["b", "c"]))
    assert [(r[KEY], r["position"]) for r in records] == [("c", 3)]
    assert (scan.standing.accounts_read, scan.standing.accounts_sent) == (3, 3)


def test_an_account_that_comes_again_pages_later_is_sent_once() -> None:
    scan = first_scan()
    scan.take(page(["a"], NOW - 50))
    scan.take(page(["b"], NOW - 60))
    assert names(scan.take(page(["a", "c"]))) == ["c"]


def test_an_account_twice_on_a_page_is_sent_once() -> None:
    assert names(first_scan().take(page(["a", "a", "b"]))) == ["a", "b"]


# Cursors that lead nowhere.


FORWARD = "the cursor for the next page moves forward in time"
NO_CURSOR = "there is a next page, but no cursor to ask for it with"


@pytest.mark.parametrize(
    ("cursor", "failure"),
    [
        (None, NO_CURSOR),
        (0, NO_CURSOR),
        (-1, NO_CURSOR),
        (NOW - 49, FORWARD),
        ((NOW - 50) * 1000, FORWARD),
    ],
    ids=["null", "zero", "negative", "forward", "milliseconds"],
)
def test_a_cursor_that_leads_nowhere_fails_the_username(
    cursor: int | None, failure: str
) -> None:
    scan = first_scan()
    scan.take(page(["a"], NOW - 50))
    records = scan.take(page(["b"], cursor, has_more=True))
    assert (names(records), windows(records)) == (["b"], {(None, in_utc(NOW - 50))})
    assert (scan.outcome, scan.failure) == (Outcome.FAILED, failure)
    assert scan.request == (NOW - 50, 100)


def test_what_was_sent_before_a_failure_is_not_sent_again() -> None:
    failed = first_scan()
    failed.take(page(["a", "b"], NOW + 99 * DAY))
    resumed = scan_of(Visit("ann", resume=failed.standing))
    assert resumed.request == (None, 100)
    assert resumed.take(page(["a", "b"], NOW - 50)) == []
    assert [(r[KEY], r["position"]) for r in resumed.take(page(["b", "c"]))] == [("c", 3)]
    assert resumed.outcome is Outcome.COMPLETE


def test_a_cycle_of_cursors_fails_the_username() -> None:
    scan = first_scan()
    scan.take(page(["a"], NOW - 50))
    scan.take(page(["b"], NOW - 60))
    scan.take(page(["c"], NOW - 50))
    assert (scan.outcome, scan.failure) == (Outcome.FAILED, FORWARD)


# More accounts on one second than a page holds.


def test_where_the_cursor_stands_still_a_full_page_is_asked_for() -> None:
    scan = scan_of(Visit("ann"), page_size=2)
    scan.take(page(["a", "b"], NOW - 50, count=2))
    scan.take(page(["b", "c"], NOW - 50, count=2))
    assert scan.request == (NOW - 50, 100)
    assert names(scan.take(page(["b", "c", "d", "e"], NOW - 60))) == ["d", "e"]
    assert scan.request == (NOW - 60, 2)
    assert scan.standing.gap == ""


def test_where_it_still_stands_one_second_is_stepped_down_with_a_warning() -> None:
    scan = scan_of(Visit("ann"), page_size=2)
    scan.take(page(["a", "b"], NOW - 50, count=2))
    scan.take(page(["b", "c"], NOW - 50, count=2))
    scan.take(page(["b", "c", "d"], NOW - 50))
    assert scan.request == (NOW - 51, 2)
    scan.take(page(["e"]))
    assert scan.outcome is Outcome.COMPLETE
    assert scan.standing.gap == (
        f"the cursor stood still at {in_utc(NOW - 50)}: accounts followed then may be missing"
    )


def test_a_page_size_of_100_is_not_asked_for_twice() -> None:
    scan = first_scan()
    scan.take(page(["a"], NOW - 50))
    scan.take(page(["b"], NOW - 50))
    assert scan.request == (NOW - 51, 100)


def test_a_cursor_that_never_moves_fails_the_username() -> None:
    scan = first_scan()
    scan.take(page(["a"], NOW - 50))
    requests = 1
    while scan.outcome is None:
        assert scan.take(page(["a"], scan.request[0])) == []
        requests += 1
    assert (scan.outcome, requests) == (Outcome.FAILED, 5)
    assert scan.failure == "the cursor for the next page never moves"


# The floor.


def test_a_scan_is_complete_when_the_next_page_is_older_than_the_floor() -> None:
    scan = first_scan(floor=NOW - 50)
    scan.take(page(["a"], NOW - 51))
    assert scan.outcome is Outcome.COMPLETE


def test_a_cursor_on_the_floor_is_not_older() -> None:
    scan = first_scan(floor=NOW - 50)
    scan.take(page(["a"], NOW - 50))
    assert scan.outcome is None


# Only what is new.


def test_a_list_whose_first_page_holds_nothing_new_is_unchanged_after_one_request() -> None:
    scan = next_scan("a", "b")
    assert scan.take(page(["a", "b"], NOW - 11 * DAY)) == []
    assert scan.outcome is Outcome.UNCHANGED


def test_accounts_that_were_followed_again_may_hide_new_ones_below_them() -> None:
    """A page of known accounts that were all followed since the bookmark ends no scan."""
    scan = next_scan("a", "b", since=NOW - 20 * DAY)
    assert scan.take(page(["b"], NOW - 5)) == []
    assert scan.outcome is None
    assert names(scan.take(page(["new"], NOW - 9))) == ["new"]
    assert scan.take(page(["a"], NOW - 21 * DAY)) == []
    assert scan.outcome is Outcome.COMPLETE


def test_a_page_down_to_the_end_of_the_memory_is_unchanged_whatever_the_clock_says() -> None:
    scan = next_scan("a", "b", since=NOW - 5)
    assert scan.take(page(["a", "b"], NOW - 5)) == []
    assert scan.outcome is Outcome.UNCHANGED


def test_no_order_within_a_page_is_assumed() -> None:
    scan = next_scan("a", "b")
    assert names(scan.take(page(["b", "new", "a"], NOW - 99 * DAY))) == ["new"]
    assert scan.outcome is Outcome.COMPLETE


def test_an_unchanged_list_may_begin_with_empty_pages() -> None:
    scan = next_scan("a", "b")
    scan.take(page([], NOW - 5))
    assert scan.outcome is None
    assert scan.take(page(["a"], NOW - 11 * DAY)) == []
    assert scan.outcome is Outcome.UNCHANGED


def test_news_on_the_first_page_make_the_scan_go_down_to_the_floor() -> None:
    scan = next_scan("a", "b", bookmark=NOW - 100, floor=NOW - 200)
    assert names(scan.take(page(["n1"], NOW - 50))) == ["n1"]
    assert names(scan.take(page(["n2", "a"], NOW - 150))) == ["n2"]
    assert scan.outcome is None
    assert scan.take(page(["b"], NOW - 201)) == []
    assert scan.outcome is Outcome.COMPLETE


def test_a_list_that_was_empty_and_still_is_is_unchanged() -> None:
    scan = next_scan()
    assert scan.take(page([])) == []
    assert scan.outcome is Outcome.UNCHANGED


def test_a_list_that_became_empty_proves_nothing() -> None:
    scan = next_scan("a")
    scan.take(page([]))
    assert scan.outcome is Outcome.COMPLETE
    assert scan.standing.gap == EMPTY_NOW
    assert scan.standing.proves_nothing


@pytest.mark.parametrize(
    ("visit", "total", "gap"),
    [
        ({}, None, ""),
        ({}, 0, ""),
        ({}, 500, "the list came back empty, but the provider's total is 500"),
        ({"listed": 12}, None, EMPTY_NOW),
        ({"listed": 12}, 0, EMPTY_NOW),
    ],
    ids=["no total", "a total of 0", "a total", "accounts before", "a total of 0 after some"],
)
def test_a_whole_scan_of_an_empty_list(
    visit: dict[str, Any], total: int | None, gap: str
) -> None:
    scan = first_scan(**visit)
    assert scan.take(page([], total=total)) == []
    assert (scan.outcome, scan.standing.gap) == (Outcome.COMPLETE, gap)
    assert scan.standing.proves_nothing is bool(gap)


def test_the_first_scan_of_an_empty_list_is_complete() -> None:
    scan = first_scan()
    assert scan.take(page([])) == []
    assert scan.outcome is Outcome.COMPLETE
    assert scan.standing.accounts_read == 0


def test_the_first_follow_of_a_list_that_was_empty_is_sent() -> None:
    scan = next_scan()
    assert names(scan.take(page(["a"]))) == ["a"]
    assert scan.outcome is Outcome.COMPLETE


def test_a_whole_scan_sends_what_is_known_too() -> None:
    scan = next_scan("a", "b", whole=True, floor=0)
    assert names(scan.take(page(["a"], NOW - 50))) == ["a"]
    assert names(scan.take(page(["b"]))) == ["b"]
    assert scan.outcome is Outcome.COMPLETE


@pytest.mark.parametrize(("as_of", "whole"), [(NOW - 1, False), (NOW, True)])
def test_a_list_is_sent_whole_from_a_t_on(as_of: int, *, whole: bool) -> None:
    scan = next_scan("a", "b", whole_from=NOW, start_date=7)
    records = scan.take(page(["a"], NOW - 50, as_of=as_of, until=as_of))
    assert (names(records), scan.standing.whole) == (["a"] if whole else [], whole)
    assert scan.standing.floor == (7 if whole else NOW - 11 * DAY)


# What the next scan knows.


def test_the_newest_page_with_accounts_is_remembered() -> None:
    scan = first_scan()
    scan.take(page([], NOW - 1))
    scan.take(page(["a", "b"], NOW - 2 * DAY))
    scan.take(page(["c"]))
    remembered = scan.standing.memory
    assert split_hashes(remembered.hashes) == [hash_account("a"), hash_account("b")]


def test_what_the_next_scan_reads_again_is_remembered() -> None:
    scan = first_scan()
    scan.take(page(["a"], NOW - 50))
    scan.take(page(["b"], NOW - DAY - 1))
    scan.take(page(["c"]))
    assert split_hashes(scan.standing.memory.hashes) == [hash_account("a"), hash_account("b")]


def test_the_memory_of_many_accounts_is_bounded() -> None:
    scan = first_scan()
    for start in range(0, 3000, 100):
        scan.take(
            page([str(number) for number in range(start, start + 100)], NOW - 10 - start)
        )
    assert len(split_hashes(scan.standing.memory.hashes)) == 1000


def test_hashes_are_short_and_tell_accounts_apart() -> None:
    hashes = {hash_account(str(number)) for number in range(10_000)}
    assert len(hashes) == 10_000
    assert {len(one) for one in hashes} == {5}


def test_what_was_remembered_is_not_sent_by_the_next_scan() -> None:
    before = first_scan()
    pages = [page(["a", "b"], NOW - 50), page(["c"], NOW - 3 * DAY), page(["d"])]
    for each in pages:
        before.take(each)
    known = before.standing.memory
    visit = Visit("ann", bookmark=NOW, whole=False, floor=NOW - DAY, known=known)
    after = scan_of(visit, started=NOW + 60)
    first = page(["new", "a"], NOW - 40, as_of=NOW + 60, until=NOW + 60)
    assert names(after.take(first)) == ["new"]
    assert after.take(page(["b"], NOW - 50)) == []
    assert after.take(page(["c"], NOW - 3 * DAY)) == []
    assert after.outcome is Outcome.COMPLETE


# Going on with an unfinished scan.


def test_a_scan_goes_on_where_an_earlier_run_left_it() -> None:
    before = first_scan(floor=7)
    before.count_request()
    before.take(page(["a", "b"], NOW - 50, total=5))
    resumed = scan_of(Visit("ann", resume=before.standing), started=NOW + 3 * DAY)
    assert resumed.request == (NOW - 50, 100)
    resumed.count_request()
    records = resumed.take(page(["b", "c"], as_of=NOW + 3 * DAY, until=NOW + 3 * DAY))
    assert [(r[KEY], r["position"], r["scanned_at"]) for r in records] == [
        ("c", 3, in_utc(NOW))
    ]
    assert resumed.outcome is Outcome.COMPLETE
    assert resumed.standing == msgspec.structs.replace(
        before.standing,
        accounts_read=3,
        accounts_sent=3,
        requests=2,
        pages=2,
        boundary=hash_account("b") + hash_account("c"),
        memory=Memory(b"".join(map(hash_account, "abc")), 0),
        remembering=False,
        read_until=NOW + 3 * DAY,
        read_down_to=0,
        new=3,
    )


# What else a scan notes.


def test_an_account_without_its_key_may_be_missing_from_the_list() -> None:
    scan = first_scan()
    answer = page(["a"])
    keyless = dataclasses.replace(
        answer.page, accounts=Accounts(answer.page.accounts.rows, keyless=1)
    )
    scan.take(dataclasses.replace(answer, page=keyless))
    assert scan.standing.gap == "an account came without `username`"


def test_the_providers_count_and_its_cache_are_noted() -> None:
    scan = first_scan()
    scan.take(page(["a"], NOW - 50, total=7, cached_at=NOW - 9))
    scan.take(page(["b"]))
    assert (scan.standing.total, scan.standing.cached) == (7, True)


def test_times_are_rfc_3339_in_utc() -> None:
    assert in_utc(0) == "1970-01-01T00:00:00+00:00"
    assert dt.datetime.fromisoformat(in_utc(NOW)).timestamp() == NOW
