"""One scan, page by page: what a response adds to what is known of a list."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tap_tiktok_following.model import (
    Accounts,
    Entry,
    Outcome,
    Page,
    Policy,
    Response,
)
from tap_tiktok_following.scan.step import is_full, next_request, step
from tap_tiktok_following.state.entry import dump
from tap_tiktok_following.text import DAY, in_utc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_tiktok_following.model import Event

NOW = 1_700_000_000
FORWARD = "the cursor for the next page moves forward in time"
NO_CURSOR = "the response announces another page but contains no cursor"


class Scan:
    """A list that is read page by page, scan after scan.

    Attributes:
        entry: What is known of the list.
        policy: How it is read.
        event: What the last page added.
    """

    def __init__(self, page_size: int = 100, **policy: Any) -> None:
        self.entry = Entry("ann")
        self.policy = Policy("username", page_size=page_size, **policy)
        self.event: Event

    def take(
        self,
        names: Iterable[str] | str,
        cursor: int | None = None,
        *,
        has_more: bool | None = None,
        as_of: int = NOW,
        until: int | None = None,
        **page: Any,
    ) -> list[dict[str, Any]]:
        """Take a page, and return its records; it is the last one unless it has a cursor."""
        names = names.split() if isinstance(names, str) else names
        accounts = page.pop("accounts", Accounts([{"username": name} for name in names]))
        is_last = cursor is None if has_more is None else not has_more
        until = as_of if until is None else until
        response = Response(
            200,
            b"",
            as_of,
            until,
            as_of,
            page=Page(accounts, not is_last, cursor, **page),
            count=next_request(self.entry, self.policy)[1],
            is_final=True,
        )
        self.event = step(self.entry, response, self.policy)
        self.entry = self.event.entry
        return self.event.records

    def request(self) -> tuple[int | None, int]:
        """Cursor and count of the next request."""
        return next_request(self.entry, self.policy)

    @property
    def row(self) -> dict[str, Any]:
        """The row of the scan that ended."""
        assert self.event.row is not None
        return self.event.row


def read_once(names: str, cursor: int, rest: str = "", **policy: Any) -> Scan:
    """A list of two pages that was read ten days ago."""
    scan = Scan(**policy)
    scan.take(names, cursor, as_of=NOW - 10 * DAY)
    scan.take(rest, as_of=NOW - 10 * DAY)
    return scan


def names(records: list[dict[str, Any]]) -> list[str]:
    return [record["username"] for record in records]


def windows(records: list[dict[str, Any]]) -> set[tuple[str | None, str]]:
    return {(r["followed_at_earliest"], r["followed_at_latest"]) for r in records}


# Records and rows.


def test_record_contains_the_scan_the_position_and_the_window() -> None:
    scan = Scan()
    assert scan.take("a", NOW - 50) == [
        {
            "follower_username": "ann",
            "scanned_at": "2023-11-14T22:13:20+00:00",
            "previous_scanned_at": None,
            "position": 1,
            "followed_at_earliest": "2023-11-14T22:12:30+00:00",
            "followed_at_latest": "2023-11-14T22:13:20+00:00",
            "username": "a",
        }
    ]


def test_row_describes_the_scan() -> None:
    scan = Scan()
    scan.take("a b", NOW - 50, total=3, cached_at=NOW - 9)
    assert scan.event.row is None
    scan.take("c", as_of=NOW + 60)
    assert scan.row == {
        "follower_username": "ann",
        "scanned_at": in_utc(NOW),
        "previous_scanned_at": None,
        "outcome": Outcome.COMPLETE,
        "reason": None,
        "whole_list": True,
        "accounts_read": 3,
        "accounts_sent": 3,
        "accounts_lost": None,
        "read_until": in_utc(NOW + 60),
        "read_down_to": None,
        "requests": 2,
        "following_total": 3,
        "cached": True,
    }


def test_records_and_row_name_the_last_completed_scan_before() -> None:
    scan = read_once("a", NOW - 20 * DAY, "b")
    [new] = scan.take("new a", NOW - 20 * DAY)
    assert scan.row["previous_scanned_at"] == new["previous_scanned_at"]
    assert new["previous_scanned_at"] == in_utc(NOW - 10 * DAY)


def test_windows_are_the_cursors_around_a_page() -> None:
    scan = Scan()
    assert windows(scan.take("a", NOW - 50)) == {(in_utc(NOW - 50), in_utc(NOW))}
    assert windows(scan.take("b", NOW - 90)) == {(in_utc(NOW - 90), in_utc(NOW - 50))}
    assert windows(scan.take("c")) == {(None, in_utc(NOW - 90))}


def test_first_window_ends_at_the_clock_of_the_provider() -> None:
    for until, cursor, latest in ((NOW - 60, NOW - 90, NOW - 60), (NOW, NOW + 2, NOW + 2)):
        records = Scan().take("a", cursor, until=until)
        assert windows(records) == {(in_utc(cursor), in_utc(latest))}


def test_cursor_of_the_last_page_is_ignored() -> None:
    scan = Scan()
    records = scan.take("a", NOW + 99 * DAY, has_more=False)
    assert (scan.event.outcome, windows(records)) == (Outcome.COMPLETE, {(None, in_utc(NOW))})


def test_positions_count_accounts_that_are_not_sent_too() -> None:
    scan = read_once("b d", NOW - 20 * DAY, "z")
    first = scan.take("a b c", NOW - 50)
    second = scan.take("d e", NOW - 90)
    positions = [(record["username"], record["position"]) for record in first + second]
    assert positions == [("a", 1), ("c", 3), ("e", 5)]


def test_account_that_is_listed_again_is_sent_once() -> None:
    """On one page, on the boundary of two, and pages later."""
    scan = Scan()
    assert names(scan.take("a a b", NOW - 50)) == ["a", "b"]
    assert names(scan.take("b c", NOW - 60)) == ["c"]
    [last] = scan.take("a d")
    assert (last["username"], last["position"]) == ("d", 4)
    assert (scan.row["accounts_read"], scan.row["accounts_sent"]) == (4, 4)


def test_account_without_a_key_makes_the_list_incomplete() -> None:
    scan = Scan()
    scan.take("", accounts=Accounts([{"username": "a"}], keyless=1))
    assert (scan.row["whole_list"], scan.row["accounts_lost"]) == (False, None)
    assert scan.row["reason"] == "an account came without `username`"


# T.


def test_scan_starts_at_the_time_of_its_first_response() -> None:
    """A cached page makes it earlier; later pages do not change it."""
    scan = Scan()
    scan.take("a", NOW - 50, as_of=NOW - 7)
    [record] = scan.take("b", as_of=NOW + DAY)
    assert record["scanned_at"] == scan.row["scanned_at"] == in_utc(NOW - 7)
    assert dump(scan.entry)["replication_key_value"] == in_utc(NOW - 7)


def test_cached_page_covers_only_what_its_cache_does() -> None:
    page = Page(Accounts([]), has_more=False, next_cursor=None, cached_at=NOW - 3600)
    response = Response(200, b"", NOW, NOW + 1, NOW, page=page, count=100)
    cached = Response.of(response, page, 100)
    assert (cached.as_of, cached.until) == (NOW - 3600, NOW - 3600)


def test_two_scans_never_have_the_same_time() -> None:
    scan = Scan()
    for second in range(3):
        scan.take("a b")
        assert scan.row["scanned_at"] == in_utc(NOW + second)


# What is requested, and where a scan ends.


def test_pages_are_requested_at_the_cursors_of_the_responses() -> None:
    scan = Scan(page_size=30)
    assert scan.request() == (None, 30)
    scan.take("a", NOW - 50)
    assert (scan.event.outcome, scan.request()) == (None, (NOW - 50, 30))
    scan.take("b")
    assert (scan.event.outcome, scan.request()) == (Outcome.COMPLETE, (None, 30))


@pytest.mark.parametrize(("cursor", "ends"), [(NOW - 51, True), (NOW - 50, False)])
def test_scan_ends_at_a_cursor_below_the_start_date(cursor: int, *, ends: bool) -> None:
    scan = Scan(start_date=NOW - 50)
    scan.take("a", cursor)
    assert (scan.event.outcome is Outcome.COMPLETE) is ends
    if ends:
        assert scan.row["whole_list"]
        assert scan.row["read_down_to"] == in_utc(NOW - 50)


def test_incremental_scan_reads_down_to_the_lookback() -> None:
    scan = read_once("a b", NOW - 20 * DAY, "c", lookback=3 * DAY)
    assert names(scan.take("new", NOW - 12 * DAY)) == ["new"]
    assert scan.event.outcome is None
    scan.take("a", NOW - 13 * DAY - 1)
    assert (scan.row["outcome"], scan.row["whole_list"]) == (Outcome.COMPLETE, False)
    assert scan.row["read_down_to"] == in_utc(NOW - 13 * DAY)


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        (None, NO_CURSOR),
        (0, NO_CURSOR),
        (-1, NO_CURSOR),
        (NOW - 49, FORWARD),
        ((NOW - 50) * 1000, FORWARD),
    ],
    ids=["null", "zero", "negative", "forward", "milliseconds"],
)
def test_unusable_cursor_fails_the_scan_after_its_accounts_are_sent(
    cursor: int | None, reason: str
) -> None:
    scan = Scan()
    scan.take("a", NOW - 50)
    records = scan.take("b", cursor, has_more=True, reference="log_id 7")
    assert (names(records), windows(records)) == (["b"], {(None, in_utc(NOW - 50))})
    assert (scan.row["outcome"], scan.row["reason"]) == ("failed", f"{reason} (log_id 7)")
    assert scan.request() == (NOW - 50, 100)
    assert names(scan.take("b c")) == ["c"]
    assert scan.row["outcome"] == Outcome.COMPLETE


def test_unusable_cursor_of_the_first_page_starts_the_next_scan_anew() -> None:
    scan = Scan()
    scan.take("a b", NOW + 99 * DAY)
    assert scan.row["outcome"] == Outcome.FAILED
    assert scan.request() == (None, 100)
    assert names(scan.take("a b", as_of=NOW + 60)) == ["a", "b"]
    assert scan.row["scanned_at"] == in_utc(NOW + 60)


def test_cursor_that_stands_still_requests_the_largest_page() -> None:
    scan = Scan(page_size=2)
    scan.take("a b", NOW - 50)
    scan.take("b c", NOW - 50)
    assert scan.request() == (NOW - 50, 100)
    assert names(scan.take("b c d e", NOW - 60)) == ["d", "e"]
    assert scan.request() == (NOW - 60, 2)
    scan.take("f")
    assert (scan.row["whole_list"], scan.row["reason"]) == (True, None)


def test_cursor_that_still_stands_still_goes_down_one_second_with_a_reason() -> None:
    scan = Scan(page_size=2)
    scan.take("a b", NOW - 50)
    scan.take("b c", NOW - 50)
    scan.take("b c d", NOW - 50)
    assert scan.request() == (NOW - 51, 2)
    scan.take("e")
    assert (scan.row["outcome"], scan.row["whole_list"]) == (Outcome.COMPLETE, False)
    assert scan.row["reason"] == (
        f"more accounts were followed at {in_utc(NOW - 50)} than fit on a page; some may be "
        "missing"
    )


def test_cursor_that_never_moves_fails_the_scan_after_four_pages() -> None:
    scan = Scan()
    scan.take("a", NOW - 50)
    while scan.event.outcome is None:
        assert scan.take("a", scan.request()[0]) == []
    assert scan.row["reason"] == "the cursor for the next page never moves"
    assert (scan.row["outcome"], scan.row["requests"]) == (Outcome.FAILED, 5)


# Only what is new.


def test_list_without_new_follows_is_unchanged_after_one_request() -> None:
    scan = read_once("a b c", NOW - 20 * DAY, "d")
    assert scan.take("a b c", NOW - 20 * DAY) == []
    assert (scan.row["outcome"], scan.row["requests"]) == (Outcome.UNCHANGED, 1)
    assert (scan.row["whole_list"], scan.row["accounts_lost"]) == (False, 0)
    assert dump(scan.entry)["replication_key_value"] == in_utc(NOW)


def test_accounts_that_were_followed_again_hide_no_new_follow_below_them() -> None:
    """A page of known accounts that were all followed since the bookmark ends no scan."""
    scan = read_once("a b", NOW - 20 * DAY, "c")
    assert scan.take("b", NOW - 5) == []
    assert scan.event.outcome is None
    assert names(scan.take("new", NOW - 9)) == ["new"]
    assert scan.take("a", NOW - 21 * DAY) == []
    assert scan.event.outcome is Outcome.COMPLETE


def test_order_of_accounts_on_a_page_does_not_matter() -> None:
    scan = read_once("a b", NOW - 20 * DAY, "c")
    assert names(scan.take("b new a", NOW - 20 * DAY)) == ["new"]


def test_unchanged_list_may_start_with_empty_pages() -> None:
    scan = read_once("a b", NOW - 20 * DAY, "c")
    scan.take("", NOW - 5)
    assert scan.event.outcome is None
    assert scan.take("a b", NOW - 21 * DAY) == []
    assert scan.event.outcome is Outcome.UNCHANGED


def test_first_follow_of_a_list_that_was_empty_is_sent() -> None:
    scan = Scan()
    assert scan.take("", total=0) == []
    assert (scan.row["outcome"], scan.row["whole_list"]) == (Outcome.COMPLETE, True)
    assert scan.take("", as_of=NOW + DAY, total=0) == []
    assert names(scan.take("a", as_of=NOW + 5 * DAY, total=1)) == ["a"]


def test_full_scan_sends_known_accounts_too() -> None:
    scan = read_once("a", NOW - 20 * DAY, "b", full_scan_after=0)
    assert names(scan.take("a", NOW - 20 * DAY)) == ["a"]
    assert names(scan.take("b")) == ["b"]
    assert (scan.row["whole_list"], scan.row["accounts_lost"]) == (True, 0)


def test_full_scans_are_spread_over_the_second_half_of_their_interval() -> None:
    policy = Policy("username", full_scan_after=20 * DAY)
    entries = []
    for number in range(1000):
        scan = read_once("a", NOW - 20 * DAY, "b", full_scan_after=20 * DAY)
        scan.entry = Entry(f"user{number}")
        scan.take("a", NOW - 50)
        scan.take("b")
        entries.append(scan.entry)
    due = [
        sum(is_full(entry, NOW + days * DAY, policy) for entry in entries)
        for days in range(9, 21)
    ]
    assert (due[:2], due[-1]) == ([0, 0], 1000)
    assert all(60 <= after - before <= 140 for before, after in pairwise(due[1:]))


# What the next scan remembers.


def test_pages_of_the_lookback_are_not_sent_again() -> None:
    scan = Scan()
    for page, cursor in (("a b", NOW - 50), ("c", NOW - 3 * DAY), ("d", None)):
        scan.take(page, cursor)
    later = NOW + 60
    assert names(scan.take("new a", NOW - 40, as_of=later)) == ["new"]
    assert scan.take("b", NOW - 50, as_of=later) == []
    assert scan.take("c", NOW - 3 * DAY, as_of=later) == []
    assert scan.event.outcome is Outcome.COMPLETE


def test_newest_page_with_accounts_is_remembered() -> None:
    scan = Scan()
    scan.take("", NOW - 1)
    scan.take("a b", NOW - 2 * DAY)
    scan.take("c")
    assert scan.take("a b", NOW - 2 * DAY, as_of=NOW + DAY) == []


def test_memory_of_a_list_is_bounded() -> None:
    """At most 1,000 accounts of 5 bytes, and no key of any account."""
    scan = Scan()
    for start in range(0, 4000, 100):
        scan.take([f"account.{n}" for n in range(start, start + 100)], NOW - 10 - start)
    scan.take("last")
    stored = str(dump(scan.entry))
    assert "account" not in stored
    assert 6000 < len(stored) < 8000
    assert scan.row["accounts_read"] == 4001


def test_unfinished_scan_goes_on_at_its_page() -> None:
    scan = Scan()
    scan.take("a b", NOW - 50, total=3)
    assert scan.request() == (NOW - 50, 100)
    [record] = scan.take("b c", as_of=NOW + 3 * DAY, total=9)
    assert (record["username"], record["position"]) == ("c", 3)
    assert record["scanned_at"] == scan.row["scanned_at"] == in_utc(NOW)
    assert scan.row["following_total"] == 3
    assert scan.row["read_until"] == in_utc(NOW + 3 * DAY)
