"""One pass down one list: what to ask for next, and what a page means. No I/O.

Lists come newest follow first, and a page asked for at a cursor holds accounts followed at
that second or before. So the cursor that was asked for bounds the follows of a page from
above, and the cursor of the next page bounds them from below:

    asked for at   C0 (now)        N1              N2
                   |<-- page 1 -->|<-- page 2 -->|<-- ...
    answers with   N1              N2              N3

The boundary is inclusive: an account on it may come on both pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tap_tiktok_following.model import (
    HASH_LENGTH,
    Memory,
    Standing,
    hash_account,
    split_hashes,
)
from tap_tiktok_following.outcomes import Outcome
from tap_tiktok_following.times import DAY, in_utc

if TYPE_CHECKING:
    from tap_tiktok_following.model import (
        Answer,
        Page,
        Visit,
    )

LARGEST_PAGE = 100
"""Accounts: what both providers give at most."""

MOST_IDLE = 4
"""Pages in a row on which the cursor stands still and no account is new: it never moves."""

MOST_REMEMBERED = 1000
"""Accounts whose hashes one username's state entry holds, about 7 characters each."""


@dataclass(frozen=True)
class _Finds:
    """The accounts of a page that a scan meets for the first time.

    All of them were followed between `lower` and `upper`, Unix seconds, both inclusive.
    """

    rows: list[dict[str, Any]]
    hashes: list[bytes]
    lower: int
    upper: int


class Scan:
    """A scan under way.

    Attributes:
        standing: Where it stands.
        outcome: How it ended; None while it goes on.
        failure: Why it ended in `Outcome.FAILED`; "" otherwise.

    Args:
        visit: What to read.
        page_size: How many accounts to ask for, 1 to 100.
        key: The field that tells accounts apart.
        started: Unix seconds by the local clock, before the first request.
    """

    def __init__(self, visit: Visit, page_size: int, key: str, started: int) -> None:
        self._last = max(visit.last or 0, visit.previous or 0)
        self.standing = visit.resume or self._start(visit, started)
        self.outcome: Outcome | None = None
        self.failure = ""
        self._username = visit.username
        self._bookmark = visit.bookmark or 0
        self._lookback = visit.lookback
        self._known = split_hashes(visit.known.hashes)
        self._known_since = visit.known.since
        self._boundary = split_hashes(self.standing.boundary)
        self._page_size = page_size
        self._asked_for = page_size
        self._key = key
        self._seen: set[str] = set()

    @property
    def request(self) -> tuple[int | None, int]:
        """The cursor and the number of accounts to ask for next."""
        count = LARGEST_PAGE if self.standing.stands_still else self._page_size
        return self.standing.cursor, count

    def count_request(self) -> None:
        """A request was sent."""
        self.standing = replace(self.standing, requests=self.standing.requests + 1)

    def began(self, as_of: int | None) -> None:
        """An answer to the first request shows that the scan began no later than this.

        Args:
            as_of: As in `Answer`; None if there was no answer.
        """
        is_first = self.standing.cursor is None and not self.standing.pages
        if is_first and as_of is not None and as_of < self.standing.as_of:
            self.standing = self._started_by(self.standing, as_of)

    def _start(self, visit: Visit, started: int) -> Standing:
        if visit.start is not None:
            return Standing(*visit.start, visit.floor, visit.whole)
        standing = Standing(started, started, visit.floor, visit.whole)
        return self._started_by(standing, started)

    def _started_by(self, standing: Standing, as_of: int) -> Standing:
        """With a T that is no later, and a key that no earlier scan has.

        Two scans of one second, or of one cache, are two rows all the same.
        """
        as_of = min(standing.as_of, as_of)
        return replace(standing, as_of=as_of, scanned_at=max(as_of, self._last + 1))

    def take(self, answer: Answer) -> list[dict[str, Any]]:
        """Take the page that was asked for, and return its records.

        A page whose cursor leads nowhere was paid for, too: its accounts are sent, and the
        scan fails where it stands. Gone on with later, it asks for that page again.
        """
        self.began(answer.as_of)
        self._asked_for = answer.count or self.request[1]
        finds = self._find(answer)
        is_first = not self.standing.memory.hashes
        news = self._news(finds, is_first=is_first)
        unchanged = is_first and bool(finds.rows) and not any(news)
        records = self._records(finds, news)
        self._remember(finds)
        self._advance(answer.page, len(finds.rows), len(records))
        self._step(finds, has_more=answer.page.has_more, unchanged=unchanged)
        return records

    def _bounds(self, answer: Answer) -> tuple[int, int]:
        page, asked = answer.page, self.standing.cursor
        # A `Date` may be a little behind the clock that the first cursor comes from.
        highest = answer.until + DAY if asked is None else asked
        self.failure = _cursor_problem(page, highest)
        lower = 0 if self.failure or not page.has_more else page.next_cursor or 0
        return lower, max(answer.until, lower) if asked is None else asked

    def _find(self, answer: Answer) -> _Finds:
        lower, upper = self._bounds(answer)
        finds = _Finds([], [], lower, upper)
        hashes = []
        for row in answer.page.accounts.rows:
            key = row[self._key]
            account = hash_account(key)
            hashes.append(account)
            if key not in self._seen and account not in self._boundary:
                finds.rows.append(row)
                finds.hashes.append(account)
            self._seen.add(key)
        self._boundary = frozenset()
        self.standing = replace(self.standing, boundary=b"".join(hashes))
        return finds

    def _news(self, finds: _Finds, *, is_first: bool) -> list[bool]:
        """Which of the accounts are to be sent: all in a whole scan, else the unknown ones.

        Below what is remembered, unknown accounts may be old ones too. A page that reaches
        there sends them only if some may be newer than the bookmark: if it is the first page
        with accounts, or begins at the bookmark or later.
        """
        if self.standing.whole:
            return [True] * len(finds.rows)
        may_hold_news = is_first or finds.upper >= self._bookmark
        if finds.lower < self._known_since and not may_hold_news:
            return [False] * len(finds.rows)
        return [account not in self._known for account in finds.hashes]

    def _records(self, finds: _Finds, news: list[bool]) -> list[dict[str, Any]]:
        observed = {
            "follower_username": self._username,
            "scanned_at": in_utc(self.standing.scanned_at),
        }
        window = {
            "followed_at_earliest": in_utc(finds.lower) if finds.lower else None,
            "followed_at_latest": in_utc(finds.upper),
        }
        first_position = self.standing.accounts_read + 1
        return [
            {**observed, "position": position, **window, **row}
            for position, row in enumerate(finds.rows, first_position)
            if news[position - first_position]
        ]

    def _remember(self, finds: _Finds) -> None:
        if not self.standing.remembering:
            return
        memory = Memory(self.standing.memory.hashes + b"".join(finds.hashes), finds.lower)
        is_enough = memory.hashes and (
            finds.lower < self.standing.as_of - self._lookback
            or len(memory.hashes) >= MOST_REMEMBERED * HASH_LENGTH
        )
        remembering = bool(self.failure) or not is_enough
        self.standing = replace(self.standing, memory=memory, remembering=remembering)

    def _advance(self, page: Page, read: int, sent: int) -> None:
        now = self.standing
        keyless = f"an account came without `{self._key}`" if page.accounts.keyless else ""
        self.standing = replace(
            now,
            accounts_read=now.accounts_read + read,
            accounts_sent=now.accounts_sent + sent,
            pages=now.pages + 1,
            total=now.total if page.total is None else page.total,
            cached=now.cached or page.cached_at is not None,
            gap=keyless or now.gap,
        )

    def _step(self, finds: _Finds, *, has_more: bool, unchanged: bool) -> None:
        """Decide whether the scan goes on, and from where."""
        if self.failure:
            self.outcome = Outcome.FAILED
        elif unchanged:
            self.outcome = Outcome.UNCHANGED
        elif has_more:
            self._move_on(finds)
        else:
            was_empty = not self.standing.whole and not self._known
            is_empty = not self.standing.memory.hashes
            self.outcome = Outcome.UNCHANGED if was_empty and is_empty else Outcome.COMPLETE

    def _move_on(self, finds: _Finds) -> None:
        """Move the cursor, also where more accounts share a second than a page holds."""
        stands_still = finds.lower == self.standing.cursor
        is_stuck = stands_still and self._asked_for == LARGEST_PAGE
        idle = self.standing.idle + 1 if stands_still and not finds.rows else 0
        self.standing = replace(self.standing, idle=idle)
        if idle >= MOST_IDLE:
            self.failure = "the cursor for the next page never moves"
            self.outcome = Outcome.FAILED
            return
        if is_stuck:
            moment = in_utc(finds.lower)
            gap = f"the cursor stood still at {moment}: accounts followed then may be missing"
            self.standing = replace(self.standing, gap=gap)
        cursor = finds.lower - 1 if is_stuck else finds.lower
        self.standing = replace(
            self.standing, cursor=cursor, stands_still=stands_still and not is_stuck
        )
        if cursor < self.standing.floor:
            self.outcome = Outcome.COMPLETE


def _cursor_problem(page: Page, highest: int) -> str:
    """Why the next page can't be asked for; "" if it can, or there is none."""
    if not page.has_more:
        return ""
    if not page.next_cursor or page.next_cursor < 0:
        return "there is a next page, but no cursor to ask for it with"
    if page.next_cursor > highest:
        return "the cursor for the next page moves forward in time"
    return ""
