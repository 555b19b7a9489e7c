"""Lists that lose accounts: what is told of it, what is read again, and what that costs."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_tiktok_following.text import DAY, HOUR
from tests.lives import NOW, Life, follows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lives import Day

lives = settings(max_examples=150, deadline=None)


def right(total: int) -> int:
    return total


def absent(_: int) -> None:
    """The Research API says nothing."""


def too_low(total: int) -> int:
    return total * 2 // 3


def too_high(total: int) -> int:
    return total * 2 + 7


def a_life(length: int, page_size: int = 100, *, totals: bool, **more: Any) -> Life:
    """A list of follows, a day apart, with or without totals, that was read once."""
    life = Life(follows_of(length, every=DAY), page_size, **more)
    if totals:
        life.total = right
    life.read()
    return life


def told(day: Day) -> tuple[str, int | None]:
    return day.row["outcome"], day.row["accounts_lost"]


with_and_without_totals = pytest.mark.parametrize("totals", [True, False])


# As data.


def test_the_first_scan_knows_of_no_loss() -> None:
    life = Life(follows_of(5))
    assert told(life.read()) == ("complete", None)


@with_and_without_totals
def test_a_list_that_lost_nothing(*, totals: bool) -> None:
    life = a_life(250, totals=totals)
    assert told(life.read()) == ("unchanged", 0)
    life.follow(3)
    assert told(life.read()) == ("complete", 0)


@with_and_without_totals
def test_a_scan_that_only_lost_accounts_sends_nothing_and_costs_a_request(
    *, totals: bool
) -> None:
    life = a_life(250, totals=totals)
    for place in (3, 40, 60):
        life.world.unfollow("ann", f"old.{place}")
    day = life.read()
    assert (told(day), day.sent, day.requests) == (("complete", 3), [], 1)
    assert (told(life.read()), life.read().requests) == (("unchanged", 0), 1)


def test_a_loss_that_is_hidden_by_as_many_new_follows_is_told() -> None:
    life = a_life(250, totals=False)
    for place in (3, 40):
        life.world.unfollow("ann", f"old.{place}")
    names = life.follow(5)
    day = life.read()
    assert (told(day), sorted(day.sent)) == (("complete", 2), names)


def test_a_loss_far_below_is_told_by_the_total_alone() -> None:
    for totals, gone in ((True, 1), (False, 0)):
        life = a_life(250, totals=totals)
        life.world.unfollow("ann", "old.200")
        life.follow(2)
        assert told(life.read()) == ("complete", gone)


def test_an_account_that_went_private_is_lost_too() -> None:
    life = a_life(250, totals=False)
    life.world.hide("old.7")
    assert told(life.read()) == ("complete", 1)


@with_and_without_totals
def test_a_cache_that_is_older_than_the_last_scan_tells_no_loss(*, totals: bool) -> None:
    """It does not show what was followed since it was filled."""
    life = a_life(250, totals=totals, full_scan_on_loss=True)
    life.now += DAY
    life.follow(3)
    life.read(after=HOUR)
    life.cached_for = 3 * HOUR
    day = life.read(after=HOUR)
    assert (day.row["accounts_lost"], day.row["whole_list"], day.sent) == (None, False, [])
    assert day.requests == 1
    life.cached_for = 0
    assert life.read(after=HOUR).row["accounts_lost"] == 0


# Read whole.


@with_and_without_totals
def test_with_full_scan_on_loss_the_list_is_sent_whole_in_the_same_scan(
    *, totals: bool
) -> None:
    life = a_life(250, totals=totals, full_scan_on_loss=True)
    life.world.unfollow("ann", "old.40")
    new = life.follow(2)
    day = life.read()
    assert (told(day), day.row["whole_list"]) == (("complete", 1), True)
    assert (sorted(day.sent), day.requests) == (sorted(life.listed), 3)
    assert set(new) <= set(day.sent)
    assert (told(life.read()), life.read().requests) == (("unchanged", 0), 1)


def test_loss_on_a_later_page_makes_the_next_scan_full() -> None:
    """Whatever the bookmark says by then."""
    life = Life(follows_of(500, every=600), full_scan_on_loss=True)
    life.read(after=0)
    life.now += HOUR
    life.follow(90, every=30)
    life.world.unfollow("ann", "old.60")
    first = life.read(after=0)
    assert (told(first), first.row["whole_list"]) == (("complete", 1), False)
    second = life.read(after=HOUR)
    assert second.row["whole_list"]
    assert sorted(second.sent) == sorted(life.listed)
    assert life.read(after=HOUR).row["outcome"] == "unchanged"


def test_total_shows_no_loss_under_a_start_date() -> None:
    life = a_life(250, totals=True, full_scan_on_loss=True, start_date=NOW - 50 * DAY)
    life.world.unfollow("ann", "old.200")
    day = life.read()
    assert (told(day), day.requests, day.row["whole_list"]) == (("unchanged", 0), 1, False)


# Totals that lie.


def whole_days(life: Life, days: int, before: Callable[[int], None]) -> list[bool]:
    whole = []
    for number in range(days):
        life.now += DAY
        before(number)
        whole.append(life.read(after=0).row["whole_list"])
    return whole


def test_total_that_a_full_scan_does_not_confirm_is_ignored() -> None:
    life = a_life(250, totals=True, full_scan_on_loss=True)
    lie = [0]
    life.total = lambda total: total - lie[0]

    def sink(_: int) -> None:
        lie[0] += 1

    assert whole_days(life, 4, sink) == [True, False, False, False]
    assert life.read().row["accounts_lost"] == 0
    life.world.unfollow("ann", "old.3")
    assert life.read().row["whole_list"], "by the pages"


def test_full_scan_that_is_due_makes_a_right_total_count_again() -> None:
    life = a_life(250, totals=True, full_scan_on_loss=True, full_scan_after=20 * DAY)
    lie = [0]
    life.total = lambda total: total - lie[0]

    def sink(_: int) -> None:
        lie[0] += 1

    assert whole_days(life, 3, sink) == [True, False, False]
    life.total = right
    refreshed = [number for number in range(25) if life.read().row["whole_list"]]
    assert len(refreshed) == 1
    life.world.unfollow("ann", "old.200")
    assert life.read().row["whole_list"]


def test_total_that_is_a_scan_late_costs_no_more_than_one_full_scan() -> None:
    life = a_life(250, totals=True, full_scan_on_loss=True)
    late = [250, 250]
    life.total = lambda _: late[0]

    def grow(number: int) -> None:
        late[0], late[1] = late[1], late[1] + 3 * (number % 3)
        life.follow(3 * (number % 3))

    whole = whole_days(life, 30, grow)
    assert sum(whole) <= 3 or not any(whole[12:])


# Whatever happens.


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Days of follows, unfollows and accounts hidden and shown."""
    places = st.lists(st.integers(0, 69), max_size=5)
    return draw(
        st.lists(
            st.fixed_dictionaries(
                {"new": st.integers(0, 25), "gone": places, "hidden": places, "again": places}
            ),
            min_size=1,
            max_size=6,
        )
    )


@lives
@given(
    length=st.integers(0, 70),
    history=histories(),
    page_size=st.integers(10, 30),
    repeat=st.booleans(),
    totals=st.booleans(),
)
def test_losses_are_never_overstated_and_found_by_the_next_scan(
    length: int, history: list[dict[str, Any]], page_size: int, *, repeat: bool, totals: bool
) -> None:
    """With totals all of them, without those that the first page would still show."""
    life = Life(follows_of(length, every=3 * HOUR), page_size, repeat=repeat)
    life.policy["full_scan_on_loss"] = True
    if totals:
        life.total = right
    before, waiting = _read(life), False
    unreported: set[str] = set()
    for day in history:
        life.now += DAY
        for place in day["gone"]:
            if place < len(before):
                life.world.unfollow("ann", before[place])
        life.follow(day["new"], every=600)
        lost = [place for place, name in enumerate(before) if name not in life.listed]
        unreported.update(before[place] for place in lost)
        row = life.read(after=0).row
        is_doubted = row["outcome"] == "complete" and bool(row["reason"])
        assert (row["accounts_lost"] or 0) <= len(unreported)
        assert set(life.listed) <= life.sent
        assert not waiting or row["whole_list"] or is_doubted or not life.listed
        is_on_page = lost and lost[0] + day["new"] < page_size
        is_shown = is_on_page and len(lost) < 4 and len(before) > 5
        waiting = bool(lost and (totals or is_shown) and not row["whole_list"])
        waiting = waiting or is_doubted
        if row["accounts_lost"] is not None:
            unreported.clear()
        before = life.listed


@lives
@given(
    length=st.integers(0, 70),
    history=histories(),
    page_size=st.integers(10, 30),
    repeat=st.booleans(),
    full_scan_on_loss=st.booleans(),
    total=st.sampled_from([right, absent, too_low, too_high]),
)
def test_no_follow_is_lost_and_no_request_wasted_whoever_leaves_and_comes_back(
    length: int,
    history: list[dict[str, Any]],
    page_size: int,
    *,
    repeat: bool,
    full_scan_on_loss: bool,
    total: Callable[[int], int | None],
) -> None:
    """Unfollowed, followed again, hidden and shown: what is new on top is always sent.

    Whatever the provider says the list's length is: right, wrong or nothing.
    """
    life = Life(follows_of(length, every=3 * HOUR), page_size, repeat=repeat)
    life.total = total
    life.policy["full_scan_on_loss"] = full_scan_on_loss
    before = _read(life)
    for day in history:
        life.now += DAY
        for place in day["gone"]:
            if place < len(before):
                life.world.unfollow("ann", before[place])
        _hide_and_follow_again(life, day)
        life.follow(day["new"], every=600)
        read = life.read(after=0)
        assert set(life.listed) <= life.sent
        if not (full_scan_on_loss or day["new"] or day["again"] or life.world.hidden):
            assert read.requests <= 1 + (total is too_high)  # which looks cut
        most = ceil((len(life.listed) + len(life.world.hidden)) / (page_size - 1)) + 2
        assert read.requests <= most
        before = life.listed


def test_where_all_that_is_known_is_gone_but_one_that_was_followed_again() -> None:
    for kept in range(1, 6):
        life = a_life(40, 20, totals=False)
        new = life.follow(4, ago=60)
        for place in range(40):
            life.world.unfollow("ann", f"old.{place}")
        for place in reversed(range(kept)):
            life.world.follow("ann", f"old.{place}", at=life.now - place)
        assert set(new) <= set(life.read().sent)


def _hide_and_follow_again(life: Life, day: dict[str, Any]) -> None:
    for place in day["again"]:
        if place < len(life.listed):
            life.refollow(life.listed[place])
    for place in day["hidden"]:
        if place < len(life.listed):
            life.world.hide(life.listed[place])


def _read(life: Life) -> list[str]:
    life.read(after=0)
    return life.listed
