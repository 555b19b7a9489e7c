"""What a person is told of one stream, to the letter."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from tap_tiktok_following.crawl import report as module
from tap_tiktok_following.crawl.report import Report, some_of

from tap_tiktok_following.model import Event, Loss, Outcome, Standing, Visit
from tap_tiktok_following.state.plan import Plan, Turn

STANDING = Standing(0, 0, floor=0, whole=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands still; `clock.now` is its seconds."""
    stopped = SimpleNamespace(now=1000.0)
    stopped.monotonic = lambda: stopped.now
    monkeypatch.setattr(module, "time", stopped)
    return stopped


def plan(known: int = 0, new: int = 0, unfinished: int = 0, not_due: int = 0) -> Plan:
    counts = Counter(
        {
            Turn.KNOWN: known,
            Turn.NEW: new,
            Turn.UNFINISHED: unfinished,
            Turn.NOT_DUE: not_due,
        }
    )
    visits = [Visit(f"user{number}") for number in range(known + new + unfinished)]
    return Plan(visits, counts)


def end(username: str, outcome: Outcome, reason: str = "") -> Event:
    return Event(Visit(username), STANDING, outcome=outcome, reason=reason)


def page(read: int, sent: int, keyless: int = 0, nulled: int = 0) -> Event:
    records = [{"username": str(number)} for number in range(sent)]
    return Event(
        Visit("ann"),
        STANDING,
        records,
        is_page=True,
        read=read,
        keyless=keyless,
        nulled=nulled,
    )


def test_before_the_first_request() -> None:
    report = Report(plan(known=1200, new=30, unfinished=4, not_due=5), 0, 10)
    assert report.estimate() == (
        "1,239 usernames: 30 new, 1,200 known, 4 unfinished, 5 not due; "
        "at least 1,234 requests and 2 min 4 s"
    )


@pytest.mark.parametrize(
    ("usernames", "per_second", "time"),
    [
        (0, 10, "0 s"),
        (1, 10, "1 s"),
        (590, 10, "59 s"),
        (600, 10, "1 min 0 s"),
        (1190, 10, "1 min 59 s"),
        (1200, 10, "2 min 0 s"),
        (35_999, 10, "1 h 0 min"),
        (72_000, 5, "4 h 0 min"),
    ],
)
def test_the_least_time_of_a_run(usernames: int, per_second: int, time: str) -> None:
    assert Report(plan(new=usernames), 0, per_second).estimate().endswith(f" and {time}")


def test_the_estimate_keeps_to_the_budget() -> None:
    report = Report(plan(new=40), 0, 10, max_requests=5)
    assert report.estimate().endswith("; at least 5 requests and 1 s")


def test_a_line_of_progress_every_10_seconds(clock: SimpleNamespace) -> None:
    report = Report(plan(new=40), 0, 10)
    clock.now += 9.9
    assert report.progress(50, None) is None
    clock.now += 0.1
    assert report.progress(50, None) == ("0 of 40 usernames, 0 accounts, 50 requests (5.0/s)")
    assert report.progress(50, None) is None
    for number in range(10):
        report.count(page(1000, 900))
        report.count(end(f"user{number}", Outcome.COMPLETE))
    clock.now += 10
    assert report.progress(150, 19_850) == (
        "10 of 40 usernames, 10,000 accounts, 150 requests (7.5/s), "
        "19,850 of the quota left, about 1 min 0 s left"
    )


def test_the_summary(clock: SimpleNamespace) -> None:
    report = Report(plan(known=5, new=2, not_due=3), 1, 10)
    report.count(page(100, 80))
    report.count(page(50, 0))
    report.count(end("ann", Outcome.COMPLETE))
    report.count(end("ben", Outcome.UNCHANGED))
    report.count(end("cat", Outcome.PRIVATE, "it is private"))
    report.count(end("dan", Outcome.FAILED, "HTTP 500, 5 times"))
    clock.now += 61
    report.count(end("eve", Outcome.INTERRUPTED))
    clock.now += 1000  # of another stream, which runs before the summary is told
    row = report.row(12, 88)
    assert {name: figure for name, figure in row.items() if figure != "0"} == {
        "usernames": "11",
        "complete": "1",
        "unchanged": "1",
        "private": "1",
        "failed": "1",
        "invalid": "1",
        "not due": "3",
        "left over": "3",
        "accounts": "150",
        "sent": "80",
        "requests": "12",
        "quota left": "88",
        "time": "1 min 1 s",
    }
    assert list(report.reasons()) == [
        "1 private (it is private): cat",
        "1 failed (HTTP 500, 5 times): dan",
    ]
    assert report.failed == {"dan": "HTTP 500, 5 times"}


def test_failures_are_grouped_by_reason_the_largest_group_first() -> None:
    report = Report(plan(new=40), 0, 10)
    for number in range(7):
        report.count(end(f"b{number}", Outcome.FAILED, "second"))
    for number in range(12):
        report.count(end(f"a{number}", Outcome.FAILED, "first"))
    for number in range(5):
        report.count(end(f"c{number}", Outcome.FAILED, f"reason {number}"))
    assert list(report.reasons()) == [
        "12 failed (first): a0, a1, a2, a3, a4 and 7 more",
        "7 failed (second): b0, b1, b2, b3, b4 and 2 more",
        "1 failed (reason 0): c0",
        "1 failed (reason 1): c1",
        "1 failed (reason 2): c2",
        "and 2 other reasons, see the scans stream",
    ]


def test_reasons_that_name_the_username_are_one_group() -> None:
    report = Report(plan(new=40), 0, 10)
    for name in ("ann", "mango_maps", "A.b"):
        report.count(end(name, Outcome.PRIVATE, f"HTTP 400: Username {name} is private."))
    report.count(end("is", Outcome.NOT_FOUND, "cannot find @is: this user is gone"))
    report.count(end("ben", Outcome.FAILED, "the bench of ben.x is not ben"))
    assert list(report.reasons()) == [
        "3 private (HTTP 400: Username <username> is private.): ann, mango_maps, A.b",
        "1 not_found (cannot find @is: this user is gone): is",
        "1 failed (the bench of ben.x is not ben): ben",
    ]


def test_numbers_in_the_summary_add_up() -> None:
    report = Report(plan(known=5, new=2, not_due=3), 4, 10)
    outcomes = [outcome for outcome in Outcome if outcome is not Outcome.INVALID]
    for number, outcome in enumerate(outcomes):
        report.count(end(f"user{number}", outcome))
    names = [*report.row(0, None).values()]
    total, *counts = map(int, names[: names.index("-") - 3])
    assert total == 14 == sum(counts)


def test_one_of_each_is_singular(clock: SimpleNamespace) -> None:
    report = Report(plan(new=1), 0, 10)
    assert report.estimate().startswith("1 username: 1 new, 0 known")
    assert report.estimate().endswith("at least 1 request and 1 s")
    report.count(page(1, 1, keyless=1, nulled=1))
    clock.now += 10
    progress = report.progress(1, None)
    assert progress == "0 of 1 username, 1 account, 1 request (0.1/s)"
    report.count(end("user0", Outcome.COMPLETE))
    assert list(report.gaps()) == [
        "1 account without a key left out",
        "1 field of a wrong type set to null",
    ]


def test_a_shard_is_named_everywhere(clock: SimpleNamespace) -> None:
    report = Report(plan(new=2), 0, 10, shard="3/8")
    clock.now += 10
    progress = report.progress(10, None) or ""
    assert report.estimate().startswith("2 usernames of shard 3/8: 2 new")
    assert progress.startswith("0 of 2 usernames of shard 3/8, ")


def test_what_could_not_be_sent_is_told() -> None:
    report = Report(plan(new=2), 0, 10)
    report.count(page(5, 3, keyless=2, nulled=1))
    report.count(page(5, 3, nulled=3))
    report.count(end("ann", Outcome.COMPLETE, "some may be missing"))
    assert list(report.gaps()) == [
        "2 accounts without a key left out",
        "4 fields of a wrong type set to null",
        "1 complete (some may be missing): ann",
    ]


def test_nothing_missing_is_nothing_to_tell() -> None:
    report = Report(plan(new=1), 0, 10)
    report.count(page(5, 5))
    report.count(end("ann", Outcome.COMPLETE))
    assert list(report.gaps()) == []


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "u0"), (5, "u0, u1, u2, u3, u4"), (6, "u0, u1, u2, u3, u4 and 1 more")],
)
def test_a_list_of_usernames_stays_readable(count: int, words: str) -> None:
    assert some_of([f"u{number}" for number in range(count)]) == words


def test_lists_that_lost_accounts() -> None:
    """What they cost can't be known before; what they did cost is said after it."""
    visits = [
        Visit(f"user{n}", full_scan_on_loss=True, believes_total=n < 2) for n in range(3)
    ]
    report = Report(Plan(visits, Counter({Turn.KNOWN: 3})), 0, 10)
    assert report.estimate().endswith(
        "at least 3 requests and 1 s, more for lists that lost accounts"
    )
    lost = replace(STANDING, loss=Loss.TOTAL)
    ends = [
        (lost, Outcome.COMPLETE),
        (lost, Outcome.INTERRUPTED),
        (STANDING, Outcome.COMPLETE),
    ]
    for visit, (standing, outcome) in zip(visits, ends, strict=True):
        report.count(Event(visit, standing, outcome=outcome))
    whole, wrong = report.reasons()
    assert whole == "1 list read whole after a loss of accounts"
    assert wrong == (
        "1 list with a total that was wrong 3 times in a row: it is ignored until the next "
        "full refresh"
    )
