"""Lists for which a simpler rule was wrong: each one is why a rule is what it is."""

from __future__ import annotations

from typing import Any

import pytest

from tap_tiktok_following.text import DAY, HOUR
from tests.blinks import absences, false_absences
from tests.lives import NOW, Broken, Life, follows_of

with_and_without_totals = pytest.mark.parametrize(
    "totals", [pytest.param(True, id="totals"), pytest.param(False, id="no totals")]
)


def a_list(length: int, page_size: int = 100, *, totals: bool = False, **more: Any) -> Life:
    """Return a list of follows, a day apart unless `every` says otherwise, read once."""
    every = more.pop("every", DAY)
    life = Life(follows_of(length, every=every), page_size, **more)
    if totals:
        life.total = lambda total: total
    life.read()
    life.now += DAY
    return life


# Lost accounts.


def test_nineteen_new_follows_do_not_hide_a_loss_from_the_total() -> None:
    """The total grows, but by less than what is new on top."""
    life = a_list(250, 20, totals=True, full_scan_on_loss=True)
    life.world.unfollow("ann", "old.5")
    life.follow(19, ago=60, every=60)
    day = life.read(after=0)
    assert (day.row["accounts_lost"], day.row["whole_list"]) == (1, True)
    assert [absence.account for absence in absences(life)] == ["old.5"]


@pytest.mark.parametrize("new", [17, 18, 19, 20, 40])
def test_new_follows_do_not_hide_a_loss_from_the_pages_of_a_dense_list(new: int) -> None:
    """The lookback reaches down to accounts that were remembered."""
    life = Life(follows_of(250, every=HOUR), 20, full_scan_on_loss=True)
    life.read(after=0)
    life.now += DAY
    life.world.unfollow("ann", "old.5")
    life.follow(new, ago=60, every=60)
    days = [life.read(after=0), life.read()]
    assert max(day.row["accounts_lost"] or 0 for day in days) == 1
    assert any(day.row["whole_list"] for day in days)


@with_and_without_totals
@pytest.mark.parametrize("again", ["old.0", "old.10", "old.89", "old.99"])
@pytest.mark.parametrize("ago", [0, 9999])
def test_one_followed_again_beside_99_new_ones_is_no_evidence_that_others_left(
    again: str, ago: int, *, totals: bool
) -> None:
    """The others are further down, not gone."""
    life = a_list(250, totals=totals)
    life.follow(99, ago=60, every=60)
    life.world.unfollow("ann", again)
    life.world.follow("ann", again, at=life.now - ago)
    assert not life.read(after=0).row["accounts_lost"]


@with_and_without_totals
def test_ten_new_follows_over_a_list_of_two(*, totals: bool) -> None:
    for page_size in (5, 10, 11, 100):
        life = a_list(2, page_size, totals=totals, full_scan_on_loss=True)
        new = life.follow(10, ago=60, every=60)
        day = life.read(after=0)
        assert (sorted(day.sent), day.row["accounts_lost"]) == (sorted(new), 0)
        assert day.row["reason"] is None


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_ten_new_follows_over_a_list_of_two_that_lost_some(kept: int) -> None:
    life = a_list(2)
    for place in range(kept, 2):
        life.world.unfollow("ann", f"old.{place}")
    new = life.follow(10, ago=60, every=60)
    day = life.read(after=0)
    assert (sorted(day.sent), day.row["accounts_lost"]) == (sorted(new), 2 - kept)


def test_a_total_that_lies_makes_one_scan_full_and_no_unfollow() -> None:
    life = a_list(250, totals=True, full_scan_on_loss=True)
    life.total = lambda total: total - 5
    days = [life.read() for _ in range(6)]
    assert [day.row["whole_list"] for day in days] == [True, *[False] * 5]
    assert [day.row["accounts_lost"] for day in days] == [0] * 6
    assert list(absences(life)) == []


def test_a_total_that_lied_is_believed_once_a_full_scan_finds_it_right() -> None:
    life = a_list(250, totals=True, full_scan_on_loss=True)
    life.total = lambda total: total - 5
    life.read()
    life.total = lambda total: total
    life.policy["full_scan_after"] = 0
    life.read()
    life.policy["full_scan_after"] = None
    life.world.unfollow("ann", "old.200")
    day = life.read()
    assert (day.row["accounts_lost"], day.row["whole_list"]) == (1, True)


@with_and_without_totals
@pytest.mark.parametrize("full_scan_after", [0, None])
@pytest.mark.parametrize("new", [3, 30])
def test_a_cache_older_than_the_bookmark_shows_no_loss(
    new: int, full_scan_after: int | None, *, totals: bool
) -> None:
    """It does not list the follows that were made since it was filled."""
    life = a_list(50, totals=totals, full_scan_after=full_scan_after)
    life.follow(new, ago=60, every=60)
    life.read(after=HOUR)
    life.cached_for = 3 * HOUR
    day = life.read(after=HOUR)
    assert (day.row["whole_list"], day.row["accounts_lost"]) == (False, None)
    life.cached_for = 0
    life.read(after=HOUR)
    assert list(absences(life)) == []
    assert set(life.listed) <= life.sent


# New follows.


@pytest.mark.parametrize("page_size", [1, 2, 10])
@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("repeat", [True, False])
def test_a_new_follow_below_one_that_was_made_again(
    length: int, page_size: int, *, repeat: bool
) -> None:
    life = a_list(length, page_size, repeat=repeat)
    life.follow(ago=60)
    life.refollow("old.0")
    life.read(after=0)
    assert set(life.listed) <= life.sent


@with_and_without_totals
@pytest.mark.parametrize("quiet", [1, 2])
@pytest.mark.parametrize("lookback", [HOUR, DAY, 3 * DAY])
def test_a_dense_list_after_a_quiet_day_sends_the_new_follow_only(
    lookback: int, quiet: int, *, totals: bool
) -> None:
    """300 follows in five hours are all remembered; then the lookback holds none of them."""
    life = a_list(900, every=60, totals=totals, lookback=lookback)
    for _ in range(quiet):
        assert life.read(after=DAY).sent == []
    new = life.follow(ago=60)
    assert life.read(after=0).sent == new


@pytest.mark.parametrize("repeat", [True, False])
@pytest.mark.parametrize("new", [1, 10, 19, 25])
@pytest.mark.parametrize("ties", [5, 20, 30])
def test_a_page_of_one_second_across_a_page_boundary(
    ties: int, new: int, *, repeat: bool
) -> None:
    """As many as fit on a page, or more, were followed in one second."""
    life = Life(follows_of(60, every=60), 20, repeat=repeat)
    for number in range(ties):
        life.world.follow("ann", f"tied.{number}", at=NOW - HOUR - 600)
    life.read()
    names = life.follow(new, ago=30, every=0)
    day = life.read()
    assert set(names) <= set(day.sent)
    assert not day.row["accounts_lost"]
    assert set(life.listed) <= life.sent
    assert false_absences(life) == []


# Pages that fail.


def test_an_outage_of_less_than_20_hours_ends_no_scan() -> None:
    life = Life(follows_of(250, every=HOUR))
    life.broken = Broken(0, NOW - 50 * HOUR)
    first = [life.read(after=2 * HOUR) for _ in range(9)]
    assert {day.row["scanned_at"] for day in first} == {first[0].row["scanned_at"]}
    life.broken = None
    healed = life.read(after=2 * HOUR)
    assert (healed.row["outcome"], healed.row["whole_list"]) == ("complete", True)
    assert healed.row["scanned_at"] == first[0].row["scanned_at"]
    assert len(healed.sent) == 150
    assert set(life.listed) <= life.sent


def test_a_page_that_fails_for_20_hours_ends_the_scan() -> None:
    life = Life(follows_of(250, every=HOUR))
    life.broken = Broken(0, NOW - 50 * HOUR)
    life.read(after=0)
    assert life.read(after=20 * HOUR).row["outcome"] == "failed"
    new = life.follow(ago=60)
    day = life.read(after=HOUR)
    assert (day.sent, day.requests, day.row["whole_list"]) == (new, 1, False)
    assert "were not read" in day.row["reason"]
