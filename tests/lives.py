"""The life of one list, read day after day without HTTP: the pure part of the tap.

The list is the sandbox's, paged as the sandbox pages it. What is in between is the real thing:
the plan, the scan, the state.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any

import pytest
from hypothesis import strategies as st

from sandbox import Clock, Follow, World
from sandbox.paging import page_of
from tap_tiktok_following.errors import BudgetReached, Failed
from tap_tiktok_following.model import Accounts, Page, Policy, RawResponse, Response
from tap_tiktok_following.run.reader import Reader
from tap_tiktok_following.state.bookmarks import Bookmarks
from tap_tiktok_following.state.entry import parse_moment
from tap_tiktok_following.state.plan import make_plan
from tap_tiktok_following.text import DAY, HOUR, in_utc

Blink = Callable[[int, Page], Page]


NOW = 1_700_000_000

ages = st.integers(0, 5) | st.integers(0, 3 * HOUR) | st.integers(0, 5000 * HOUR)
"""How long ago follows were made: many in one second or hour, some of them long ago."""


def each_row(table: Iterable[tuple[Any, ...]], *names: str) -> pytest.MarkDecorator:
    """Return the parameters of a test, from a table whose rows begin with what they show."""
    rows = [pytest.param(*row, id=shown) for shown, *row in table]
    return pytest.mark.parametrize(names, rows)


with_and_without_totals = pytest.mark.parametrize("totals", [False, True])


@dataclass
class Day:
    """What one run did."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    requests: int = 0

    @property
    def row(self) -> dict[str, Any]:
        """Its one row of the scans stream."""
        (row,) = self.rows
        return row


class Life:
    """The following list of Ann, and its reader.

    Args:
        follows: The list.
        page_size: How many accounts are requested per page.
        repeat: Whether a page begins with the last account of the one before.
        policy: How the list is read.
    """

    def __init__(
        self,
        follows: Iterable[Follow],
        page_size: int = 100,
        *,
        repeat: bool = True,
        **policy: Any,
    ) -> None:
        self.world = World.of({"ann": list(follows)})
        self.world.clock = Clock(NOW)
        self.page_size = page_size
        self.policy = policy
        self._repeat = repeat
        self._made = 0
        # How the provider responds.
        self.broken = range(0)  # cursors whose page fails for now
        self.total: Callable[[int], int | None] = lambda _: None
        self.cached_for = 0  # seconds since its cache was filled
        self.blink: Blink = lambda _number, page: page  # changes a page, by its number from 1
        # What the runs left.
        self.state: dict[str, Any] = {}
        self.sent: set[str] = set()
        self.records: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []
        self.listings: dict[int, set[str]] = {}  # who was on the list at the time of each run

    @property
    def now(self) -> int:
        """What time it is, in Unix seconds."""
        return int(self.world.clock.now())

    @now.setter
    def now(self, now: int) -> None:
        self.world.clock.advance(now - self.now)

    @property
    def listed(self) -> list[str]:
        """Who is on the list now, newest follow first, hidden ones left out."""
        return [follow.username for follow in self.world.truth("ann")]

    @property
    def listed_at_bookmark(self) -> set[str]:
        """Who is on the list now and was when the last complete scan started."""
        (entry,) = self.state["partitions"]
        bookmark = parse_moment(entry["replication_key_value"]) or 0
        return {f.username for f in self.world.truth("ann") if f.at < bookmark}

    def follow(self, many: int = 1, *, ago: int = 0, every: int = 1) -> list[str]:
        """Follow a number of new accounts, the last one some seconds ago."""
        names = [f"new.{self._made + number}" for number in range(many)]
        self._made += many
        for number, name in enumerate(names):
            self.world.follow("ann", name, at=self.now - ago - number * every)
        return names

    def unfollow(self, *places: int) -> None:
        """Unfollow accounts of the first list, by their place on it."""
        for place in places:
            self.leave(f"old.{place}")

    def leave(self, name: str) -> None:
        """Unfollow an account."""
        self.world.unfollow("ann", name)

    def refollow(self, name: str, *, ago: int = 0) -> None:
        """Unfollow an account and follow it again."""
        self.leave(name)
        self.world.follow("ann", name, at=self.now - ago)

    def read(
        self, *, after: int = DAY, budget: int | None = None, killed_after: int | None = None
    ) -> Day:
        """Let some seconds pass, then run; every follow is within its window.

        Args:
            after: Seconds.
            budget: Requests after which the run is stopped; None for no limit.
            killed_after: Events after which the run is killed, and the records of the next
                one lost; None if it is not.
        """
        self.now += after
        self.listings[self.now] = set(self.listed)
        day, state, records = Day(), copy.deepcopy(self.state), []
        bookmarks = Bookmarks(state, keep_rows=True)
        policy = Policy("username", page_size=self.page_size, **self.policy)
        for username in make_plan(["ann"], bookmarks.entry, {}, policy, self.now).usernames:
            fetch = partial(self._fetch, day, budget)
            reader = Reader(bookmarks.entry(username), policy, fetch, None, lambda: None)
            for number, event in enumerate(reader.events()):
                if number == killed_after:
                    break
                records += event.records
                bookmarks.store(event)
        made = defaultdict(list)
        for follow in self.world.history("ann"):
            made[follow.username].append(in_utc(follow.at))
        for record in records:
            earliest, latest = record["followed_at_earliest"], record["followed_at_latest"]
            assert any((earliest or "") <= at <= latest for at in made[record["username"]])
        day.sent = [record["username"] for record in records]
        day.rows = list(bookmarks.take_rows())
        self.sent.update(day.sent)
        self.records += records
        self.rows += day.rows
        self.state = state
        return day

    def _fetch(
        self,
        day: Day,
        budget: int | None,
        _username: str,
        cursor: int | None,
        count: int,
        on_request: Callable[[], None],
    ) -> Response:
        if day.requests == budget:
            raise BudgetReached
        day.requests += 1
        on_request()
        if cursor is not None and cursor in self.broken:
            response = RawResponse(500, b"", self.now, self.now, self.now)
            reason = "HTTP 500"
            raise Failed(reason, response=response)
        as_of = self.now - self.cached_for
        follows = self.world.following("ann", as_of)
        until = as_of if cursor is None else cursor
        page = page_of(follows, until, count, repeat_boundary=self._repeat)
        names = [f.username for f in page.follows if f.username not in self.world.hidden]
        listed = Page(
            Accounts([{"username": name} for name in names]),
            page.has_more,
            page.cursor if page.has_more else None,
            self.total(page.total),
        )
        above = sum(1 for follow in follows if cursor is not None and follow.at > cursor)
        listed = self.blink(ceil(above / count) + 1, listed)
        return Response(200, b"", as_of, as_of, self.now, page=listed, count=count)


def follows_of(length: int, *, every: int = HOUR) -> list[Follow]:
    """Return a list of follows, newest first; the newest was made an hour ago."""
    return [Follow(f"old.{place}", NOW - HOUR - every * place) for place in range(length)]
