"""Which scans are doubted, which are believed, and which responses are requested once more.

Account 0 is the newest of the first scan, and account n was followed n hours before it; new
ones have numbers below 0.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tap_tiktok_following.model import Accounts, Entry, Page, Policy, Response
from tap_tiktok_following.scan.step import step
from tap_tiktok_following.text import DAY, HOUR
from tests.lives import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_tiktok_following.model import Event

SIZE = 100


class Scan(NamedTuple):
    """What a provider returns in one full scan.

    Attributes:
        accounts: The list, newest follow first.
        total: The provider's total; None without one.
        empty: Numbers of pages, from 1, that come back empty, with more to come.
        ends: Number of the page at which the list ends; None for its last page.
        filtered: Accounts that are left out after paging.
        nothing: Whether the only response is an empty list.
    """

    accounts: Sequence[int]
    total: int | None = None
    empty: Sequence[int] = ()
    ends: int | None = None
    filtered: Sequence[int] = ()
    nothing: bool = False

    def pages(self) -> Iterator[Page]:
        """Yield the pages up to the end of the list."""
        if self.nothing:
            yield Page(Accounts([]), has_more=False, next_cursor=None, total=self.total)
            return
        left_out = set(self.filtered)
        starts = range(0, max(1, len(self.accounts)), SIZE)
        for number, start in enumerate(starts, 1):
            stop = start + SIZE
            names = [] if number in self.empty else self.accounts[start:stop]
            has_more = stop < len(self.accounts) and number != self.ends
            rows = [{"username": f"account.{name}"} for name in names if name not in left_out]
            cursor = NOW - HOUR * self.accounts[stop] if has_more else None
            yield Page(Accounts(rows), has_more, cursor, self.total)
            if number == self.ends:
                return


def respond(page: Page, at: int) -> Response:
    return Response(200, b"", at, at, at, page=page, count=SIZE)


def read(entry: Entry, scan: Scan, policy: Policy, at: int) -> Event:
    """Return the end of a scan; no response of it is requested once more."""
    for page in scan.pages():
        response = dataclasses.replace(respond(page, at), is_final=True)
        event = step(entry, response, policy)
        entry = event.entry
        if event.row is not None:
            break
    assert event.row is not None
    return event


def verdicts(scans: Sequence[Scan], start_date: int = 0) -> str:
    """Return of each scan whether it is believed or doubted: "b" or "d"."""
    policy = Policy("username", full_scan_after=0, start_date=start_date)
    entry, found = Entry("ann"), ""
    for day, scan in enumerate(scans):
        event = read(entry, scan, policy, NOW + DAY * day + HOUR)
        row = event.row or {}
        is_doubted = not row["whole_list"]
        assert row["outcome"] == "complete"
        assert bool(row["reason"]) == is_doubted
        assert not (is_doubted and row["accounts_lost"])
        entry, found = event.entry, found + ("d" if is_doubted else "b")
    return found


def without(accounts: Sequence[int], count: int, start: int = 50) -> list[int]:
    """Return a list that lost some accounts in a row."""
    return [*accounts[:start], *accounts[start + count :]]


def new(count: int) -> list[int]:
    """Return new accounts, newest first."""
    return [-number / 100 for number in range(count, 0, -1)]  # type: ignore[misc]


LONG = list(range(430))
SHORT = list(range(60))


@pytest.mark.parametrize(
    ("scans", "expected"),
    [
        # First scans.
        pytest.param([Scan([])], "b", id="an empty list without a total"),
        pytest.param([Scan([], 0)], "b", id="an empty list with a total of 0"),
        pytest.param([Scan([], 9)], "d", id="an empty list with a total"),
        pytest.param([Scan(LONG)], "b", id="a list"),
        pytest.param([Scan(LONG, 430)], "b", id="a list with its total"),
        pytest.param([Scan(LONG, 431)], "b", id="a total that is one too high"),
        pytest.param([Scan(LONG, 500)], "b", id="a total that fits on the pages"),
        pytest.param([Scan(LONG, 501)], "d", id="a total that fits on the pages no more"),
        pytest.param([Scan(LONG, 20)], "b", id="a total far below what was read"),
        pytest.param([Scan(SHORT[:30], 60)], "b", id="half of the total was read"),
        pytest.param([Scan(SHORT[:29], 60)], "d", id="less than half of the total was read"),
        pytest.param([Scan(LONG, 430, ends=1)], "d", id="first scan cut, total"),
        pytest.param([Scan(LONG, ends=1)], "b", id="first scan cut, no total"),
        pytest.param([Scan(LONG, empty=[1])], "b", id="first page of the first scan empty"),
        pytest.param([Scan(LONG, empty=[2])], "d", id="second page of the first scan empty"),
        pytest.param([Scan(LONG, empty=[1, 2, 3, 4, 5])], "d", id="all pages empty"),
        pytest.param(
            [Scan(LONG, 501), Scan(LONG, 501)], "db", id="a first scan twice, total too high"
        ),
        pytest.param(
            [Scan(LONG, 430, ends=1), Scan(LONG, 430)], "db", id="a first scan cut, then whole"
        ),
        # How many may be missing.
        pytest.param([Scan(LONG), Scan(without(LONG, 9))], "bb", id="9 of 430"),
        pytest.param([Scan(LONG), Scan(without(LONG, 10))], "bd", id="10 of 430"),
        pytest.param([Scan(SHORT), Scan(without(SHORT, 9, 9))], "bb", id="9 of 60"),
        pytest.param([Scan(SHORT), Scan(without(SHORT, 10, 9))], "bd", id="10 of 60"),
        pytest.param(
            [Scan(range(2000)), Scan(without(range(2000), 39))], "bb", id="39 of 2,000"
        ),
        pytest.param(
            [Scan(range(2000)), Scan(without(range(2000), 40))], "bd", id="40 of 2,000"
        ),
        pytest.param(
            [Scan(range(4800)), Scan(without(range(4800), 89))], "bb", id="89 of 4,800"
        ),
        pytest.param(
            [Scan(range(4800)), Scan(without(range(4800), 90))], "bd", id="90 of 4,800"
        ),
        pytest.param(
            [Scan(range(5200)), Scan(range(5200), ends=50)], "bb", id="provider cuts at 5,000"
        ),
        pytest.param(
            [Scan(range(10200), 10200, ends=50)], "b", id="provider cuts a first scan at 5,000"
        ),
        # New follows are expected too.
        pytest.param([Scan(SHORT), Scan([*new(40), *SHORT])], "bb", id="40 new over 60"),
        pytest.param(
            [Scan(SHORT), Scan([*new(40), *without(SHORT, 10, 9)])], "bd", id="40 new, 10 lost"
        ),
        pytest.param(
            [Scan(SHORT), Scan([*new(60), *SHORT], ends=1)], "bd", id="60 new, page 2 lost"
        ),
        pytest.param(
            [Scan(LONG), Scan([300, *new(97), *without(LONG, 1, 300)], empty=[3])],
            "bd",
            id="one followed again, 97 new, page 3 lost",
        ),
        # Wrong pages.
        pytest.param([Scan(LONG), Scan(LONG, empty=[1])], "bd", id="page 1 empty"),
        pytest.param([Scan(LONG), Scan(LONG, empty=[3])], "bd", id="page 3 empty"),
        pytest.param([Scan(LONG), Scan(LONG, ends=1)], "bd", id="ends after page 1"),
        pytest.param([Scan(LONG), Scan(LONG, ends=4)], "bd", id="ends after page 4"),
        pytest.param([Scan(LONG), Scan([], nothing=True)], "bd", id="nothing"),
        pytest.param([Scan([1, 2]), Scan([])], "bd", id="nothing, on a list of two"),
        pytest.param([Scan([1, 2], 2), Scan([], 0)], "bb", id="nothing, and the total is 0"),
        # Totals.
        pytest.param(
            [Scan(LONG, 430), Scan(without(LONG, 90), 340)], "bb", id="total confirms a loss"
        ),
        pytest.param(
            [Scan(LONG, 430), Scan(LONG, 430, empty=[3])], "bd", id="total contradicts a loss"
        ),
        pytest.param(
            [Scan(LONG, 450), Scan(without(LONG, 90), 360)],
            "bb",
            id="total confirms a loss, 20 are filtered",
        ),
        pytest.param(
            [Scan(LONG, 430), Scan(LONG, 420, empty=[3])], "bd", id="total explains a part"
        ),
        pytest.param(
            [Scan(LONG, 430), Scan(LONG, 300, empty=[3])],
            "bd",
            id="total below what was read explains nothing",
        ),
        pytest.param(
            [Scan(LONG, 630), Scan(LONG, 520, ends=3)],
            "dd",
            id="total of a first scan that was too high",
        ),
        pytest.param(
            [Scan(LONG, 430), Scan(LONG, 530), Scan(LONG, 430, empty=[3])],
            "bbd",
            id="total that was once too high hides nobody",
        ),
        # Believed at the second look.
        pytest.param(
            [Scan(LONG), Scan(without(LONG, 90)), Scan(without(LONG, 90))],
            "bdb",
            id="the same twice",
        ),
        pytest.param(
            [Scan(LONG), Scan(without(LONG, 90)), Scan([*new(30), *without(LONG, 90)])],
            "bdb",
            id="the same twice, with 30 new on top",
        ),
        pytest.param(
            [Scan(LONG), Scan(without(LONG, 90)), Scan(without(LONG, 99))],
            "bdb",
            id="nine more are lost",
        ),
        pytest.param(
            [Scan(LONG), Scan(without(LONG, 90)), Scan(without(LONG, 100))],
            "bdd",
            id="ten more are lost",
        ),
        pytest.param(
            [Scan(LONG), Scan(without(LONG, 90)), Scan(without(LONG, 81))],
            "bdb",
            id="nine are back",
        ),
        pytest.param(
            [Scan(LONG), Scan(LONG, empty=[3]), Scan(LONG, empty=[2])],
            "bdd",
            id="as many, but not the same",
        ),
        pytest.param(
            [Scan(LONG), Scan(LONG, empty=[3]), Scan(LONG)], "bdb", id="all are back"
        ),
        pytest.param(
            [Scan(LONG), Scan(LONG, ends=1), Scan(LONG, ends=1), Scan(LONG, ends=1)],
            "bddd",
            id="an outage: full pages that end are cut",
        ),
        pytest.param(
            [
                Scan(LONG, filtered=[4, 40, 99]),
                Scan(LONG, ends=2, filtered=[4, 40, 99]),
                Scan(LONG, ends=2, filtered=[4, 40, 99]),
            ],
            "bdd",
            id="an outage: nearly full pages, too",
        ),
        pytest.param(
            [Scan(LONG, 430), Scan(LONG, 430, ends=2), Scan(LONG, 430, ends=2)],
            "bdd",
            id="an outage: the total shows it",
        ),
        pytest.param(
            [
                Scan(SHORT),
                Scan([*new(160), *SHORT], ends=1),
                Scan([*new(160), *SHORT], ends=1),
            ],
            "bdd",
            id="an outage on a list that outgrew a page",
        ),
        pytest.param(
            [Scan(LONG), Scan([], nothing=True), Scan([], nothing=True)],
            "bdb",
            id="nothing twice",
        ),
        pytest.param(
            [Scan(SHORT, 60), Scan([], 60), Scan([], 60)],
            "bdd",
            id="nothing twice, against the total",
        ),
        pytest.param(
            [Scan(LONG), Scan([], nothing=True), Scan([1, 2, 3])],
            "bdd",
            id="nothing, then three",
        ),
        pytest.param(
            [Scan(LONG), Scan([1, 2, 3]), Scan([], nothing=True)],
            "bdd",
            id="three, then nothing",
        ),
        pytest.param(
            [
                Scan(LONG),
                Scan([*new(250), *LONG], ends=4),
                Scan([*new(250), *LONG], empty=[2]),
            ],
            "bdd",
            id="accounts that only the doubted scan saw",
        ),
        pytest.param(
            [Scan(range(777)), Scan(range(777), empty=[4, 5, 6]), Scan(range(777), empty=[2])],
            "bdd",
            id="two blinks that each lose another page",
        ),
    ],
)
def test_scans_are_believed_or_doubted(scans: Sequence[Scan], expected: str) -> None:
    assert verdicts(scans) == expected


@pytest.mark.parametrize(
    ("scans", "expected"),
    [
        pytest.param([Scan(LONG, 900)], "b", id="a total says nothing of a part"),
        pytest.param([Scan(LONG), Scan(LONG, empty=[2])], "bd", id="a page is missing"),
        pytest.param([Scan(LONG), Scan(LONG, ends=1)], "bd", id="the list ends too early"),
    ],
)
def test_under_a_start_date(scans: Sequence[Scan], expected: str) -> None:
    assert verdicts(scans, start_date=NOW - 250 * HOUR) == expected


def entry_of(*scans: Scan, policy: Policy) -> Entry:
    entry = Entry("ann")
    for day, scan in enumerate(scans):
        entry = read(entry, scan, policy, NOW + DAY * day + HOUR).entry
    return entry


@pytest.mark.parametrize(
    ("before", "scan", "page", "expected"),
    [
        pytest.param([], Scan([], 0), 1, False, id="an empty list with a total of 0"),
        pytest.param([], Scan([]), 1, True, id="an empty list without a total"),
        pytest.param([Scan([])], Scan([]), 1, False, id="an empty list that was empty"),
        pytest.param([Scan(SHORT)], Scan([]), 1, True, id="an empty list that was not empty"),
        pytest.param([Scan(LONG)], Scan(LONG, empty=[1]), 1, True, id="page 1 empty"),
        pytest.param([Scan(LONG)], Scan(LONG, empty=[2]), 2, True, id="page 2 empty"),
        pytest.param([], Scan(LONG, empty=[2]), 2, True, id="page 2 of a first scan empty"),
        pytest.param([], Scan(SHORT), 1, False, id="a first scan of one page"),
        pytest.param([], Scan(range(100)), 1, False, id="a first scan of one full page"),
        pytest.param([], Scan(LONG), 5, False, id="a first scan"),
        pytest.param([], Scan(range(490)), 5, True, id="a first scan that ends nearly full"),
        pytest.param([], Scan(range(490), 490), 5, False, id="the same, but the total fits"),
        pytest.param([], Scan(LONG, 430, ends=2), 2, True, id="a first scan cut"),
        pytest.param([Scan(LONG)], Scan(LONG), 5, False, id="the end of a list"),
        pytest.param([Scan(LONG)], Scan(LONG), 1, False, id="a page in between"),
        pytest.param([Scan(range(490))], Scan(range(490)), 5, False, id="a full last page"),
        pytest.param(
            [Scan(LONG)], Scan(LONG, ends=2), 2, True, id="the scan would be doubted"
        ),
        pytest.param(
            [Scan(range(2000))],
            Scan(without(range(2000), 20)),
            20,
            True,
            id="ten are missing, though not enough for a doubt",
        ),
        pytest.param(
            [Scan(LONG)], Scan(without(LONG, 9)), 5, False, id="fewer than ten are missing"
        ),
        pytest.param(
            [Scan(LONG), Scan(LONG, ends=2)], Scan(LONG), 5, False, id="a doubt that is healed"
        ),
        pytest.param(
            [], Scan(LONG, empty=[2]), 5, False, id="the last page below one that was empty"
        ),
    ],
)
def test_responses_are_requested_once_more(
    before: Sequence[Scan], scan: Scan, page: int, *, expected: bool
) -> None:
    policy = Policy("username", full_scan_after=0)
    entry = entry_of(*before, policy=policy)
    at = NOW + DAY * len(before) + HOUR
    for number, response in enumerate(scan.pages(), 1):
        event = step(entry, respond(response, at), policy)
        entry = event.entry
        if number == page:
            assert event.is_odd is expected


def test_a_final_response_is_not_requested_again() -> None:
    policy = Policy("username", full_scan_after=0)
    entry = entry_of(Scan(LONG), policy=policy)
    (page,) = Scan([], nothing=True).pages()
    final = dataclasses.replace(respond(page, NOW + DAY + HOUR), is_final=True)
    assert not step(entry, final, policy).is_odd
