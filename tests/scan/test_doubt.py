"""A provider that blinks: no wrong list becomes an unfollow, and every follow arrives.

The tables below say for each scan of a list whether it is believed, and how many requests it
costs. `w5 d7 i1` means: a whole list for 5 requests, then a doubted scan for 7, then an
incremental scan for 1. Where totals make a difference, what comes after `|` is with totals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from tap_tiktok_following.model import Accounts, Page
from tap_tiktok_following.text import DAY, HOUR, in_utc
from tests.blinks import (
    Change,
    absences,
    early_end,
    empty,
    false_absences,
    null,
    on_page,
    once,
)
from tests.lives import NOW, Day, Life, each_row, follows_of, with_and_without_totals


class Scan(NamedTuple):
    """What happens to a list in a day, and to the scan at its end."""

    change: Change = lambda page: page  # how the provider changes pages, at each request
    pages: Sequence[int] = ()  # which pages, from 1
    new: int = 0  # number of new follows
    lost: Sequence[int] = ()  # places, on the first list, of accounts that are unfollowed
    hidden: Sequence[int] = ()  # places of accounts that go private
    total: int | None = None  # the provider's; None for the right one, or for none


def a_list(length: int, *, totals: bool, **policy: Any) -> Life:
    """Return a list whose every scan is full unless the policy says otherwise."""
    life = Life(follows_of(length), repeat=False, **{"full_scan_after": 0, **policy})
    life.total = lambda total: total if totals else None
    return life


def read(life: Life, scan: Scan) -> Day:
    """Let a day pass, and read the list."""
    life.now += DAY
    life.follow(scan.new, ago=60, every=60)
    life.unfollow(*scan.lost)
    life.world.hidden.update(f"old.{place}" for place in scan.hidden)
    usual = life.blink, life.total
    life.blink = on_page(scan.change, *scan.pages)
    if scan.total is not None:
        life.total = lambda _: scan.total
    day = life.read(after=0)
    life.blink, life.total = usual
    return day


def verdict(day: Day) -> str:
    """Return how a scan ended, and its requests, as in the tables."""
    row = day.row
    assert row["outcome"] in {"complete", "unchanged"}
    assert row["requests"] == day.requests
    if row["reason"] is not None:
        assert (row["whole_list"], row["accounts_lost"]) == (False, None)
    kind = "d" if row["reason"] else "w" if row["whole_list"] else "i"
    return f"{kind}{day.requests}"


def verdicts(life: Life, scans: Sequence[Scan]) -> str:
    return " ".join(verdict(read(life, scan)) for scan in scans)


def check_healed(life: Life) -> None:
    """Assert that two right scans suffice to know exactly who left the list."""
    life.policy["full_scan_after"] = 0
    verdicts(life, [RIGHT, RIGHT])
    assert life.rows[-1]["whole_list"]
    assert set(life.listed) <= life.sent
    assert false_absences(life) == []
    assert {absence.account for absence in absences(life)} == life.sent - set(life.listed)
    times = [row["scanned_at"] for row in life.rows]
    assert [row["previous_scanned_at"] for row in life.rows] == [None, *times[:-1]]


def five(page: Page) -> Page:
    return early_end(replace(page, accounts=Accounts(page.accounts.rows[:5])))


def nobody(page: Page) -> Page:
    """An empty list with its total."""
    return early_end(empty(page))


RIGHT = Scan()
CUT = Scan(early_end, [1])
NULL = Scan(null, [1])
ALL = range(1, 60)
HOLE = Scan(empty, [4, 5, 6])
LOST_90 = Scan(lost=range(50, 140))

FULL_SCANS = [
    ("an empty list", 0, [RIGHT] * 3, "w2 w1 w1 | w1 w1 w1"),
    ("one full page", 100, [RIGHT] * 3, "w1 w1 w1"),
    ("the last page is nearly full", 490, [RIGHT] * 3, "w6 w5 w5 | w5 w5 w5"),
    ("the last page is not nearly full", 489, [RIGHT] * 3, "w5 w5 w5"),
    # First scans.
    ("first scan: page 1 is empty", 430, [Scan(empty, [1])], "w6"),
    ("first scan: page 2 is empty", 430, [Scan(empty, [2]), RIGHT], "d6 w5"),
    ("first scan: all pages are empty", 150, [Scan(empty, ALL), RIGHT], "d4 w2"),
    ("first scan: ends after page 1", 430, [CUT, RIGHT], "w1 w5 | d2 w5"),
    ("first scan: page 1 is private", 195, [Scan(hidden=range(100))], "w4 | d4"),
    # Wrong pages.
    ("page 1 is empty", 430, [RIGHT, Scan(empty, [1]), RIGHT], "w5 d7 w5"),
    ("page 2 is empty", 150, [RIGHT, Scan(empty, [2]), RIGHT], "w2 d3 w2"),
    ("page 1 is null", 150, [RIGHT, NULL, Scan(new=1)], "w2 d2 w2"),
    ("ends after page 1", 430, [RIGHT, CUT, RIGHT], "w5 d2 w5"),
    # Real losses: 10 accounts or more, on a long list 2 %, but at most 90.
    ("9 of 430", 430, [RIGHT, Scan(lost=range(50, 59))], "w5 w5"),
    ("10 of 430", 430, [RIGHT, Scan(lost=range(50, 60)), RIGHT], "w5 d6 w6 | w5 w5 w5"),
    ("39 of 2,000", 2000, [RIGHT, Scan(lost=range(39))], "w21 w21 | w20 w20"),
    ("40 of 2,000", 2000, [RIGHT, Scan(lost=range(40))], "w21 d21 | w20 w20"),
    ("89 of 4,800", 4800, [RIGHT, Scan(lost=range(2000, 2089))], "w49 w49 | w48 w48"),
    ("90 of 4,800", 4800, [RIGHT, Scan(lost=range(2000, 2090))], "w49 d49 | w48 w48"),
    ("all of 2", 2, [RIGHT, Scan(lost=range(2)), RIGHT], "w1 d2 w2 | w1 w2 w1"),
    (
        "page 2 goes private",
        350,
        [RIGHT, Scan(hidden=range(100, 200)), RIGHT, RIGHT],
        "w4 d6 w6 w5",
    ),
    ("90, 30 new on top", 430, [RIGHT, LOST_90, Scan(new=30)], "w5 d5 w5 | w5 w4 w4"),
    ("90, then 9", 430, [RIGHT, LOST_90, Scan(lost=range(140, 149))], "w5 d5 w5 | w5 w4 w4"),
    ("90, then 10", 430, [RIGHT, LOST_90, Scan(lost=range(140, 150))], "w5 d5 d5 | w5 w4 w4"),
    # New follows are expected, too.
    ("40 new over 60", 60, [RIGHT, Scan(new=40)], "w1 w1"),
    ("40 new over 60, 10 lost", 60, [RIGHT, Scan(new=40, lost=range(9, 19))], "w1 d2 | w1 w1"),
    ("60 new over 60, page 2 is lost", 60, [RIGHT, Scan(early_end, [1], new=60)], "w1 d2"),
    # Two wrong lists do not confirm each other.
    ("other pages", 777, [RIGHT, HOLE, Scan(empty, [2, 6, 7])], "w8 d12 d12"),
    ("null, then five accounts", 250, [RIGHT, NULL, Scan(five, [1])], "w3 d2 d2"),
    ("five accounts, then null", 250, [RIGHT, Scan(five, [1]), NULL], "w3 d2 d2"),
    ("an outage of three days", 430, [RIGHT, CUT, CUT, CUT], "w5 d2 d2 d2"),
    ("an outage, 160 are new", 60, [RIGHT, Scan(early_end, [1], new=160), CUT], "w1 d2 d2"),
    (
        "the second loses what only the first one saw",
        300,
        [RIGHT, Scan(early_end, [4], new=250), Scan(empty, [2])],
        "w4 d5 d8 | w3 d5 d8",
    ),
]


@with_and_without_totals
@each_row(FULL_SCANS, "length", "scans", "expected")
def test_full_scan_is_believed_or_doubted(
    length: int, scans: Sequence[Scan], expected: str, *, totals: bool
) -> None:
    life = a_list(length, totals=totals)
    assert verdicts(life, scans) == expected.split(" | ")[-1 if totals else 0]
    check_healed(life)


@with_and_without_totals
def test_page_lost_below_one_followed_again_and_99_new_ones_is_missed(*, totals: bool) -> None:
    """The known account on top does not make the new ones old."""
    life = a_list(100, totals=totals)
    read(life, RIGHT)
    life.now += DAY
    life.follow(99, ago=60, every=60)
    life.refollow("old.0")
    life.blink = on_page(early_end, 1)
    assert verdict(life.read(after=0)) == "d2"
    life.blink = on_page(early_end)
    check_healed(life)


def test_list_whose_accounts_come_back_under_a_start_date_is_read() -> None:
    """There is no known account to compare them with."""
    life = a_list(40, totals=False, start_date=NOW - 25 * HOUR)
    life.page_size = 10
    life.world.hidden.update(life.listed)
    read(life, RIGHT)
    life.world.hidden.clear()
    assert verdict(read(life, RIGHT)) == "w3"


WRONG_TOTALS = [
    ("9 for an empty list", 0, [Scan(total=9), Scan(total=9)], "d2 w1"),
    ("fits on the pages", 430, [Scan(total=500)], "w5"),
    ("does not fit on the pages", 430, [Scan(total=501), Scan(total=501)], "d6 w6"),
    ("far too low", 430, [Scan(total=20)], "w5"),
    ("twice what was read", 30, [Scan(total=60)], "w1"),
    ("more than twice what was read", 30, [Scan(total=61)], "d2"),
    ("20 private accounts", 450, [Scan(hidden=range(20)), Scan(lost=range(50, 140))], "w5 w4"),
    ("explains a part of a loss", 430, [RIGHT, Scan(empty, [3], total=420)], "w5 d7"),
    ("below what was read", 430, [RIGHT, Scan(empty, [3], total=300)], "w5 d7"),
    (
        "6 days old",
        430,
        [RIGHT, *[Scan(new=30)] * 6, Scan(empty, [5], total=430)],
        "w5 w5 w5 w6 w6 w6 w7 d9",
    ),
    ("too high at first", 430, [Scan(total=630), Scan(early_end, [3], total=520)], "d6 d4"),
    ("too high once", 430, [RIGHT, Scan(total=530), Scan(empty, [3])], "w5 w5 d7"),
    (
        "old, half of the accounts are private",
        400,
        [Scan(hidden=range(0, 400, 2)), Scan(early_end, [3], new=230, total=402)],
        "w4 d4",
    ),
    ("an empty list, but a total", 60, [RIGHT, *[Scan(nobody, [1])] * 3], "w1 d2 d2 d2"),
]


@each_row(WRONG_TOTALS, "length", "scans", "expected")
def test_total_that_is_wrong_hides_no_loss(
    length: int, scans: Sequence[Scan], expected: str
) -> None:
    life = a_list(length, totals=True)
    assert verdicts(life, scans) == expected
    check_healed(life)


@with_and_without_totals
@pytest.mark.parametrize("scan", [RIGHT, Scan(empty, [1])], ids=["right", "empty"])
def test_gap_above_a_start_date_is_noted_even_if_nothing_was_read(
    scan: Scan, *, totals: bool
) -> None:
    life = a_list(430, totals=totals, full_scan_after=None)
    read(life, RIGHT)
    life.now += 10 * DAY
    life.follow(150, ago=5 * DAY, every=60)
    life.policy["start_date"] = life.now
    read(life, scan)
    life.policy["start_date"] = 0
    read(life, RIGHT)
    assert set(life.listed) <= life.sent


INCREMENTAL_SCANS = [
    ("page 1 is empty", 430, [RIGHT, Scan(empty, [1], new=5)], "w5 i2 i1 i1"),
    ("page 2 is empty, with new ones", 150, [RIGHT, Scan(empty, [2], new=250)], "w2 d4 w4 i1"),
    ("ends after page 2", 430, [RIGHT, Scan(early_end, [2], new=250)], "w5 d3 w7 i1"),
    ("page 1 is null", 430, [RIGHT, NULL], "w5 d2 w5 i1"),
    (
        "the first follow of all",
        0,
        [RIGHT, RIGHT, Scan(new=1)],
        "w2 w1 w1 i1 i1 | w1 w1 w1 i1 i1",
    ),
    ("first scan ends after page 1", 430, [CUT], "w1 i5 i1 | d2 w5 i1"),
    ("one is lost, page 3 is empty", 430, [RIGHT, Scan(empty, [3], lost=[5])], "w5 d7 w5 i1"),
]
"""Two right scans follow."""


@with_and_without_totals
@each_row(INCREMENTAL_SCANS, "length", "scans", "expected")
def test_incremental_scan_that_reads_too_little_is_doubted(
    length: int, scans: Sequence[Scan], expected: str, *, totals: bool
) -> None:
    life = a_list(length, totals=totals, full_scan_after=None, full_scan_on_loss=True)
    found = verdicts(life, [*scans, RIGHT, RIGHT])
    assert found == expected.split(" | ")[-1 if totals else 0]
    assert set(life.listed) <= life.sent
    check_healed(life)


EMPTY = "came back empty although more were to come"
REASONS = {
    f"all pages {EMPTY}": (150, Scan(empty, ALL)),
    "only 100 of about 1,230 accounts came back": (1230, RIGHT, CUT),
    "only 100 accounts came back, but the provider's total is 1,230": (1230, CUT),
    "the list came back empty, but earlier scans found accounts on it": (9, RIGHT, NULL),
    f"a page {EMPTY}; follows may be missing": (1230, RIGHT, Scan(empty, [2], new=250)),
}


@pytest.mark.parametrize(("reason", "story"), REASONS.items())
def test_row_of_a_doubted_scan_says_why(reason: str, story: tuple[Any, ...]) -> None:
    length, *scans = story
    life = a_list(length, totals=True)
    verdicts(life, scans)
    assert life.rows[-1]["reason"] == reason


@pytest.mark.parametrize(
    ("scans", "expected"),
    [
        pytest.param([Scan(total=900)], "w3", id="a total says nothing of a part"),
        pytest.param([RIGHT, Scan(empty, [2])], "w3 d5", id="page 2 is empty"),
        pytest.param([RIGHT, CUT], "w3 d2", id="ends after page 1"),
    ],
)
def test_full_scan_down_to_a_start_date(scans: Sequence[Scan], expected: str) -> None:
    life = a_list(430, totals=True, start_date=NOW - 250 * HOUR)
    assert verdicts(life, scans) == expected


@with_and_without_totals
@pytest.mark.parametrize("scans_before", [0, 1])
@pytest.mark.parametrize(
    ("change", "page"), [(empty, 1), (empty, 2), (null, 2), (early_end, 2)]
)
def test_page_that_is_wrong_once_costs_one_request(
    change: Change, page: int, scans_before: int, *, totals: bool
) -> None:
    life = a_list(250, totals=totals)
    verdicts(life, [RIGHT] * scans_before)
    life.blink = once(change, page)
    assert verdict(life.read()) == "w4"
    assert life.rows[-1]["accounts_read"] == 250
    check_healed(life)


def test_scan_whose_first_page_is_requested_twice_starts_with_the_first_request() -> None:
    life = a_list(250, totals=False)
    wrong_once = once(empty, 1)

    def blink(number: int, page: Page) -> Page:
        life.now += 60
        return wrong_once(number, page)

    life.blink = blink
    assert life.read(after=0).row["scanned_at"] == in_utc(NOW)


@pytest.mark.parametrize(("total", "read_down"), [(None, True), (10_200, True), (5000, False)])
def test_list_that_the_provider_cut_at_5000_is_whole_down_to_its_last_page(
    total: int | None, *, read_down: bool
) -> None:
    life = Life(follows_of(5000), repeat=False)
    life.total = lambda _: total
    row = life.read(after=0).row
    assert (row["whole_list"], row["reason"]) == (True, None)
    expected = in_utc(NOW - HOUR - 4900 * HOUR) if read_down else None
    assert row["read_down_to"] == expected
