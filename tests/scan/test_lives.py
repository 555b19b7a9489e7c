"""Whatever happens to a list and to the runs that read it: what they send is the truth."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import Follow
from tap_tiktok_following.text import DAY, HOUR
from tests.lives import NOW, Broken, Life, follows_of

if TYPE_CHECKING:
    from collections.abc import Callable

lives = settings(max_examples=150, deadline=None)

TOTALS: list[Callable[[int], int | None]] = [
    lambda _: None,
    lambda total: total,
    lambda total: total - total % 7,
    lambda total: 3 * total % 11,
]
"""No total, a right one, and two that are wrong."""

ages = st.one_of(st.integers(0, 5), st.integers(0, 3 * HOUR), st.integers(0, 3000 * HOUR))


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Some days of a list: follows, unfollows, pages that fail, runs that end early."""
    return draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "new": st.integers(0, 8),
                    "every": st.sampled_from([1, 60, 2 * HOUR]),
                    "gone": st.lists(st.integers(0, 60), max_size=4),
                    "again": st.lists(st.integers(0, 60), max_size=2),
                    "broken": st.one_of(st.none(), st.tuples(ages, st.integers(0, DAY))),
                    "budget": st.one_of(st.none(), st.integers(0, 6)),
                    "killed_after": st.one_of(st.none(), st.integers(0, 4)),
                }
            ),
            min_size=1,
            max_size=8,
        )
    )


def live(life: Life, day: dict[str, Any]) -> None:
    """Let a day pass for the list, up to its run."""
    life.now += DAY
    life.follow(day["new"], every=day["every"])
    for place in day["gone"]:
        if place < len(life.listed):
            life.world.unfollow("ann", life.listed[place])
    for place in day["again"]:
        if place < len(life.listed):
            life.refollow(life.listed[place])
    if day["broken"] is None:
        life.broken = None
    else:
        age, length = day["broken"]
        life.broken = Broken(life.now - age - length, life.now - age)


@lives
@given(
    made=st.lists(ages, max_size=50),
    history=histories(),
    page_size=st.integers(1, 12),
    repeat=st.booleans(),
    lookback=st.sampled_from([0, HOUR, DAY, 3 * DAY]),
    refresh=st.sampled_from([None, 0, 2 * DAY]),
    totals=st.sampled_from(TOTALS),
    full_scan_on_loss=st.booleans(),
)
def test_whatever_happens_every_follow_is_sent(
    made: list[int],
    history: list[dict[str, Any]],
    page_size: int,
    lookback: int,
    refresh: int | None,
    totals: Callable[[int], int | None],
    *,
    repeat: bool,
    full_scan_on_loss: bool,
) -> None:
    follows = [Follow(f"old.{number}", NOW - age) for number, age in enumerate(made)]
    life = Life(follows, page_size, repeat=repeat, lookback=lookback, full_scan_after=refresh)
    life.policy["full_scan_on_loss"] = full_scan_on_loss
    life.total = totals
    for day in history:
        live(life, day)
        read = life.read(after=0, budget=day["budget"], killed_after=day["killed_after"])
        for row in read.rows:
            if row["outcome"] in {"complete", "unchanged"}:
                assert set(life.listed_at_bookmark) <= life.sent
    life.broken = None
    for _ in range(3):
        last = life.read(after=8 * DAY)
    assert last.row["outcome"] in {"complete", "unchanged"}
    assert set(life.listed) <= life.sent


# A page that always fails.


@lives
@given(
    length=st.integers(25, 60),
    page_size=st.integers(8, 12),
    repeat=st.booleans(),
    many=st.lists(st.integers(0, 3), min_size=3, max_size=6),
    is_first_scan=st.booleans(),
)
def test_list_whose_page_always_fails_brings_new_follows_for_one_request(
    length: int, page_size: int, many: list[int], *, repeat: bool, is_first_scan: bool
) -> None:
    life = Life(follows_of(length, every=2 * DAY), page_size, repeat=repeat)
    if not is_first_scan:
        life.read()
        life.follow(2 * page_size, every=20)
    life.broken = Broken(0, NOW - 9 * DAY if is_first_scan else life.now - 30)
    assert [life.read().row["outcome"] for _ in range(2)] == ["failed", "failed"]
    for new in many:
        life.now += DAY
        names = life.follow(new, every=60)
        day = life.read(after=0)
        assert (sorted(day.sent), day.requests) == (sorted(names), 1)
        assert (day.row["outcome"] == "complete") is (new > 0)
        assert not day.row["whole_list"]
        assert "were not read" in day.row["reason"]
    life.broken = None
    healed = life.read(after=8 * DAY)
    assert (healed.row["outcome"], healed.row["whole_list"]) == ("complete", True)
    assert set(life.listed) <= life.sent
    assert [life.read().requests for _ in range(2)] == [1, 1]


def test_list_whose_page_always_fails_is_read_in_full_every_week() -> None:
    life = Life(follows_of(250, every=HOUR))
    life.broken = Broken(0, NOW - 50 * HOUR)
    days = [life.read() for _ in range(18)]
    attempts = [number for number, day in enumerate(days) if day.row["outcome"] == "failed"]
    assert attempts == [0, 1, 8, 9, 16, 17]
    assert all(day.requests == 1 for number, day in enumerate(days) if number not in attempts)


def test_list_with_full_scans_every_two_days_retries_its_failing_page_after_two_days() -> None:
    life = Life(follows_of(250, every=HOUR), full_scan_after=2 * DAY)
    life.broken = Broken(0, NOW - 50 * HOUR)
    outcomes = [life.read().row["outcome"] for _ in range(6)]
    assert outcomes == ["failed", "failed", "unchanged", "failed", "failed", "unchanged"]


def test_scan_that_an_outage_interrupts_for_less_than_20_hours_goes_on() -> None:
    life = Life(follows_of(250, every=HOUR))
    life.broken = Broken(0, NOW - 50 * HOUR)
    first = life.read(after=0)
    for _ in range(19):
        assert life.read(after=HOUR).row["outcome"] == "failed"
    life.broken = None
    rest = life.read(after=HOUR // 2)
    assert (rest.row["outcome"], rest.row["whole_list"]) == ("complete", True)
    assert rest.row["scanned_at"] == first.row["scanned_at"]
    assert first.sent + rest.sent == life.listed


def test_page_across_the_end_of_a_list_that_was_not_read_brings_what_is_below_it() -> None:
    """A new follow moves all pages: one that lists both was never read as a whole."""
    life = Life(follows_of(6, every=60), page_size=3, lookback=DAY)
    life.broken = Broken(0, NOW - HOUR - 4 * 60)
    assert life.read(after=0).row["accounts_read"] == 5
    life.read(after=DAY)
    life.broken = None
    life.follow()
    assert life.read(after=HOUR).sent[:1] == ["new.0"]
    life.read(after=8 * DAY)
    assert set(life.listed) <= life.sent


def test_page_that_fails_above_one_that_always_fails_ends_the_scan_further_up() -> None:
    life = Life(follows_of(60, every=2 * DAY), 10)
    life.broken = Broken(0, NOW - 30 * DAY)
    for _ in range(3):
        life.read()
    life.follow(30, every=60)
    life.broken = Broken(0, life.now - 60 * 8)
    assert [life.read().row["outcome"] for _ in range(2)] == ["failed", "failed"]
    life.broken = None
    assert life.read(after=8 * DAY).row["whole_list"]
    assert set(life.listed) <= life.sent


# Late follows.


@pytest.mark.parametrize(("a_day", "lookback"), [(70, DAY), (80, DAY)])
def test_a_follow_that_is_shown_late_is_sent_from_the_second_page(
    a_day: int, lookback: int
) -> None:
    """Made 19 hours before the first scan, and shown after it."""
    every = DAY // a_day
    life = Life(follows_of(10 * a_day, every=every), lookback=lookback)
    life.read(after=0)
    life.follow(a_day, every=every, ago=-DAY + every)
    life.world.follow("ann", "late", at=NOW - 19 * HOUR)
    assert "late" in life.read().sent


def test_with_pages_of_one_a_follow_below_one_made_again_is_sent() -> None:
    life = Life(follows_of(9), 1, repeat=False)
    life.read()
    life.now += DAY
    life.follow(2, ago=60)
    life.refollow("old.0")
    day = life.read(after=0)
    assert (sorted(day.sent), day.row["outcome"]) == (["new.0", "new.1"], "complete")


# How far down, and when.


def test_start_date_moved_back_reads_the_older_follows() -> None:
    life = Life(follows_of(399, every=DAY), start_date=NOW - 39 * DAY)
    first = life.read(after=0)
    assert len(first.sent) == 100
    assert first.row["whole_list"]
    life.policy["start_date"] = NOW - 300 * DAY
    assert len(life.read().sent) > 300
    life.policy["start_date"] = 0
    whole = life.read()
    assert (len(whole.sent), whole.row["whole_list"]) == (399, True)
    after = [life.read() for _ in range(2)]
    assert [(day.requests, day.row["outcome"]) for day in after] == [(1, "unchanged")] * 2


def test_start_date_moved_past_the_last_scan_and_back_reads_what_it_left_out() -> None:
    life = Life(follows_of(150, every=HOUR))
    life.read(after=0)
    life.now += 9 * DAY
    left_out = life.follow(120, ago=5 * DAY, every=60)
    new = life.follow(120, ago=DAY // 2, every=60)
    life.policy["start_date"] = life.now - DAY
    day = life.read(after=0)
    assert (day.row["outcome"], day.row["whole_list"]) == ("complete", False)
    assert set(new) <= set(day.sent)
    assert not set(left_out) <= life.sent
    assert life.read(after=HOUR).row["outcome"] == "unchanged"
    life.policy["start_date"] = 0
    whole = life.read(after=HOUR)
    assert (sorted(whole.sent), whole.row["whole_list"]) == (sorted(life.listed), True)
    assert life.read(after=HOUR).requests == 1


@pytest.mark.parametrize("budget", [None, 1, 2, 3])
@pytest.mark.parametrize("heals", ["before", "after"])
def test_start_date_moved_past_the_top_of_a_list_that_fails_below_and_back(
    heals: str, budget: int | None
) -> None:
    """What lay between is read once the page that failed arrives, before or after that."""
    life = Life(follows_of(60, every=2 * DAY), 10)
    life.broken = Broken(0, NOW - 30 * DAY)
    for _ in range(3):
        life.read()
    life.now += 9 * DAY
    left_out = life.follow(40, ago=5 * DAY, every=60)
    life.follow(12, ago=DAY // 2, every=60)
    life.policy["start_date"] = life.now - DAY
    life.read(after=0, budget=budget)
    if heals == "before":
        life.broken = None
        life.read(after=HOUR)
    assert not set(left_out) <= life.sent
    life.policy["start_date"] = 0
    for _ in range(2):
        life.read(after=HOUR)
    life.broken = None
    life.read(after=8 * DAY)
    assert set(life.listed) <= life.sent
    assert life.read(after=HOUR).requests == 1


@lives
@given(
    length=st.integers(0, 60),
    days=st.lists(
        st.fixed_dictionaries(
            {
                "new": st.integers(0, 20),
                "start_date": st.one_of(st.just(None), st.integers(0, 4 * DAY)),
                "is_broken": st.booleans(),
                "budget": st.one_of(st.none(), st.integers(0, 4)),
                "killed_after": st.one_of(st.none(), st.integers(0, 4)),
            }
        ),
        max_size=10,
    ),
    lookback=st.sampled_from([0, HOUR, DAY]),
    page_size=st.integers(3, 12),
)
def test_wherever_start_date_was_without_it_all_is_read(
    length: int, days: list[dict[str, Any]], lookback: int, page_size: int
) -> None:
    life = Life(follows_of(length), page_size, lookback=lookback)
    for day in days:
        life.now += DAY
        life.follow(day["new"], every=HOUR)
        ago = day["start_date"]
        life.policy["start_date"] = 0 if ago is None else life.now - ago
        life.broken = Broken(0, NOW - 10 * HOUR) if day["is_broken"] else None
        life.read(after=0, budget=day["budget"], killed_after=day["killed_after"])
    life.policy["start_date"], life.broken = 0, None
    for _ in range(4):
        life.read(after=8 * DAY)
    assert set(life.listed) <= life.sent


def test_pages_of_one_second_that_get_smaller_meanwhile_hold_nobody_twice() -> None:
    """Interrupted after each page, and gone on with smaller pages."""
    life = Life(follows_of(16, every=0), 12)
    life.read(budget=1)
    life.page_size = 6
    life.read(budget=1)
    assert life.read().row["accounts_read"] == 16
    assert life.read().row["accounts_lost"] == 0


def test_due_times_follow_the_clock_of_the_lists_alone() -> None:
    """A local clock that is days ahead makes no list due."""
    life = Life(follows_of(30), full_scan_after=2 * DAY)
    life.read()
    whole = [life.read(after=DAY // 2).row["whole_list"] for _ in range(8)]
    assert 2 <= sum(whole) <= 4
    assert not any(one and other for one, other in pairwise(whole))
