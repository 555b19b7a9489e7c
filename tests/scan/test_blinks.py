"""A provider that blinks: no wrong list becomes an unfollow, and every follow arrives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tap_tiktok_following.model import Accounts
from tap_tiktok_following.text import DAY
from tests.blinks import (
    Absence,
    absences,
    early_end,
    empty,
    false_absences,
    false_news,
    null,
    on_page,
    once,
)
from tests.lives import Life, follows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_tiktok_following.model import Page
    from tests.lives import Blink, Day

    Change = Callable[[Page], Page]

with_and_without_totals = pytest.mark.parametrize(
    "totals", [pytest.param(True, id="totals"), pytest.param(False, id="no totals")]
)

ALL_PAGES = range(1, 20)


def a_list(length: int, *, totals: bool, **policy: Any) -> Life:
    """Return a list whose every scan is full unless the policy says otherwise."""
    life = Life(follows_of(length), **{"full_scan_after": 0, **policy})
    if totals:
        life.total = lambda total: total
    return life


def read_badly(life: Life, blink: Blink, **read: Any) -> Day:
    life.blink, usual = blink, life.blink
    day = life.read(**read)
    life.blink = usual
    return day


def is_doubted(day: Day) -> bool:
    row = day.row
    is_told = row["reason"] is not None and row["accounts_lost"] is None
    return row["outcome"] == "complete" and not row["whole_list"] and is_told


def is_whole(day: Day) -> bool:
    return bool(day.row["outcome"] == "complete" and day.row["whole_list"])


def check_healed(life: Life) -> None:
    """Assert that the next scan reads the whole list, and that no row was a lie."""
    assert is_whole(life.read())
    assert set(life.listed) <= life.sent
    assert false_absences(life) == []


# A response that may be wrong is requested once more.


@with_and_without_totals
@pytest.mark.parametrize("change", [empty, null])
def test_a_page_that_is_empty_once_costs_one_request(change: Change, *, totals: bool) -> None:
    life = a_list(150, totals=totals)
    life.read()
    day = read_badly(life, once(change, 2))
    assert (is_whole(day), day.requests, day.row["requests"]) == (True, 3, 3)
    assert (day.row["accounts_read"], day.row["accounts_lost"]) == (150, 0)
    check_healed(life)


@with_and_without_totals
def test_a_list_that_ends_too_early_once_costs_one_request(*, totals: bool) -> None:
    life = a_list(430, totals=totals)
    life.read()
    day = read_badly(life, once(early_end, 1))
    assert (is_whole(day), day.requests, day.row["accounts_read"]) == (True, 6, 430)
    check_healed(life)


@with_and_without_totals
def test_a_response_is_requested_no_more_than_once_again(*, totals: bool) -> None:
    life = a_list(150, totals=totals)
    life.read()
    assert read_badly(life, on_page(empty, 2)).requests == 3


@with_and_without_totals
def test_an_empty_page_that_was_right_costs_one_request_more_per_scan(*, totals: bool) -> None:
    """All accounts of page 2 are private: a filtered page is like an empty one."""
    life = a_list(350, totals=totals)
    life.world.hidden.update(f"old.{place}" for place in range(99, 199))
    days = [life.read() for _ in range(3)]
    assert [day.requests for day in days] == [5, 5, 5]
    assert is_whole(days[-1])


@with_and_without_totals
@pytest.mark.parametrize(("length", "requests"), [(0, 1), (1, 1), (95, 1), (100, 1), (199, 2)])
def test_right_lists_are_not_requested_again(
    length: int, requests: int, *, totals: bool
) -> None:
    life = a_list(length, totals=totals)
    life.read()
    assert [life.read().requests for _ in range(3)] == [requests] * 3


@with_and_without_totals
def test_an_empty_list_is_requested_once_more_in_its_first_scan_only(*, totals: bool) -> None:
    """If the provider's total is not 0."""
    life = a_list(0, totals=totals)
    assert [life.read().requests for _ in range(3)] == [1 if totals else 2, 1, 1]


# A scan that read too little is doubted.


@with_and_without_totals
@pytest.mark.parametrize(
    ("length", "change", "page"),
    [
        (150, empty, 2),
        (150, null, 2),
        (430, early_end, 1),
        (430, early_end, 3),
        (150, null, 1),
    ],
)
def test_a_page_that_stays_wrong_in_a_full_scan_makes_no_unfollow(
    length: int, change: Change, page: int, *, totals: bool
) -> None:
    life = a_list(length, totals=totals, full_scan_after=None)
    life.read()
    life.policy["full_scan_after"] = 0
    assert is_doubted(read_badly(life, on_page(change, page)))
    life.policy["full_scan_after"] = None
    check_healed(life)
    assert life.read().row["outcome"] == "unchanged", "one full scan was enough"


@with_and_without_totals
def test_a_doubted_scan_sends_its_new_follows_and_moves_the_bookmark(*, totals: bool) -> None:
    life = a_list(430, totals=totals)
    first = life.read()
    new = life.follow(3, ago=-DAY + 60)
    day = read_badly(life, on_page(early_end, 1))
    assert (is_doubted(day), set(new) <= set(day.sent)) == (True, True)
    healed = life.read()
    assert (day.row["previous_scanned_at"], healed.row["previous_scanned_at"]) == (
        first.row["scanned_at"],
        day.row["scanned_at"],
    )


@with_and_without_totals
def test_one_unfollow_and_an_empty_page_make_one_unfollow(*, totals: bool) -> None:
    life = a_list(430, totals=totals, full_scan_after=None, full_scan_on_loss=True)
    life.read()
    life.world.unfollow("ann", "old.5")
    assert is_doubted(read_badly(life, on_page(empty, 3)))
    check_healed(life)
    assert [absence.account for absence in absences(life)] == ["old.5"]


@with_and_without_totals
@pytest.mark.parametrize("page", [1, 2])
def test_a_page_that_is_empty_once_in_the_first_scan_hides_nobody(
    page: int, *, totals: bool
) -> None:
    life = a_list(150, totals=totals, full_scan_after=None)
    old = life.listed
    day = read_badly(life, once(empty, page))
    assert (is_whole(day), sorted(day.sent)) == (True, sorted(old))
    life.read()
    assert (false_news(life, old), false_absences(life)) == (set(), [])


@with_and_without_totals
@pytest.mark.parametrize("length", [150, 430])
def test_a_first_scan_in_which_every_page_is_empty_is_no_whole_list(
    length: int, *, totals: bool
) -> None:
    life = a_list(length, totals=totals, full_scan_after=None)
    old = life.listed
    assert is_doubted(read_badly(life, on_page(empty, *ALL_PAGES)))
    check_healed(life)
    assert false_news(life, old) == set()


@with_and_without_totals
@pytest.mark.parametrize("full_scan_after", [0, None])
def test_a_list_that_empties_and_comes_back_with_a_new_follow(
    full_scan_after: int | None, *, totals: bool
) -> None:
    life = a_list(150, totals=totals, full_scan_after=full_scan_after)
    old = life.listed
    life.read()
    assert is_doubted(read_badly(life, on_page(null, 1)))
    new = life.follow(ago=-DAY + 60)
    check_healed(life)
    assert set(new) <= life.sent
    assert false_news(life, old) == set()


@with_and_without_totals
def test_a_page_that_stays_empty_above_the_bookmark_may_hide_follows(*, totals: bool) -> None:
    """150 new ones in a day; those of page 2 arrive a day later."""
    life = a_list(150, totals=totals, full_scan_after=None)
    life.read()
    life.follow(250, ago=-DAY + 60, every=60)
    assert is_doubted(read_badly(life, on_page(empty, 2)))
    check_healed(life)


@with_and_without_totals
def test_a_list_that_ends_too_early_in_the_middle_of_an_incremental_scan(
    *, totals: bool
) -> None:
    life = a_list(430, totals=totals, full_scan_after=None)
    life.read()
    life.follow(250, ago=-DAY + 60, every=60)
    assert is_doubted(read_badly(life, on_page(early_end, 2)))
    check_healed(life)


@pytest.mark.parametrize("full_scan_after", [0, None])
def test_a_first_scan_that_ends_after_one_page_is_healed_by_the_next(
    full_scan_after: int | None,
) -> None:
    """Without a total nothing shows it, but such a list is read to its end again."""
    life = a_list(430, totals=False, full_scan_after=full_scan_after)
    read_badly(life, on_page(early_end, 1))
    life.read()
    assert set(life.listed) <= life.sent
    assert false_absences(life) == []


def test_a_first_scan_that_ends_too_early_is_doubted_if_the_total_shows_it() -> None:
    life = a_list(430, totals=True, full_scan_after=None)
    old = life.listed
    assert is_doubted(read_badly(life, on_page(early_end, 4)))
    check_healed(life)
    assert false_news(life, old) == set()


# Two wrong lists do not confirm each other.


@with_and_without_totals
def test_two_scans_that_each_lose_other_pages_are_both_doubted(*, totals: bool) -> None:
    life = a_list(777, totals=totals)
    life.read()
    assert is_doubted(read_badly(life, on_page(empty, 4, 5, 6)))
    assert is_doubted(read_badly(life, on_page(empty, 2, 6, 7)))
    check_healed(life)


@with_and_without_totals
@pytest.mark.parametrize("changes", [(null, early_end), (early_end, null)])
def test_an_empty_list_and_a_short_one_do_not_confirm_each_other(
    changes: tuple[Change, ...], *, totals: bool
) -> None:
    life = a_list(250, totals=totals)
    life.read()
    for change in changes:
        assert is_doubted(read_badly(life, on_page(change, 1)))
    check_healed(life)


@with_and_without_totals
def test_a_few_accounts_do_not_confirm_an_empty_list(*, totals: bool) -> None:
    """Five accounts are fewer than ten, but more than none."""
    life = a_list(250, totals=totals)
    life.read()
    assert is_doubted(read_badly(life, on_page(null, 1)))

    def five(_request: int, _number: int, page: Page) -> Page:
        return early_end(replace(page, accounts=Accounts(page.accounts.rows[:5])))

    assert is_doubted(read_badly(life, five))
    check_healed(life)


@pytest.mark.parametrize("length", [10, 80, 150])
def test_empty_lists_do_not_confirm_each_other_if_the_total_says_otherwise(
    length: int,
) -> None:
    life = a_list(length, totals=True)
    life.read()
    for _ in range(3):
        blink = on_page(lambda page: early_end(empty(page)), 1)
        assert is_doubted(read_badly(life, blink))
    check_healed(life)


@with_and_without_totals
@pytest.mark.parametrize("filtered", [0, 4])
@pytest.mark.parametrize("length", [150, 430, 777])
def test_an_outage_of_three_days_in_which_lists_end_after_page_1(
    length: int, filtered: int, *, totals: bool
) -> None:
    life = a_list(length, totals=totals, full_scan_on_loss=True)
    life.world.hidden.update(f"old.{20 * place}" for place in range(filtered))
    life.read()
    for _ in range(3):
        assert is_doubted(read_badly(life, on_page(early_end, 1)))
    check_healed(life)


@with_and_without_totals
def test_an_outage_after_many_new_follows_on_a_short_list(*, totals: bool) -> None:
    """60 accounts were known, and 160 more are new: a full first page is not the list."""
    life = a_list(60, totals=totals)
    life.read()
    life.follow(160, ago=-DAY + 60, every=60)
    for _ in range(2):
        assert is_doubted(read_badly(life, on_page(early_end, 1)))
    check_healed(life)


@with_and_without_totals
def test_accounts_that_only_the_doubted_scan_saw_are_expected(*, totals: bool) -> None:
    """250 are new: one scan loses the end of the list, the next one 100 of the new ones."""
    life = a_list(300, totals=totals)
    life.read()
    life.follow(250, ago=-DAY + 60, every=60)
    assert is_doubted(read_badly(life, on_page(early_end, 4)))
    assert is_doubted(read_badly(life, on_page(empty, 2)))
    check_healed(life)


@with_and_without_totals
def test_a_page_lost_below_a_follow_made_again_and_97_new_ones(*, totals: bool) -> None:
    life = a_list(430, totals=totals)
    life.read()
    life.now += DAY - 60
    life.follow(97, ago=60)
    life.refollow("old.300")
    assert is_doubted(read_badly(life, on_page(empty, 3), after=60))
    check_healed(life)


# Totals that are wrong.


def test_a_total_of_six_days_ago_below_what_was_read_explains_no_loss() -> None:
    life = a_list(430, totals=True)
    life.read()
    for _ in range(6):
        life.follow(30, ago=-DAY + 60)
        life.read()
    life.total = lambda _: 430
    day = read_badly(life, on_page(empty, 5))
    assert (day.row["accounts_read"], is_doubted(day)) == (512, True)
    life.total = lambda total: total
    check_healed(life)


def test_an_old_total_explains_no_loss_beside_filtered_accounts() -> None:
    """The total less those that are always filtered is below what was read."""
    life = a_list(400, totals=True)
    life.world.hidden.update(f"old.{place}" for place in range(0, 400, 2))
    life.read()
    life.follow(230, ago=-DAY + 60)
    life.total = lambda _: 402
    assert is_doubted(read_badly(life, on_page(early_end, 3)))
    life.total = lambda total: total
    check_healed(life)


def test_a_total_that_was_too_high_at_one_full_scan_explains_no_later_loss() -> None:
    life = a_list(430, totals=True)
    life.read()
    life.total = lambda total: total + 100
    life.read()
    life.total = lambda total: total
    assert is_doubted(read_badly(life, on_page(empty, 3)))
    check_healed(life)


def test_a_total_that_is_absent_once_is_not_disbelieved() -> None:
    life = a_list(430, totals=True, full_scan_after=None, full_scan_on_loss=True)
    life.read()
    life.policy["full_scan_after"] = 0
    life.follow(3, ago=-DAY + 60)
    read_badly(life, lambda _request, _number, page: replace(page, total=None))
    life.policy["full_scan_after"] = None
    life.read()
    life.world.unfollow("ann", "old.300")
    assert (life.read().row["accounts_lost"], life.read().row["accounts_lost"]) == (1, 0)


# Real losses are believed.


def test_a_real_loss_that_the_total_confirms_is_believed_at_once() -> None:
    life = a_list(430, totals=True)
    life.read()
    gone = [f"old.{place}" for place in range(100, 300)]
    for name in gone:
        life.world.unfollow("ann", name)
    assert is_whole(life.read())
    assert sorted(absence.account for absence in absences(life)) == sorted(gone)


def test_a_real_loss_without_a_total_is_believed_at_the_second_look() -> None:
    life = a_list(430, totals=False, full_scan_after=None)
    life.read()
    gone = [f"old.{place}" for place in range(100, 300)]
    for name in gone:
        life.world.unfollow("ann", name)
    life.policy["full_scan_after"] = 0
    assert is_doubted(life.read())
    life.policy["full_scan_after"] = None
    life.follow(5, ago=-DAY + 60)
    second = life.read()
    assert is_whole(second)
    assert list(absences(life)) == [
        Absence(name, second.row["scanned_at"]) for name in sorted(gone, key=gone.index)
    ]


@with_and_without_totals
def test_a_list_that_really_empties_is_believed_if_it_stays_empty(*, totals: bool) -> None:
    life = a_list(150, totals=totals)
    life.read()
    for name in life.listed:
        life.world.unfollow("ann", name)
    days = [life.read() for _ in range(3)]
    assert [is_whole(day) for day in days] == [totals, True, True]
    assert len(list(absences(life))) == 150


# What it costs where nothing blinks.


@with_and_without_totals
def test_a_list_of_2000_that_loses_35_a_week_is_not_read_more_often(*, totals: bool) -> None:
    """A full scan is due after half a week to a week, and requests its last page twice."""
    life = a_list(2000, totals=totals, full_scan_after=7 * DAY)
    life.read()
    requests = []
    for _ in range(42):
        for name in life.listed[40::333][:5]:
            life.world.unfollow("ann", name)
        requests.append(life.read().requests)
    full = [number for number in requests if number > 1]
    assert len(full) <= 12
    assert max(full) <= 21
    assert false_absences(life) == []


@with_and_without_totals
def test_a_list_with_hundreds_of_filtered_accounts_is_not_read_more_often(
    *, totals: bool
) -> None:
    life = a_list(900, totals=totals, full_scan_after=7 * DAY, full_scan_on_loss=True)
    life.world.hidden.update(f"old.{place}" for place in range(0, 900, 3))
    life.read()
    requests = []
    for _ in range(42):
        life.follow(2, ago=-DAY + 60)
        requests.append(life.read().requests)
    full = [number for number in requests if number > 1]
    assert len(full) <= 12
    assert max(full) <= 10
