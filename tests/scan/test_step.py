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


def test_cursor_that_never_moves_fails_the_scan_after_four_pages() -> None:
    scan = Scan()
    scan.take("a", NOW - 50)
    while scan.event.outcome is None:
        assert scan.take("a", scan.request()[0]) == []
    assert scan.row["reason"] == "the cursor for the next page never moves"
    assert (scan.row["outcome"], scan.row["requests"]) == (Outcome.FAILED, 5)


# When a scan is full.


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
