"""One visit: a list is read page by page, and each answer is kept before it is handed on."""

from __future__ import annotations

import dataclasses
import logging
import time
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from tap_tiktok_following.crawl.scan import Scan
from tap_tiktok_following.errors import NoPage, Skipped, StreamEnded
from tap_tiktok_following.model import Event
from tap_tiktok_following.outcomes import Outcome
from tap_tiktok_following.state.answers import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_tiktok_following.model import RawResponse, Response, Visit

    Keep = Callable[[Kept], None]

logger = logging.getLogger(__name__)


class Fetch(Protocol):
    """How a page is fetched; see `Client.fetch`."""

    def __call__(  # noqa: D102 - said there
        self, username: str, cursor: int | None, count: int, on_request: Callable[[], None]
    ) -> Response: ...


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
        except StreamEnded as ended:
            if scan.standing.requests > self._start.requests:
                yield self._end(Outcome.INTERRUPTED, ended.reason)
        except NoPage as error:
            yield self._no_page(error)
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

    def _no_page(self, error: NoPage) -> Event:
        scan, response = self._scan, error.response
        self._at = int(time.time()) if response is None else response.came_at
        scan.began(None if response is None else response.as_of)
        outcome = Outcome.FAILED
        if isinstance(error, Skipped):
            outcome = error.outcome
            self._keep(scan.standing.pages + 1, response)
        end = self._end(outcome, error.reason)
        return dataclasses.replace(end, reference=error.reference, advice=error.advice)

    def _end(self, outcome: Outcome, reason: str = "") -> Event:
        return Event(
            self._visit,
            self._scan.standing,
            outcome=outcome,
            reason=reason,
            at=self._at,
        )

    def _keep(self, page: int, response: RawResponse | None) -> None:
        standing = self._scan.standing
        cursor, count = self._asked
        if response is None:
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
                as_of=response.as_of,
                until=response.until,
                came_at=response.came_at,
                status=response.status,
                body=response.body,
            )
        )
