"""The gate: rate, pause, budget, and the stop that ends every wait."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tap_tiktok_following.client.gate import Gate, Halt, Stopped
from tap_tiktok_following.verdicts import Verdict

FOREVER = 60
AT_ONCE = 5
"""Seconds: far below `FOREVER`, and enough for a busy machine."""

HALT = Halt(Verdict.TERMINATED, "stopped by a test")


def gate(per_second: int = 1000, max_requests: int | None = None) -> Gate:
    return Gate(per_second, max_requests, "research_max_requests")


def seconds_of(wait: float, started: float) -> bool:
    return time.monotonic() - started >= wait


def most_in_a_second(times: list[float]) -> int:
    """The most of these times that any one second holds, wherever it begins."""
    return max(sum(start <= each < start + 1 for each in times) for start in times)


# The rate.


def test_no_second_holds_more_requests_than_the_rate() -> None:
    one, rate = gate(per_second=20), 20

    def enter(_: int) -> float:
        one.enter()
        return time.monotonic()

    with ThreadPoolExecutor(4) as workers:
        times = list(workers.map(enter, range(2 * rate + 1)))
    assert most_in_a_second(times) == rate
    assert 2 <= max(times) - min(times) < 2.5


def test_the_rate_may_be_used_at_once() -> None:
    one, started = gate(per_second=50), time.monotonic()
    for _ in range(50):
        one.enter()
    assert not seconds_of(0.5, started)
    assert one.requests == 50


# The pause.


def test_a_pause_holds_every_worker() -> None:
    one, started = gate(), time.monotonic()
    one.pause(0.1)
    with ThreadPoolExecutor(3) as workers:
        for entered in [workers.submit(one.enter) for _ in range(3)]:
            entered.result()
    assert seconds_of(0.1, started)


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    one, started = gate(), time.monotonic()
    one.pause(0.1)
    one.pause(0.01)
    one.enter()
    assert seconds_of(0.1, started)


def test_no_pause_is_no_wait() -> None:
    one, started = gate(), time.monotonic()
    one.pause(0)
    one.enter()
    assert not seconds_of(0.5, started)


# The budget.


def test_the_budget_is_what_passes() -> None:
    one = gate(max_requests=3)
    for _ in range(3):
        one.enter()
    assert one.halt is None
    with pytest.raises(Stopped):
        one.enter()
    assert one.requests == 3
    assert one.halt == Halt(Verdict.BUDGET_SPENT, "`research_max_requests` (3) is reached")


def test_a_budget_of_none_at_all_lets_nothing_through() -> None:
    one = gate(max_requests=0)
    with pytest.raises(Stopped):
        one.enter()
    assert one.requests == 0


def test_many_workers_do_not_overdraw_the_budget() -> None:
    one = gate(max_requests=10)

    def enter(_: int) -> bool:
        try:
            one.enter()
        except Stopped:
            return False
        return True

    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(enter, range(40))) == 10


# The stop.


def test_a_closed_gate_lets_nothing_through() -> None:
    one = gate()
    one.stop(HALT)
    with pytest.raises(Stopped, match=re.escape(HALT.reason)):
        one.enter()
    with pytest.raises(Stopped, match=re.escape(HALT.reason)):
        one.rest(FOREVER)
    assert one.requests == 0


def test_the_first_reason_stands() -> None:
    one = gate()
    one.stop(HALT)
    one.stop(Halt(Verdict.QUOTA_SPENT, "another"))
    assert one.halt == HALT


def ends(one: Gate, waits: list[threading.Thread], stopped: list[str]) -> None:
    """Close the gate once all of these wait; they have to end at once."""
    for thread in waits:
        thread.start()
    started = time.monotonic()
    one.stop(HALT)
    for thread in waits:
        thread.join(AT_ONCE)
    assert not seconds_of(AT_ONCE, started)
    assert sorted(stopped) == sorted(thread.name for thread in waits)


def test_a_stop_ends_every_wait() -> None:
    one, stopped = gate(per_second=1), list[str]()
    one.enter()
    one.pause(FOREVER)

    def wait(name: str) -> None:
        try:
            one.rest(FOREVER) if name == "rest" else one.enter()
        except Stopped:
            stopped.append(name)

    names = ("rest", "pause", "also paused")
    ends(
        one,
        [threading.Thread(target=wait, args=(n,), name=n, daemon=True) for n in names],
        stopped,
    )


def test_a_spent_budget_ends_the_rest_of_others() -> None:
    one, stopped = gate(max_requests=0), list[str]()

    def rest() -> None:
        try:
            one.rest(FOREVER)
        except Stopped:
            stopped.append("rest")

    thread = threading.Thread(target=rest, daemon=True)
    thread.start()
    with pytest.raises(Stopped):
        one.enter()
    thread.join(AT_ONCE)
    assert stopped == ["rest"]


def test_a_rest_ends_by_itself() -> None:
    one, started = gate(), time.monotonic()
    one.rest(0.02)
    assert seconds_of(0.02, started)
    assert not seconds_of(AT_ONCE, started)
