"""Lists that lose accounts: what is reported, what is read again, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_tiktok_following.text import DAY, HOUR
from tests.blinks import absences, empty, on_page
from tests.lives import NOW, Day, Life, each_row, follows_of, with_and_without_totals


def right(total: int) -> int:
    return total


def absent(_: int) -> None:
    """The Research API says nothing."""


def a_list(length: int, page_size: int = 100, *, totals: bool = True, **more: Any) -> Life:
    """Return a list of follows, a day apart, that was read once, a day ago."""
    life = Life(follows_of(length, every=DAY), page_size, **more)
    life.total = right if totals else absent
    life.read()
    life.now += DAY
    return life


def reported(day: Day) -> tuple[str, int | None, bool]:
    return day.row["outcome"], day.row["accounts_lost"], day.row["whole_list"]


LOSSES = [
    # The list and its page size, who left it, how many follows are new on top; and how many
    # lost accounts show on the pages, and with a total.
    ("nobody", 250, 100, (), 0, 0, 0),
    ("nobody, three are new", 250, 100, (), 3, 0, 0),
    ("three of the first page", 250, 100, (3, 40, 60), 0, 3, 3),
    ("two, five are new", 250, 100, (3, 40), 5, 2, 2),
    ("one far below, two are new", 250, 100, (200,), 2, 0, 1),
    ("one, 19 new on a page of 20", 250, 20, (5,), 19, None, 1),
    ("nobody of two, ten are new", 2, 100, (), 10, 0, 0),
    ("nobody of two, ten new on pages of five", 2, 5, (), 10, 0, 0),
    ("nobody of two, ten new on a page of ten", 2, 10, (), 10, 0, 0),
    ("nobody of two, ten new on a page of 11", 2, 11, (), 10, 0, 0),
    ("the last but one known account on the page", 250, 100, (94,), 5, 1, 1),
    ("one of two, ten are new", 2, 100, (1,), 10, 1, 1),
    ("two of two, ten are new", 2, 100, (0, 1), 10, 2, 2),
]


@with_and_without_totals
@pytest.mark.parametrize("full_scan_on_loss", [False, True])
@each_row(LOSSES, "length", "page_size", "lost", "new", "on_pages", "by_total")
def test_lost_accounts_are_counted_and_trigger_a_full_scan_in_the_same_scan(
    length: int,
    page_size: int,
    lost: Sequence[int],
    new: int,
    on_pages: int | None,
    by_total: int,
    *,
    totals: bool,
    full_scan_on_loss: bool,
) -> None:
    life = a_list(length, page_size, totals=totals, full_scan_on_loss=full_scan_on_loss)
    life.unfollow(*lost)
    names = life.follow(new, ago=60, every=60)
    day = life.read(after=0)
    found = by_total if totals else on_pages
    is_whole = full_scan_on_loss and bool(found)
    assert reported(day) == ("complete" if new or found else "unchanged", found, is_whole)
    assert sorted(day.sent) == sorted(life.listed if is_whole else names)
    assert day.requests == 1 or is_whole or page_size < 100
    gone = {f"old.{place}" for place in lost} if is_whole else set()
    assert {absence.account for absence in absences(life)} == gone
    after = life.read()
    assert (reported(after), after.sent) == (("unchanged", 0, False), [])


@with_and_without_totals
@pytest.mark.parametrize("again", [[0], [10], [99], [0, 2, 4]])
@pytest.mark.parametrize("ago", [0, 9999])
def test_some_followed_again_beside_new_ones_are_no_evidence_that_others_left(
    again: list[int], ago: int, *, totals: bool
) -> None:
    """They fill a page; the others are further down, not gone."""
    life = a_list(250, totals=totals, full_scan_on_loss=True)
    life.follow(100 - len(again), ago=60, every=60)
    for seconds, place in enumerate(again, ago):
        life.refollow(f"old.{place}", ago=seconds)
    assert reported(life.read(after=0)) == ("complete", 0, False)


@pytest.mark.parametrize(("length", "page_size"), [(1, 100), (3, 1)])
def test_new_follow_below_the_only_known_account_followed_again_is_sent(
    length: int, page_size: int
) -> None:
    life = Life(follows_of(length), page_size, repeat=False, lookback=0)
    life.read(after=0)
    life.now += HOUR
    life.follow(1, ago=60)
    life.refollow("old.0")
    assert "new.0" in life.read(after=0).sent


def test_page_that_stays_empty_shows_no_loss() -> None:
    life = Life(follows_of(430, every=60), full_scan_on_loss=True)
    life.read(after=0)
    life.blink = on_page(empty, 2)
    assert [reported(life.read(after=HOUR))[1] for _ in range(2)] == [None, None]


def test_dense_list_sends_nothing_known_after_a_quiet_day() -> None:
    life = Life(follows_of(430, every=1))
    life.read(after=0)
    life.read()
    life.follow()
    assert life.read().sent == ["new.0"]


def test_new_follows_that_fill_a_page_do_not_hide_a_loss_from_the_total() -> None:
    """No account on the page was remembered."""
    life = a_list(30, 10, repeat=False, full_scan_on_loss=True)
    life.unfollow(0)
    life.follow(10, every=600)
    assert 1 in {life.read(after=0).row["accounts_lost"], life.read().row["accounts_lost"]}
    assert [absence.account for absence in absences(life)] == ["old.0"]


def test_loss_on_a_later_page_makes_the_next_scan_full() -> None:
    """Whatever the bookmark says by then."""
    life = Life(follows_of(500, every=600), full_scan_on_loss=True)
    life.read(after=0)
    life.now += HOUR
    life.follow(90, every=30)
    life.unfollow(60)
    assert reported(life.read(after=0)) == ("complete", 1, False)
    second = life.read(after=HOUR)
    assert (second.row["whole_list"], sorted(second.sent)) == (True, sorted(life.listed))
    assert life.read(after=HOUR).row["outcome"] == "unchanged"


@with_and_without_totals
@pytest.mark.parametrize("full_scan_after", [0, None])
@pytest.mark.parametrize("new", [3, 30])
def test_cache_older_than_the_bookmark_shows_no_loss(
    new: int, full_scan_after: int | None, *, totals: bool
) -> None:
    """It does not list the follows that were made since it was filled."""
    life = a_list(50, totals=totals, full_scan_after=full_scan_after, full_scan_on_loss=True)
    life.follow(new, ago=60, every=60)
    life.read(after=HOUR)
    life.cached_for = 3 * HOUR
    assert reported(life.read(after=HOUR))[1:] == (None, False)
    life.cached_for = 0
    assert life.read(after=HOUR).row["accounts_lost"] == 0
    assert list(absences(life)) == []
    assert set(life.listed) <= life.sent


def test_page_without_a_cursor_for_the_next_one_shows_no_loss() -> None:
    """What is further down was not read."""
    life = Life(follows_of(50), 10, lookback=15 * HOUR, full_scan_on_loss=True)
    life.read(after=0)
    life.blink = lambda _, page: replace(page, next_cursor=None)
    day = life.read()
    assert (reported(day), day.sent) == (("failed", None, False), [])


# Totals that are wrong.


def test_total_shows_no_loss_under_a_start_date() -> None:
    life = a_list(250, full_scan_on_loss=True, start_date=NOW - 50 * DAY)
    life.unfollow(200)
    day = life.read()
    assert (reported(day), day.requests) == (("unchanged", 0, False), 1)


def test_total_that_no_full_scan_confirms_is_ignored_until_one_finds_it_right() -> None:
    """It makes one scan full, and no unfollow; the pages count all the time."""
    life = a_list(250, full_scan_on_loss=True, full_scan_after=20 * DAY)
    lie = iter(range(1, 100))
    life.total = lambda total: total - next(lie)
    days = [life.read() for _ in range(6)]
    assert [day.row["whole_list"] for day in days] == [True, *[False] * 5]
    assert [day.row["accounts_lost"] for day in days] == [0] * 6
    assert list(absences(life)) == []
    life.unfollow(3)
    assert reported(life.read()) == ("complete", 1, True)
    life.total = right
    assert sum(life.read().row["whole_list"] for _ in range(25)) == 1
    life.unfollow(200)
    assert reported(life.read()) == ("complete", 1, True)


def test_total_that_is_absent_once_is_not_disbelieved() -> None:
    life = a_list(430, full_scan_on_loss=True, full_scan_after=0)
    life.follow(3, ago=60)
    life.total = absent
    assert life.read().row["whole_list"]
    life.total, life.policy["full_scan_after"] = right, None
    life.read()
    life.unfollow(300)
    assert [life.read().row["accounts_lost"] for _ in range(2)] == [1, 0]


# Whatever happens.


@settings(max_examples=200, deadline=None)
@given(
    length=st.integers(0, 70),
    history=st.lists(
        st.tuples(st.integers(0, 25), st.lists(st.integers(0, 69), max_size=5)),
        min_size=1,
        max_size=6,
    ),
    page_size=st.integers(10, 30),
    repeat=st.booleans(),
    total=st.sampled_from([right, absent]),
)
def test_no_loss_is_overstated_and_each_that_shows_is_reported_by_the_next_scan(
    length: int,
    history: list[tuple[int, list[int]]],
    page_size: int,
    total: Callable[[int], int | None],
    *,
    repeat: bool,
) -> None:
    """A right total shows every loss; the pages show those that are few and on the first one.

    On each day of the history some accounts are new, and those at some places leave.
    """
    life = Life(follows_of(length, every=3 * HOUR), page_size, repeat=repeat)
    life.policy["full_scan_on_loss"] = True
    life.total = total
    life.read(after=0)
    is_waiting, unreported = False, set[str]()
    for new, places in history:
        before = life.listed
        life.now += DAY
        for place in places:
            if place < len(life.listed):
                life.leave(life.listed[place])
        lost = [place for place, name in enumerate(before) if name not in life.listed]
        unreported.update(before[place] for place in lost)
        life.follow(new, every=600)
        row = life.read(after=0).row
        assert set(life.listed) <= life.sent
        assert (row["accounts_lost"] or 0) <= len(unreported)
        is_doubted = row["outcome"] == "complete" and row["reason"] is not None
        assert not is_waiting or row["whole_list"] or is_doubted or not life.listed
        known = page_size - new  # on the first page; three show where a list goes on
        is_on_page = bool(lost) and known > max(lost[0], 2)
        is_shown = total is right or (is_on_page and len(lost) < 4 and len(before) > 5)
        is_waiting = is_doubted or (bool(lost) and is_shown and not row["whole_list"])
        if row["accounts_lost"] is not None:
            unreported.clear()


@pytest.mark.parametrize("kept", range(1, 6))
def test_where_all_that_is_known_is_gone_but_some_that_were_followed_again(kept: int) -> None:
    life = a_list(40, 20, totals=False)
    new = life.follow(4, ago=60)
    life.unfollow(*range(40))
    for place in reversed(range(kept)):
        life.refollow(f"old.{place}", ago=place)
    assert set(new) <= set(life.read(after=0).sent)
