"""Random lives of lists, read day after day without HTTP: the pure part of the tap.

The lists are the sandbox's, paged as the sandbox pages them. What is in between is the real
thing: the plan, the scan, the state.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Any

from sandbox import Clock, Follow, World
from sandbox.paging import page_of
from tap_tiktok_following.errors import BudgetReached, Failed
from tap_tiktok_following.model import Accounts, Page, Policy, RawResponse, Response
from tap_tiktok_following.run.reader import Reader
from tap_tiktok_following.state.bookmarks import Bookmarks
from tap_tiktok_following.state.entry import parse_moment
from tap_tiktok_following.state.plan import make_plan
from tap_tiktok_following.text import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Blink = Callable[[int, int, Page], Page]

NOW = 1_700_000_000


class Broken:
    """A stretch of time: pages asked for with a cursor in it fail.

    Args:
        first: Unix seconds, inclusive.
        last: Unix seconds, inclusive.
    """

    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last

    def __contains__(self, cursor: int) -> bool:
        return self._first <= cursor <= self._last


@dataclass
class Day:
    """What one run did.

    Attributes:
        rows: Its rows of the scans stream.
        sent: The accounts that it sent, in order.
        requests: How many requests it sent.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    requests: int = 0

    @property
    def row(self) -> dict[str, Any]:
        """Its one row."""
        (row,) = self.rows
        return row


class Life:
    """One list and its reader.

    Attributes:
        state: What the reader keeps between runs.
        sent: Every account that was ever sent.
        broken: Which cursors have no page for now; None if all have.
        total: What the provider says the list's length is; None for nothing.
        cached_for: Seconds since the provider's cache was filled, from which pages come.
        blink: Changes a page that a request returns; called with the number of the request in
            its run and the number of the page in the list, both from 1, and the page.
        asks_again: Whether a response that may be wrong is requested once more.
        records: Every record that was ever sent.
        rows: Every row of the scans stream.
        listings: Who was on the list when runs read it, by Unix seconds.

    Args:
        follows: The list.
        page_size: How many accounts are asked for.
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
        self.state: dict[str, Any] = {}
        self.sent: set[str] = set()
        self.broken: Broken | None = None
        self.total: Callable[[int], int | None] = lambda _: None
        self.cached_for = 0
        self.blink: Blink = lambda _request, _page, page: page
        self.asks_again = True
        self.records: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []
        self.listings: dict[int, set[str]] = {}
        self.page_size = page_size
        self.policy = policy
        self._repeat = repeat
        self._made = 0

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
        follows = reversed(self.world.following("ann", self.now))
        return [f.username for f in follows if f.username not in self.world.hidden]

    @property
    def listed_at_bookmark(self) -> list[str]:
        """Who is on the list now and was when the last complete scan started."""
        (entry,) = self.state["partitions"]
        bookmark = parse_moment(entry["replication_key_value"]) or 0
        follows = self.world.following("ann", self.now)
        return [f.username for f in follows if f.at < bookmark]

    def follow(self, many: int = 1, *, ago: int = 0, every: int = 1) -> list[str]:
        """Follow a number of new accounts, the last one some seconds ago."""
        names = [f"new.{self._made + number}" for number in range(many)]
        self._made += many
        for number, name in enumerate(names):
            self.world.follow("ann", name, at=self.now - ago - number * every)
        return names

    def refollow(self, name: str) -> None:
        """Unfollow an account and follow it again now."""
        self.world.unfollow("ann", name)
        self.world.follow("ann", name, at=self.now)

    def read(
        self, *, after: int = DAY, budget: int | None = None, killed_after: int | None = None
    ) -> Day:
        """Let some seconds pass, then run.

        Args:
            after: Seconds.
            budget: Requests after which the run is stopped; None for no limit.
            killed_after: Events after which the run is killed, and the records of the next
                one lost; None if it is not.
        """
        self.now += after
        self.listings[self.now] = set(self.listed)
        day = Day()
        state = copy.deepcopy(self.state)
        bookmarks = Bookmarks(state, keep_rows=True)
        policy = Policy("username", page_size=self.page_size, **self.policy)
        plan = make_plan(["ann"], bookmarks.entry, (), policy, self.now)
        for username in plan.usernames:
            fetch = self._fetch(day, budget)
            reader = Reader(bookmarks.entry(username), policy, fetch, None, lambda: None)
            for number, event in enumerate(reader.events()):
                if number == killed_after:
                    break
                self.records += event.records
                day.sent += [record["username"] for record in event.records]
                bookmarks.store(event)
        day.rows = list(bookmarks.take_rows())
        self.rows += day.rows
        self.sent.update(day.sent)
        self.state = state
        return day

    def _fetch(self, day: Day, budget: int | None) -> Callable[..., Response]:
        def fetch(
            username: str, cursor: int | None, count: int, on_request: Callable[[], None]
        ) -> Response:
            if day.requests == budget:
                raise BudgetReached
            day.requests += 1
            on_request()
            if self.broken and cursor is not None and cursor in self.broken:
                response = RawResponse(500, b"", self.now, self.now, self.now)
                reason = "HTTP 500"
                raise Failed(reason, response=response)
            response = self._respond(username, cursor, count)
            number = self._page_number(cursor, count)
            page = self.blink(day.requests, number, response.page)
            return replace(response, page=page, is_final=not self.asks_again)

        return fetch

    def _page_number(self, cursor: int | None, count: int) -> int:
        follows = self.world.following("ann", self.now)
        above = sum(1 for f in follows if cursor is not None and f.at > cursor)
        return ceil(above / count) + 1

    def _respond(self, username: str, cursor: int | None, count: int) -> Response:
        as_of = self.now - self.cached_for
        follows = self.world.following(username, as_of)
        asked = as_of if cursor is None else cursor
        page = page_of(follows, asked, count, repeat_boundary=self._repeat)
        rows = [
            {"username": f.username}
            for f in page.follows
            if f.username not in self.world.hidden
        ]
        more = page.cursor if page.has_more else None
        found = Page(Accounts(rows), page.has_more, more, self.total(page.total))
        return Response(200, b"", as_of, as_of, self.now, page=found, count=count)


def follows_of(length: int, *, every: int = 3600, newest: int = NOW - 3600) -> list[Follow]:
    """A list of follows, newest first."""
    return [Follow(f"old.{place}", newest - every * place) for place in range(length)]
