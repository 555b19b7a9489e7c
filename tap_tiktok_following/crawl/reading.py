"""One visit: a list is read page by page, and each answer is kept before it is handed on."""

from __future__ import annotations

import dataclasses
import logging
import time
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from tap_tiktok_following.client.gate import Stopped
from tap_tiktok_following.crawl.scan import Scan
from tap_tiktok_following.model import Answer, Event
from tap_tiktok_following.outcomes import Outcome
from tap_tiktok_following.state.answers import Kept
from tap_tiktok_following.verdicts import Effect, Refused, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_tiktok_following.model import Visit

    Keep = Callable[[Kept], None]

_OUTCOMES = {
    Verdict.PRIVATE: Outcome.PRIVATE,
    Verdict.HIDDEN: Outcome.HIDDEN,
    Verdict.NOT_FOUND: Outcome.NOT_FOUND,
    Verdict.UNAVAILABLE: Outcome.UNAVAILABLE,
}

logger = logging.getLogger(__name__)


class Fetch(Protocol):
    """How a page is fetched; see `Client.fetch`."""

    def __call__(  # noqa: D102 - said there
        self, username: str, cursor: int | None, count: int, on_request: Callable[[], None]
    ) -> Answer: ...


def keep_nothing(kept: Kept) -> None:
    """Keep no answer, because there is no file of answers."""


class Reading:
    """One visit in progress.

    Args:
        visit: What to read.
        fetch: Fetches a page.
        page_size: Number of accounts to ask for, 1 to 100.
        key: The field that identifies an account.
        broken_off: Receives, by username, the event that ends the visit if it is interrupted
            after the requests sent so far.
        keep: Keeps an answer; called before its event is yielded.
    """

    def __init__(  # noqa: PLR0913 - all differ between a crawl and a recovery
        self,
        visit: Visit,
        *,
        fetch: Fetch,
        page_size: int,
        key: str,
        broken_off: dict[str, Event],
        keep: Keep = keep_nothing,
    ) -> None:
        self._visit = visit
        self._fetch = fetch
        self._broken_off = broken_off
        self._keep_answer = keep
        self._at = int(time.time())
        self._scan = Scan(visit, page_size, key, self._at)
        self._start = self._scan.standing
        self._requests = self._start.requests
        self._asked = self._scan.request

    def events(self) -> Iterator[Event]:
        """Read the list to the end of the visit.

        Yields:
            One event per page, the last one with the outcome. Nothing if no request was sent.
        """
        scan = self._scan
        try:
            while scan.outcome is None:
                yield self._page()
        except Stopped as stopped:
            if scan.standing.requests > self._start.requests:
                yield self._end(Outcome.INTERRUPTED, str(stopped))
        except Refused as refusal:
            yield self._refused(refusal)
        except Exception as error:
            logger.debug("Reading %s failed", self._visit.username, exc_info=True)
            reason = f"an error in this tap ({type(error).__name__}), please report it"
            yield self._end(Outcome.FAILED, reason)

    def _page(self) -> Event:
        scan = self._scan
        self._asked, self._requests = scan.request, scan.standing.requests
        answer = self._fetch(self._visit.username, *self._asked, self._count_request)
        self._at = answer.came_at
        read = scan.standing.accounts_read
        records = scan.take(answer)
        self._keep(scan.standing.pages, answer)
        return Event(
            self._visit,
            scan.standing,
            records,
            scan.outcome,
            scan.failure or (scan.standing.gap if scan.outcome else ""),
            is_page=True,
            read=scan.standing.accounts_read - read,
            keyless=answer.page.accounts.keyless,
            nulled=answer.page.accounts.nulled,
            reference=answer.page.reference if scan.failure else "",
            at=self._at,
        )

    def _count_request(self) -> None:
        self._scan.count_request()
        standing = replace(self._start, requests=self._scan.standing.requests)
        self._broken_off[self._visit.username] = Event(
            self._visit, standing, outcome=Outcome.INTERRUPTED, at=self._at
        )

    def _refused(self, refusal: Refused) -> Event:
        scan = self._scan
        self._at = int(time.time()) if refusal.came_at is None else refusal.came_at
        scan.began(refusal.as_of)
        if refusal.verdict.effect is Effect.SKIP:
            self._keep(scan.standing.pages + 1, refusal)
        outcome = _OUTCOMES.get(refusal.verdict, Outcome.FAILED)
        end = self._end(outcome, refusal.reason)
        return dataclasses.replace(end, reference=refusal.reference, advice=refusal.advice)

    def _end(self, outcome: Outcome, reason: str = "") -> Event:
        return Event(
            self._visit,
            self._scan.standing,
            outcome=outcome,
            reason=reason,
            at=self._at,
        )

    def _keep(self, page: int, said: Answer | Refused) -> None:
        standing = self._scan.standing
        cursor, count = self._asked
        if said.raw is None or said.as_of is None or said.came_at is None:
            return
        self._keep_answer(
            Kept(
                self._visit.username,
                standing.scanned_at,
                page,
                started=standing.as_of,
                cursor=cursor,
                count=count,
                tries=standing.requests - self._requests,
                as_of=said.as_of,
                until=said.until if isinstance(said, Answer) else said.as_of,
                came_at=said.came_at,
                status=said.raw.status,
                body=said.raw.body,
            )
        )
