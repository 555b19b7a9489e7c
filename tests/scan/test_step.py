"""One scan: its records, its row, and where it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from sandbox import Follow
from tap_tiktok_following.model import Accounts, Entry, Memory, Page, Policy, Response
from tap_tiktok_following.scan.step import is_full, step
from tap_tiktok_following.text import DAY, HOUR, in_utc
from tests.lives import NOW, Life, follows_of


def test_scan_that_took_three_days_keeps_the_time_and_the_total_of_its_first_page() -> None:
    life = Life(follows_of(150), repeat=False)
    life.total = lambda total: total if life.now == NOW else 999
    life.read(after=0, budget=1)
    day = life.read(after=3 * DAY)
    assert {record["scanned_at"] for record in life.records} == {in_utc(NOW)}
    assert [record["position"] for record in life.records] == list(range(1, 151))
    assert life.records[-1]["followed_at_latest"] == in_utc(NOW - 101 * HOUR)
    expected = {
        "scanned_at": in_utc(NOW),
        "read_until": in_utc(NOW + 3 * DAY),
        "accounts_sent": 150,
        "following_total": 150,
        "requests": 2,
    }
    assert day.row.items() >= expected.items()


def test_first_window_ends_at_the_cursor_if_the_clock_is_behind_it() -> None:
    page = Page(Accounts([{"username": "new"}]), has_more=True, next_cursor=NOW + 2)
    response = Response(200, b"", NOW, NOW, NOW, page=page, count=100)
    [record] = step(Entry("ann"), response, Policy("username")).records
    assert record["followed_at_latest"] == in_utc(NOW + 2)


@pytest.mark.parametrize(("at", "position"), [(-HOUR - 60, 3), (-9 * HOUR, 5)])
def test_follow_that_is_shown_late_is_sent_with_its_position(at: int, position: int) -> None:
    """Between known accounts, and below all of a short list."""
    life = Life(follows_of(3))
    life.read(after=0)
    life.follow()
    life.world.follow("ann", "late", at=NOW + at)
    assert life.read(after=0).sent == ["new.0", "late"]
    assert [record["position"] for record in life.records[-2:]] == [1, position]


def changed(change: Callable[[Accounts], Accounts]) -> Callable[[int, Page], Page]:
    """Return what changes the accounts of every page."""
    return lambda _, page: replace(page, accounts=change(page.accounts))


def test_account_that_is_listed_again_is_sent_once() -> None:
    """On one page, on the boundary of two, and pages later."""
    life = Life(follows_of(25), 10)
    life.blink = changed(lambda listed: Accounts([*listed.rows, {"username": "old.0"}]))
    day = life.read()
    assert day.sent == life.listed
    assert (day.row["accounts_read"], day.row["accounts_sent"]) == (25, 25)


def test_many_seconds_may_have_more_follows_than_fit_on_a_page() -> None:
    day = Life([Follow(f"tied.{n}", NOW - n // 120) for n in range(600)]).read()
    assert (day.row["outcome"], len(set(day.sent))) == ("complete", 500)


def test_account_without_a_key_makes_the_list_incomplete() -> None:
    life = Life(follows_of(3), full_scan_after=0)
    life.read()
    life.unfollow(1)
    life.blink = changed(lambda listed: Accounts(listed.rows, keyless=1))
    row = life.read().row
    assert (row["whole_list"], row["accounts_lost"]) == (False, None)
    assert row["reason"] == "an account came without `username`"


def test_two_scans_never_have_the_same_time() -> None:
    life = Life(follows_of(3))
    times = [life.read(after=0).row["scanned_at"] for _ in range(3)]
    assert times == [in_utc(NOW + second) for second in range(3)]


def test_later_page_from_an_older_cache_does_not_move_the_end_of_a_scan_back() -> None:
    life = Life(follows_of(150))

    def blink(_: int, page: Page) -> Page:
        life.cached_for += HOUR
        return page

    life.blink = blink
    assert life.read(after=0).row["read_until"] == in_utc(NOW)


@pytest.mark.parametrize(("start_date", "requests"), [(1, 1), (0, 2)])
def test_full_scan_ends_at_a_cursor_below_the_start_date(
    start_date: int, requests: int
) -> None:
    """The next cursor of the first page is three hours ago."""
    start_date += NOW - 3 * HOUR
    day = Life(follows_of(9), 3, start_date=start_date).read(after=0)
    assert (day.requests, day.row["whole_list"]) == (requests, True)
    assert day.row["read_down_to"] == in_utc(start_date)


@pytest.mark.parametrize(("lookback", "requests"), [(2 * HOUR - 1, 1), (2 * HOUR, 2)])
def test_incremental_scan_reads_down_to_the_lookback(lookback: int, requests: int) -> None:
    """The next cursor of the first page is two hours ago."""
    life = Life(follows_of(30), 3, lookback=lookback)
    life.read(after=0)
    life.follow()
    day = life.read(after=0)
    assert (day.sent, day.requests) == (["new.0"], requests)
    assert (day.row["outcome"], day.row["whole_list"]) == ("complete", False)
    assert day.row["read_down_to"] == in_utc(NOW - lookback)


def test_full_scans_are_spread_over_the_second_half_of_their_interval() -> None:
    policy = Policy("username", full_scan_after=20 * DAY)
    entries = [
        Entry(f"user{number}", bookmark=NOW, full_scanned_at=NOW, known=Memory(b"12345"))
        for number in range(1000)
    ]
    due = [
        sum(is_full(entry, NOW + days * DAY, policy) for entry in entries)
        for days in range(9, 21)
    ]
    assert (due[:2], due[-1]) == ([0, 0], 1000)
    assert all(60 <= after - before <= 140 for before, after in pairwise(due[1:]))
