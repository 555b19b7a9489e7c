"""Whatever happens to a list and to the runs that read it: every follow is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import Follow
from tap_tiktok_following.text import DAY, HOUR, in_utc
from tests.blinks import empty, on_page
from tests.lives import NOW, Life, ages, follows_of

TOTALS: list[Callable[[int], int | None]] = [
    lambda _: None,
    lambda total: total,
    lambda total: total - total % 7,
    lambda total: 3 * total % 11,
]
"""No total, a right one, and two that are wrong."""


@settings(max_examples=200, deadline=None)
@given(
    made=st.lists(ages, max_size=50),
    history=st.lists(
        st.fixed_dictionaries(
            {
                "new": st.integers(0, 8),
                "every": st.sampled_from([1, 60, 2 * HOUR]),
                "gone": st.lists(st.integers(0, 60), max_size=4),
                "again": st.lists(st.integers(0, 60), max_size=2),
                "hidden": st.lists(st.integers(0, 60), max_size=2),
                "broken": st.none() | st.tuples(ages, st.integers(0, DAY)),
                "start_date": st.none() | st.integers(0, 4 * DAY),
                "budget": st.none() | st.integers(0, 6),
                "killed_after": st.none() | st.integers(0, 4),
            }
        ),
        min_size=1,
        max_size=8,
    ),
    page_size=st.integers(1, 12),
    repeat=st.booleans(),
    policy=st.fixed_dictionaries(
        {
            "lookback": st.sampled_from([0, HOUR, DAY, 3 * DAY]),
            "full_scan_after": st.sampled_from([None, 0, 2 * DAY]),
            "full_scan_on_loss": st.booleans(),
        }
    ),
    total=st.sampled_from(TOTALS),
    has_start_dates=st.booleans(),
)
def test_whatever_happens_every_follow_is_sent(
    made: list[int],
    history: list[dict[str, Any]],
    page_size: int,
    policy: dict[str, Any],
    total: Callable[[int], int | None],
    *,
    repeat: bool,
    has_start_dates: bool,
) -> None:
    """Pages fail, runs are stopped and killed; a row that says complete means it.

    In some lives, runs have a start date, which moves; in the end there is none.
    """
    follows = [Follow(f"old.{number}", NOW - age) for number, age in enumerate(made)]
    life = Life(follows, page_size, repeat=repeat, **policy)
    life.total = total
    for day in history:
        life.now += DAY
        life.follow(day["new"], every=day["every"])
        changes = {"gone": life.leave, "again": life.refollow, "hidden": life.world.hide}
        for kind, change in changes.items():
            for place in day[kind]:
                if place < len(life.listed):
                    change(life.listed[place])
        age, length = day["broken"] or (0, -1)
        life.broken = range(life.now - age - length, life.now - age + 1)
        if has_start_dates and day["start_date"] is not None:
            life.policy["start_date"] = life.now - day["start_date"]
        read = life.read(after=0, budget=day["budget"], killed_after=day["killed_after"])
        is_read = any(row["outcome"] in {"complete", "unchanged"} for row in read.rows)
        if is_read and not has_start_dates:
            assert life.listed_at_bookmark <= life.sent
    life.broken, life.policy["start_date"] = range(0), 0
    for _ in range(4):
        last = life.read(after=8 * DAY)
    assert last.row["outcome"] in {"complete", "unchanged"}
    assert set(life.listed) <= life.sent


# A page that always fails.


@pytest.mark.parametrize("repeat", [True, False])
@pytest.mark.parametrize("is_first_scan", [True, False])
def test_list_whose_page_always_fails_brings_new_follows_for_one_request(
    *, repeat: bool, is_first_scan: bool
) -> None:
    life = Life(follows_of(40, every=2 * DAY), 10, repeat=repeat)
    if not is_first_scan:
        previous = life.read().row
        life.follow(20, every=20)
    life.broken = range(NOW - 9 * DAY if is_first_scan else life.now - 30)
    failed = [life.read().row for _ in range(2)]
    assert [row["outcome"] for row in failed] == ["failed", "failed"]
    if is_first_scan:  # what it read is the baseline
        previous = failed[-1]
    for new in (0, 3, 1, 0):
        life.now += DAY
        names = life.follow(new, every=60)
        day = life.read(after=0)
        assert (sorted(day.sent), day.requests) == (sorted(names), 1)
        assert (day.row["outcome"] == "complete") is (new > 0)
        assert not day.row["whole_list"]
        assert "were not read" in day.row["reason"]
        assert day.row["previous_scanned_at"] == previous["scanned_at"]
        previous = day.row
    life.broken = range(0)
    healed = life.read(after=8 * DAY)
    assert (healed.row["outcome"], healed.row["whole_list"]) == ("complete", True)
    assert set(life.listed) <= life.sent
    after = [life.read() for _ in range(2)]
    assert [(day.requests, day.row["reason"]) for day in after] == [(1, None)] * 2


@pytest.mark.parametrize(
    ("full_scan_after", "attempts"),
    [
        (None, [0, 1, 8, 9, 16, 17]),
        (30 * DAY, [0, 1, 8, 9, 16, 17]),
        (2 * DAY, [0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16]),
    ],
)
def test_page_that_always_fails_is_retried_every_week_or_when_a_full_scan_is_due(
    full_scan_after: int | None, attempts: list[int]
) -> None:
    """Accounts that leave the first page meanwhile trigger no full scan."""
    life = Life(follows_of(250), full_scan_after=full_scan_after, full_scan_on_loss=True)
    life.broken = range(NOW - 50 * HOUR)
    days = []
    for number in range(18):
        life.unfollow(3 * number)
        days.append(life.read())
    failed = [number for number, day in enumerate(days) if day.row["outcome"] == "failed"]
    assert failed == attempts
    assert all(day.requests == 1 for number, day in enumerate(days) if number not in failed)
    page, retry = in_utc(NOW - 101 * HOUR), in_utc(NOW + (attempts[2] + 1) * DAY)
    assert days[2].row["reason"] == (
        f"a page of the list always fails, so follows before {page} were not read; the next "
        f"full scan is due at {retry}"
    )


@pytest.mark.parametrize(
    ("hours", "outcome"),
    [([1] * 19, "complete"), ([20], "unchanged"), ([1] * 20, "unchanged")],
)
def test_scan_goes_on_after_an_outage_of_less_than_20_hours(
    hours: list[int], outcome: str
) -> None:
    """After that it ends above the page that fails, which is left out for a week."""
    life = Life(follows_of(250))
    life.broken = range(NOW - 50 * HOUR)
    first = life.read(after=0)
    assert (first.row["outcome"], len(first.sent)) == ("failed", 100)
    for hour in hours:
        assert life.read(after=hour * HOUR).row["outcome"] == "failed"
    life.broken = range(0)
    rest = life.read(after=HOUR // 2)
    assert rest.row["outcome"] == outcome
    if outcome == "complete":
        assert rest.row["whole_list"]
        assert rest.row["scanned_at"] == first.row["scanned_at"]
        assert first.sent + rest.sent == life.listed


def test_20_hours_are_counted_from_the_last_page_that_arrived() -> None:
    life = Life(follows_of(350))
    life.broken = range(NOW - 50 * HOUR)
    outcomes = [life.read(after=19 * HOUR).row["outcome"] for _ in range(2)]
    life.broken = range(NOW - 150 * HOUR)
    outcomes += [life.read(after=HOUR // 2).row["outcome"] for _ in range(3)]
    assert outcomes == ["failed"] * 5
    life.broken = range(0)
    assert life.read(after=HOUR).row["whole_list"]
    assert len({row["scanned_at"] for row in life.rows}) == 1


def test_page_that_fails_once_a_day_after_the_run_was_stopped_ends_no_scan() -> None:
    life = Life(follows_of(250))
    life.read(after=0, budget=1)
    life.broken = range(NOW - 50 * HOUR)
    assert life.read().row["outcome"] == "failed"
    life.broken = range(0)
    rest = life.read(after=HOUR)
    assert (rest.row["whole_list"], rest.row["accounts_read"]) == (True, 250)


def test_scan_ends_above_a_page_that_always_fails_even_within_the_lookback() -> None:
    life = Life(follows_of(60), 20, repeat=False, lookback=9 * DAY)
    life.broken = range(NOW - 20 * HOUR)
    assert [life.read().row["outcome"] for _ in range(2)] == ["failed", "failed"]
    life.follow(20, every=60)
    day = life.read()
    assert (day.row["outcome"], day.requests) == ("complete", 2)


def test_page_across_the_end_of_a_list_that_was_not_read_brings_what_is_below_it() -> None:
    """A new follow moves all pages: one that lists both was never read as a whole."""
    life = Life(follows_of(6, every=60), page_size=3)
    life.broken = range(NOW - HOUR - 4 * 60 + 1)
    assert life.read(after=0).row["accounts_read"] == 5
    life.read()
    life.broken = range(0)
    life.follow()
    assert life.read(after=HOUR).sent == ["new.0", "old.5"]
    life.read(after=8 * DAY)
    assert set(life.listed) <= life.sent


# New follows.


@pytest.mark.parametrize("a_day", [70, 80, 150])
def test_follow_that_is_shown_late_is_sent_from_a_later_page(a_day: int) -> None:
    """Made 19 hours before the first scan, and shown after it."""
    every = DAY // a_day
    life = Life(follows_of(10 * a_day, every=every))
    life.read(after=0)
    life.follow(a_day, every=every, ago=-DAY + every)
    life.world.follow("ann", "late", at=NOW - 19 * HOUR)
    assert "late" in life.read().sent


def test_follow_that_is_shown_late_is_sent_below_a_page_that_is_empty() -> None:
    life = Life(follows_of(60), 10)
    life.read(after=0)
    life.world.follow("ann", "late", at=NOW - 15 * HOUR)
    life.blink = on_page(empty, 1)
    assert life.read(after=HOUR).sent == ["late"]


@pytest.mark.parametrize(
    ("policy", "later"),
    [
        pytest.param({}, {}, id="they move up to the first page"),
        pytest.param({"start_date": NOW - 50 * HOUR}, {}, id="and are below a start date"),
        pytest.param({}, {"lookback": 10 * DAY}, id="the lookback is longer than before"),
    ],
)
def test_follows_below_the_memory_are_not_new(
    policy: dict[str, Any], later: dict[str, Any]
) -> None:
    life = Life(follows_of(300), **policy)
    life.read(after=0)
    life.policy.update(later)
    life.unfollow(5, 6)
    life.follow()
    assert life.read(after=0).sent == ["new.0"]


def test_accounts_of_the_second_in_which_a_page_ends_are_not_lost() -> None:
    """They may be on the next page, which is not read."""
    life = Life(follows_of(60, every=60), 20, repeat=False)
    for number in range(20):
        life.world.follow("ann", f"tied.{number}", at=NOW - HOUR - 600)
    life.read()
    life.follow(ago=30)
    assert not life.read().row["accounts_lost"]
