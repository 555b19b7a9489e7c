"""One pass down one list: what to request next, and what a page means. No I/O.

Lists start with the newest follow, and a page requested with a cursor contains accounts that
were followed at that second or earlier. So the cursor of the request is the upper bound for
the follows on a page, and the cursor of the next page is the lower bound:

    requested with   C0 (now)        N1              N2
                     |<-- page 1 -->|<-- page 2 -->|<-- ...
    answers with     N1              N2              N3

Cursors are inclusive: an account on the boundary may be on both pages.

A list may be stuck: one of its pages fails visit after visit. Then the scan first reads what
is new at the top, and only then requests that page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tap_tiktok_following.crawl import losses
from tap_tiktok_following.crawl.finds import Seen, records_of
from tap_tiktok_following.crawl.memory import Known, is_enough, remembered
from tap_tiktok_following.crawl.paging import LARGEST_PAGE, NEVER_MOVES, bounds_of, moved
from tap_tiktok_following.crawl.starts import IN_PARTS, below, start_of, started_by
from tap_tiktok_following.outcomes import Outcome, Part
from tap_tiktok_following.times import in_utc

if TYPE_CHECKING:
    from tap_tiktok_following.crawl.finds import Finds
    from tap_tiktok_following.model import Page, Response, Standing, Stuck, Visit

CUT_AT = 4900
"""Number of accounts: providers cut lists near their newest 5,000 without saying so."""


class Scan:
    """A scan in progress.

    Attributes:
        standing: How far it has come.
        outcome: How it ended; None while it goes on.
        failure: Why it ended with `Outcome.FAILED`; "" otherwise.

    Args:
        visit: What to read.
        page_size: Number of accounts to request, 1 to 100.
        key: The field that identifies an account.
        started: Unix seconds by the local clock, before the first request.
    """

    def __init__(self, visit: Visit, page_size: int, key: str, started: int) -> None:
        self._visit = visit
        self.standing = visit.resume or start_of(visit, started)
        self.outcome: Outcome | None = None
        self.failure = ""
        self._page_size = self._asked_for = page_size
        self._key = key
        self._known = self._known_in(self.standing)
        self._seen = Seen(key, self.standing.boundary)

    @property
    def request(self) -> tuple[int | None, int]:
        """The cursor and the number of accounts of the next request."""
        count = LARGEST_PAGE if self.standing.stands_still else self._page_size
        return self.standing.cursor, count

    def count_request(self) -> None:
        """Count a request that is sent."""
        self.standing = replace(self.standing, requests=self.standing.requests + 1)

    def began(self, as_of: int | None) -> None:
        """Move T back if the first answer shows that the scan started earlier.

        Args:
            as_of: As in `Response`; None if there was no answer.
        """
        is_first = self.standing.cursor is None and not self.standing.pages
        if is_first and as_of is not None and as_of < self.standing.as_of:
            self.standing = started_by(self._visit, self.standing, as_of)

    def _see_whether_whole(self) -> None:
        """Read the list whole if its last full scan is too old, comparing T with T.

        T is not known before the first answer: the clocks may differ by days.
        """
        now, due = self.standing, self._visit.whole_from
        if now.cursor is None and due is not None and now.as_of >= due:
            self.standing = replace(now, whole=True, floor=self._visit.start_date)

    def _known_in(self, standing: Standing) -> Known:
        """The accounts that are known in the part of the list that is read now."""
        visit, met = self._visit, standing.memory.hashes
        is_all = standing.remembering and standing.part is not Part.APART
        if standing.part is Part.ABOVE and visit.top and visit.stuck:
            top, down_to = visit.top, visit.stuck.cursor
            return Known(top.known, top.as_of, met, is_all=is_all, down_to=down_to)
        return Known(visit.known, visit.bookmark or 0, met, is_all=is_all)

    def take(self, answer: Response) -> list[dict[str, Any]]:
        """Process the requested page, and return its records.

        A page whose next cursor is unusable was paid for, too: its accounts are sent, and then
        the scan fails. When it is continued later, it requests the same page again.
        """
        self.began(answer.as_of)
        self._asked_for = answer.count
        self._see_whether_whole()
        lower, upper, self.failure = bounds_of(answer, self.standing.cursor)
        finds = self._seen.meet(answer.page.accounts.rows, lower, upper)
        self._known.meet(finds)
        self._heed_losses(finds, answer.page.total)
        sent = self._news(finds)
        records = records_of(finds, sent, self._observed, self._first_position)
        self._note(answer, finds, len(records))
        self._remember(finds)
        self._step(finds, has_more=answer.page.has_more)
        return records

    @property
    def _observed(self) -> dict[str, Any]:
        scanned_at = in_utc(self.standing.scanned_at)
        return {"follower_username": self._visit.username, "scanned_at": scanned_at}

    @property
    def _first_position(self) -> int | None:
        if self.standing.part is Part.APART:
            return None
        return self.standing.accounts_read + 1

    def _heed_losses(self, finds: Finds, total: int | None) -> None:
        """Read the list whole if its first page shows that it has lost accounts."""
        now, is_first = self.standing, self.standing.cursor is None
        if now.part is not Part.STRAIGHT or self.failure:
            return
        if now.is_on_top:
            new, is_on_top = self._known.new_on_top(finds)
            now = replace(now, new=now.new + new, is_on_top=is_on_top)
        if is_first:
            now = replace(now, first_total=total)
        self.standing = now
        if is_first and not now.whole:
            loss = losses.acted_on(now, self._visit, self._missing(finds.lower))
            floor = now.floor if loss is None else self._visit.start_date
            self.standing = replace(now, whole=loss is not None, floor=floor, loss=loss)

    def _missing(self, lower: int) -> list[int] | None:
        """Which remembered accounts have left the list; None if it cannot be known."""
        now, visit = self.standing, self._visit
        if now.part is not Part.STRAIGHT or self.failure or now.gap:
            return None
        can_tell = visit.bookmark and not losses.is_older(now, visit)
        return self._known.missing(lower) if can_tell else None

    def _news(self, finds: Finds) -> list[bool]:
        """Which of the accounts are to be sent: all in a whole scan, else the unknown ones."""
        if self.standing.whole:
            return [True] * len(finds.rows)
        return self._known.news(finds, is_first=not self.standing.accounts_read)

    def _note(self, answer: Response, finds: Finds, sent: int) -> None:
        now, page = self.standing, answer.page
        above = now.boundary if finds.lower == now.cursor else b""
        self.standing = replace(
            now,
            accounts_read=now.accounts_read + len(finds.rows),
            accounts_sent=now.accounts_sent + sent,
            pages=now.pages + 1,
            total=now.total if page.total is None else page.total,
            cached=now.cached or page.cached_at is not None,
            gap=self._keyless(page) or now.gap,
            boundary=b"".join([above, *finds.listed]),
            read_until=max(answer.until, now.read_until, now.as_of),
            read_down_to=finds.upper if self.failure else finds.lower,
        )

    def _keyless(self, page: Page) -> str:
        return f"an account came without `{self._key}`" if page.accounts.keyless else ""

    def _remember(self, finds: Finds) -> None:
        now = self.standing
        if not now.remembering:
            return
        memory = remembered(now.memory, finds, now.read_down_to or 0)
        enough = not self.failure and is_enough(memory, now.as_of - self._visit.lookback)
        self.standing = replace(now, memory=memory, remembering=not enough)

    def _step(self, finds: Finds, *, has_more: bool) -> None:
        """Decide whether the scan goes on, and from where."""
        if self.failure:
            self.outcome = Outcome.FAILED
        elif not has_more:
            self._reach_the_end(finds)
        elif self._is_unchanged(finds):
            self._carry_on()
            self._end(Outcome.UNCHANGED, finds.lower)
        else:
            self._move_on(finds)

    def _is_unchanged(self, finds: Finds) -> bool:
        """Whether accounts were listed, none of them is new, and none further down can be.

        An account that was followed again moves to the top, and new ones may be below it.
        """
        now = self.standing
        is_news = now.whole or now.accounts_sent > 0 or not now.accounts_read
        return not is_news and self._known.covers(finds.lower)

    def _reach_the_end(self, finds: Finds) -> None:
        now = self.standing
        if now.accounts_read >= CUT_AT and (
            now.total is None or now.total > now.accounts_read
        ):
            now = replace(now, read_down_to=finds.upper)
        if now.part is Part.ABOVE:
            now = replace(now, part=Part.PAST, gap=IN_PARTS)
        self.standing = now
        is_empty = not now.whole and not now.accounts_read
        is_unchanged = is_empty or self._is_unchanged(finds)
        is_read_in_one = now.part is Part.STRAIGHT
        self._finish(
            Outcome.UNCHANGED if is_read_in_one and is_unchanged else Outcome.COMPLETE
        )

    def _carry_on(self) -> None:
        """Keep what was known below the pages that were read: the scan ends above it."""
        now = self.standing
        missing = self._missing(now.read_down_to or 0) or []
        memory = self._known.carried_on(now.memory, missing)
        self.standing = replace(now, memory=memory, remembering=False)

    def _finish(self, outcome: Outcome) -> None:
        """End the scan; an empty list is doubted if it had accounts before."""
        doubt = "" if self.standing.accounts_read else self._why_not_empty()
        if doubt:
            outcome = Outcome.COMPLETE
            self.standing = replace(self.standing, gap=doubt)
        missing = self._missing(self.standing.read_down_to or 0)
        told = None if missing is None else self._known.told(missing)
        self.standing = losses.settled(self.standing, self._visit, missing, told)
        is_loss = bool(missing or self.standing.gone)
        self.outcome = Outcome.COMPLETE if is_loss else outcome

    def _why_not_empty(self) -> str:
        """Why a list that came back empty may not be empty; "" if there is no reason."""
        if self.standing.total:
            total = f"{self.standing.total:,}"
            return f"the list came back empty, but the provider's total is {total}"
        if self._visit.listed or self._known.memory.hashes:
            return "the list came back empty, but earlier scans found accounts on it"
        return ""

    def _move_on(self, finds: Finds) -> None:
        standing = moved(self.standing, finds, self._asked_for)
        if standing is None:
            self.failure, self.outcome = NEVER_MOVES, Outcome.FAILED
            return
        self.standing, cursor = standing, standing.cursor or 0
        stuck = self._stuck
        if cursor < standing.floor or (stuck and cursor <= stuck.cursor):
            self._end(Outcome.COMPLETE, cursor)

    @property
    def _stuck(self) -> Stuck | None:
        """The stuck page, which is requested after everything above it was read."""
        return self._visit.stuck if self.standing.part is Part.ABOVE else None

    def _end(self, outcome: Outcome, cursor: int) -> None:
        """End the scan, which has reached known accounts, or continue at the stuck page."""
        stuck = self._stuck
        if stuck is None:
            self._finish(outcome)
            return
        is_past = cursor <= stuck.cursor
        self.standing = below(self.standing, stuck, cursor, is_past=is_past)
        self._known = self._known_in(self.standing)
        if not is_past:
            self._seen = Seen(self._key, stuck.boundary)
        if is_past and cursor < stuck.floor:
            self._finish(Outcome.COMPLETE)
