"""One scan, page by page: what a response adds to what is known of a list."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tap_tiktok_following.model import Accounts, Entry, Outcome, Page, Policy, Response
from tap_tiktok_following.scan.step import is_full, next_request, step
from tap_tiktok_following.state.entry import dump
from tap_tiktok_following.text import DAY, in_utc

if TYPE_CHECKING:
    from tap_tiktok_following.model import Event

NOW = 1_700_000_000


class Scan:
    """A list that is read page by page, scan after scan.

    Attributes:
        entry: What is known of the list.
        event: What the last page added.
    """

    def __init__(self, page_size: int = 100, **policy: Any) -> None:
        self.entry = Entry("ann")
        self.event: Event
        self._policy = Policy("username", page_size=page_size, **policy)

    def take(
        self,
        names: str,
        cursor: int | None = None,
        *,
        has_more: bool | None = None,
        as_of: int = NOW,
        until: int | None = None,
        keyless: int = 0,
        **page: Any,
    ) -> list[dict[str, Any]]:
        """Take a page, and return its records; it is the last one unless it has a cursor."""
        accounts = Accounts([{"username": name} for name in names.split()], keyless)
        has_more = cursor is not None if has_more is None else has_more
        response = Response(
            200,
            b"",
            as_of,
            as_of if until is None else until,
            as_of,
            page=Page(accounts, has_more, cursor, **page),
            count=self.request()[1],
            is_final=True,
        )
        self.event = step(self.entry, response, self._policy)
        self.entry = self.event.entry
        return self.event.records

    def request(self) -> tuple[int | None, int]:
        """Return cursor and count of the next request."""
        return next_request(self.entry, self._policy)

    @property
    def row(self) -> dict[str, Any]:
        """The row of the scan that ended."""
        assert self.event.row is not None
        return self.event.row


def read_once(names: str, cursor: int, rest: str = "", **policy: Any) -> Scan:
    """Return a list of two pages that was read ten days ago."""
    scan = Scan(**policy)
    scan.take(names, cursor, as_of=NOW - 10 * DAY)
    scan.take(rest, as_of=NOW - 10 * DAY)
    return scan


def names(records: list[dict[str, Any]]) -> str:
    return " ".join(record["username"] for record in records)


def windows(records: list[dict[str, Any]]) -> set[tuple[str | None, str]]:
    return {(r["followed_at_earliest"], r["followed_at_latest"]) for r in records}


# Records and rows.


def test_record_contains_the_scan_the_position_and_the_window() -> None:
    scan = read_once("a", NOW - 20 * DAY, "b")
    assert scan.take("new a", NOW - 20 * DAY) == [
        {
            "follower_username": "ann",
            "scanned_at": "2023-11-14T22:13:20+00:00",
            "previous_scanned_at": "2023-11-04T22:13:20+00:00",
            "position": 1,
            "followed_at_earliest": "2023-10-25T22:13:20+00:00",
            "followed_at_latest": "2023-11-14T22:13:20+00:00",
            "username": "new",
        }
    ]


def test_row_and_records_of_a_scan_that_took_three_days() -> None:
    """T, the total and the position are those of its first page, and are kept."""
    scan = Scan()
    [first] = scan.take("a", NOW - 50, total=3, cached_at=NOW - 9)
    assert scan.event.row is None
    assert scan.request() == (NOW - 50, 100)
    [_, last] = scan.take("b c", as_of=NOW + 3 * DAY, total=9)
    assert (last["position"], last["scanned_at"]) == (3, first["scanned_at"])
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
        "read_until": in_utc(NOW + 3 * DAY),
        "read_down_to": None,
        "requests": 2,
        "following_total": 3,
        "cached": True,
    }
    assert dump(scan.entry)["replication_key_value"] == in_utc(NOW)


def test_windows_are_the_cursors_around_a_page() -> None:
    """The cursor of the last page says nothing."""
    scan = Scan()
    assert windows(scan.take("a", NOW - 50)) == {(in_utc(NOW - 50), in_utc(NOW))}
    assert windows(scan.take("b", NOW - 90)) == {(in_utc(NOW - 90), in_utc(NOW - 50))}
    last = scan.take("c", NOW + 99 * DAY, has_more=False)
    assert windows(last) == {(None, in_utc(NOW - 90))}
    assert scan.row["outcome"] == Outcome.COMPLETE


@pytest.mark.parametrize(
    ("until", "cursor", "latest"), [(NOW - 60, NOW - 90, NOW - 60), (NOW, NOW + 2, NOW + 2)]
)
def test_first_window_ends_at_the_clock_of_the_provider(
    until: int, cursor: int, latest: int
) -> None:
    """Or at its cursor, if that clock is a little behind it."""
    records = Scan().take("a", cursor, until=until)
    assert windows(records) == {(in_utc(cursor), in_utc(latest))}


def test_positions_count_accounts_that_are_not_sent_too() -> None:
    scan = read_once("b d", NOW - 20 * DAY, "z")
    records = scan.take("a b c", NOW - 50) + scan.take("d e", NOW - 90)
    positions = {record["username"]: record["position"] for record in records}
    assert positions == {"a": 1, "c": 3, "e": 5}


def test_account_that_is_listed_again_is_sent_once() -> None:
    """On one page, on the boundary of two, and pages later."""
    scan = Scan()
    assert names(scan.take("a a b", NOW - 50)) == "a b"
    assert names(scan.take("b c", NOW - 60)) == "c"
    [last] = scan.take("a d")
    assert (last["username"], last["position"]) == ("d", 4)
    assert (scan.row["accounts_read"], scan.row["accounts_sent"]) == (4, 4)


def test_account_without_a_key_makes_the_list_incomplete() -> None:
    scan = read_once("a b", NOW - 20 * DAY, "c", full_scan_after=0)
    scan.take("a c", keyless=1)
    assert (scan.row["whole_list"], scan.row["accounts_lost"]) == (False, None)
    assert scan.row["reason"] == "an account came without `username`"


def test_cached_page_is_as_of_its_cache() -> None:
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


@pytest.mark.parametrize(("cursor", "ends"), [(NOW - 51, True), (NOW - 50, False)])
def test_scan_ends_at_a_cursor_below_the_start_date(cursor: int, *, ends: bool) -> None:
    scan = Scan(start_date=NOW - 50)
    scan.take("a", cursor)
    assert (scan.event.row is not None) is ends
    if ends:
        assert scan.row["whole_list"]
        assert scan.row["read_down_to"] == in_utc(NOW - 50)


def test_incremental_scan_reads_down_to_the_lookback() -> None:
    scan = read_once("a b", NOW - 20 * DAY, "c", lookback=3 * DAY)
    assert names(scan.take("new", NOW - 13 * DAY)) == "new"
    assert scan.event.row is None
    scan.take("a", NOW - 13 * DAY - 1)
    assert (scan.row["outcome"], scan.row["whole_list"]) == (Outcome.COMPLETE, False)
    assert scan.row["read_down_to"] == in_utc(NOW - 13 * DAY)


NO_CURSOR = "the response announces another page but contains no cursor (log_id 7)"
FORWARD = "the cursor for the next page moves forward in time (log_id 7)"


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [(None, NO_CURSOR), (0, NO_CURSOR), (-1, NO_CURSOR), (NOW - 49, FORWARD)],
)
def test_unusable_cursor_fails_the_scan_after_its_accounts_are_sent(
    cursor: int | None, reason: str
) -> None:
    scan = Scan()
    scan.take("a", NOW - 50)
    records = scan.take("b", cursor, has_more=True, reference="log_id 7")
    assert (names(records), windows(records)) == ("b", {(None, in_utc(NOW - 50))})
    assert (scan.row["outcome"], scan.row["reason"]) == ("failed", reason)
    assert scan.request() == (NOW - 50, 100)
    assert names(scan.take("b c")) == "c"
    assert scan.row["outcome"] == Outcome.COMPLETE


def test_unusable_cursor_of_the_first_page_starts_the_next_scan_anew() -> None:
    scan = Scan()
    scan.take("a b", NOW + DAY + 1)
    assert scan.row["outcome"] == Outcome.FAILED
    assert scan.request() == (None, 100)
    assert names(scan.take("a b", as_of=NOW + 60)) == "a b"
    assert scan.row["scanned_at"] == in_utc(NOW + 60)


def test_cursor_that_stands_still_requests_the_largest_page_then_one_second_less() -> None:
    scan = Scan(page_size=2)
    scan.take("a b", NOW - 50)
    scan.take("b c", NOW - 50)
    assert scan.request() == (NOW - 50, 100)
    assert names(scan.take("b c d", NOW - 60)) == "d"
    assert scan.request() == (NOW - 60, 2)
    scan.take("e f", NOW - 60)
    scan.take("e f g", NOW - 60)
    assert scan.request() == (NOW - 61, 2)
    scan.take("h")
    assert (scan.row["outcome"], scan.row["whole_list"]) == (Outcome.COMPLETE, False)
    assert scan.row["reason"] == (
        f"more accounts were followed at {in_utc(NOW - 60)} than fit on a page; some may be "
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


@pytest.mark.parametrize(
    ("pages", "outcome"),
    [
        pytest.param(
            [("b", 5, ""), ("new", 9, "new"), ("a", 21 * DAY, "")],
            Outcome.COMPLETE,
            id="a page of accounts that were all followed again ends no scan",
        ),
        pytest.param(
            [("b new a", 20 * DAY, "new")],
            Outcome.COMPLETE,
            id="the order of accounts on a page does not matter",
        ),
        pytest.param(
            [("", 5, ""), ("a b", 21 * DAY, "")],
            Outcome.UNCHANGED,
            id="an unchanged list may start with an empty page",
        ),
    ],
)
def test_incremental_scan_sends_new_follows(
    pages: list[tuple[str, int, str]], outcome: Outcome
) -> None:
    """Each page: its accounts, how long ago the next one starts, and what is sent of it."""
    scan = read_once("a b", NOW - 20 * DAY, "c")
    for number, (page, age, sent) in enumerate(pages, 1):
        assert names(scan.take(page, NOW - age)) == sent
        assert (scan.event.row is None) is (number < len(pages))
    assert (scan.row["outcome"], scan.row["requests"]) == (outcome, len(pages))


def test_full_scans_are_spread_over_the_second_half_of_their_interval() -> None:
    policy = Policy("username", full_scan_after=20 * DAY)
    known = read_once("a", NOW - 20 * DAY, "b").entry.known
    entries = [
        Entry(f"user{number}", bookmark=NOW, full_scanned_at=NOW, known=known)
        for number in range(1000)
    ]
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
    assert names(scan.take("new a", NOW - 40, as_of=later)) == "new"
    assert scan.take("b", NOW - 50, as_of=later) == []
    assert scan.take("c", NOW - 3 * DAY, as_of=later) == []
    assert scan.row["outcome"] == Outcome.COMPLETE


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
        page = " ".join(f"account.{number}" for number in range(start, start + 100))
        scan.take(page, NOW - 10 - start)
    scan.take("last")
    stored = str(dump(scan.entry))
    assert "account" not in stored
    assert 6000 < len(stored) < 8000
    assert scan.row["accounts_read"] == 4001
