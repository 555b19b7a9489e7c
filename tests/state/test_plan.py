"""Which lists are due, and in which order they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_tiktok_following.model import READ, SKIPPED, Entry, Outcome, Policy, Progress
from tap_tiktok_following.state.plan import Turn, make_plan
from tap_tiktok_following.text import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_tiktok_following.state.plan import Plan

NOW = 1_700_000_000

each_read = pytest.mark.parametrize("outcome", sorted(READ))
each_skip = pytest.mark.parametrize("outcome", sorted(SKIPPED))


def ended(outcome: Outcome, ago: int, **more: Any) -> Entry:
    """Return the entry of a list whose last scan ended so long ago."""
    return Entry("", outcome=outcome, ended_at=NOW - ago, **more)


def plan(
    usernames: str, *, stored: Collection[str] = (), policy: Any = None, **entries: Entry
) -> Plan:
    policy = Policy("username", **(policy or {}))
    known = {**{name: Entry(name) for name in usernames.split()}, **entries}
    return make_plan(usernames.split(), known.__getitem__, stored, policy, NOW)


def unfinished(outcome: Outcome, ago: int) -> Entry:
    return ended(outcome, ago, progress=Progress(NOW - ago, NOW - ago, full=True))


def test_stored_then_unfinished_then_new_then_the_longest_unscanned() -> None:
    found = plan(
        "late new1 private failed half new2 early paid",
        stored={"paid"},
        late=ended(Outcome.COMPLETE, HOUR),
        early=ended(Outcome.COMPLETE, 9 * HOUR),
        private=ended(Outcome.PRIVATE, 5 * HOUR),
        failed=ended(Outcome.FAILED, 3 * HOUR),
        half=unfinished(Outcome.INTERRUPTED, HOUR),
        paid=ended(Outcome.COMPLETE, 0),
    )
    order = "paid half new1 new2 early private failed late"
    assert found.usernames == order.split()
    assert found.counts == {
        Turn.STORED: 1,
        Turn.UNFINISHED: 1,
        Turn.NEW: 2,
        Turn.KNOWN: 4,
    }


def test_the_longest_unfinished_scan_comes_first() -> None:
    found = plan(
        "b a",
        a=unfinished(Outcome.INTERRUPTED, 99),
        b=unfinished(Outcome.INTERRUPTED, 10),
    )
    assert found.usernames == ["a", "b"]


def test_equals_keep_the_order_of_the_settings() -> None:
    assert plan("c a b").usernames == ["c", "a", "b"]


def test_scan_that_failed_does_not_come_before_new_usernames() -> None:
    found = plan("bad new", bad=unfinished(Outcome.FAILED, 9))
    assert found.usernames == ["new", "bad"]


@pytest.mark.parametrize("outcome", sorted(READ | SKIPPED))
def test_list_that_was_read_or_skipped_is_due_after_rescan_after(outcome: Outcome) -> None:
    found = plan(
        "ann ben",
        policy={"rescan_after": 2 * HOUR},
        ann=ended(outcome, 2 * HOUR - 1),
        ben=ended(outcome, 2 * HOUR),
    )
    assert (found.usernames, found.counts[Turn.NOT_DUE]) == (["ben"], 1)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INTERRUPTED])
def test_list_that_failed_or_was_interrupted_is_always_due(outcome: Outcome) -> None:
    found = plan("ann", policy={"rescan_after": 99 * HOUR}, ann=ended(outcome, 1))
    assert found.usernames == ["ann"]


@each_skip
def test_skipped_list_waits_for_the_longer_of_both_settings(outcome: Outcome) -> None:
    waiting, due = ended(outcome, 7 * DAY - 1), ended(outcome, 7 * DAY)
    policy = {"retry_unavailable_after": 7 * DAY, "rescan_after": HOUR}
    assert plan("ann ben", policy=policy, ann=waiting, ben=due).usernames == ["ben"]
    policy = {"retry_unavailable_after": HOUR, "rescan_after": 7 * DAY}
    assert plan("ann ben", policy=policy, ann=waiting, ben=due).usernames == ["ben"]


@each_read
def test_list_that_was_read_does_not_wait_like_a_skipped_one(outcome: Outcome) -> None:
    found = plan("ann", policy={"retry_unavailable_after": 7 * DAY}, ann=ended(outcome, HOUR))
    assert found.usernames == ["ann"]


def test_scan_in_the_future_makes_no_list_wait() -> None:
    """The local clock was wrong, then or now."""
    found = plan("ann", policy={"rescan_after": HOUR}, ann=ended(Outcome.COMPLETE, -DAY))
    assert found.usernames == ["ann"]


def test_next_due_time_is_known_if_no_list_is_due() -> None:
    found = plan(
        "ann ben",
        policy={"rescan_after": 2 * HOUR, "retry_unavailable_after": DAY},
        ann=ended(Outcome.PRIVATE, HOUR),
        ben=ended(Outcome.COMPLETE, HOUR),
    )
    assert (found.usernames, found.due_at) == ([], NOW + HOUR)
    assert plan("ann", policy={"rescan_after": HOUR}).due_at is None
