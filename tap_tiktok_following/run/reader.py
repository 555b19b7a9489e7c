"""Reading one list, page by page: from stored responses first, then from the provider."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from tap_tiktok_following.errors import Failed, NoPage, Skipped, StreamEnded
from tap_tiktok_following.model import Entry, Event, Policy, RawResponse, Response
from tap_tiktok_following.providers import Provider
from tap_tiktok_following.scan.end import stop
from tap_tiktok_following.scan.step import next_request, step
from tap_tiktok_following.state.plan import is_due
from tap_tiktok_following.state.responses import ResponseFile
from tap_tiktok_following.text import HOUR

AGED = 12 * HOUR  # seconds until a list whose scan was stored is scanned again in the same run

logger = logging.getLogger(__name__)


class Store(NamedTuple):
    """The stored responses of one provider."""

    file: ResponseFile
    source: str  # the stream and the base URL
    provider: Provider


@dataclass(eq=False)
class Reader:
    """Reads one list to the end of its scan, or as far as the run goes."""

    entry: Entry  # after the last event
    policy: Policy
    fetch: Callable[[str, int | None, int, Callable[[], None]], Response]  # of a `Client`
    store: Store | None
    on_request: Callable[[], None]  # called before each request
    requests: int = 0  # for the next event

    def events(self) -> Iterator[Event]:
        """Yield an event per page, and one if the scan ends without a page.

        Whatever goes wrong is a failed scan. If the provider's stream ends, no event follows.
        """
        has_ended = False
        try:
            while True:
                event = self._take_stored()
                if event is None and has_ended and not self._is_due_again():
                    return
                event = event or self._request()
                yield event
                self.entry = event.entry
                has_ended = event.outcome is not None
                if has_ended and not event.is_stored:
                    return
        except StreamEnded:
            return
        except Exception as error:
            logger.debug("Reading %s failed", self.entry.username, exc_info=True)
            reason = f"an error in this tap ({type(error).__name__}), please report it"
            yield self._stop(Failed(reason))

    def _is_due_again(self) -> bool:
        """Return whether to scan a list again whose last scan ended with a stored response."""
        now = time.time()
        is_aged = now - (self.entry.ended_at or 0) >= AGED
        return is_aged and is_due(self.entry, self.policy, now)

    def _take_stored(self) -> Event | None:
        """Return what the stored response for the next page adds, if there is one."""
        if self.store is None:
            return None
        stored = self.store.file.take(self.store.source, self.entry)
        if stored is None:
            return None
        self.requests = stored.requests
        try:
            page = self.store.provider.read_page(stored)
            response = Response.of(stored, page, stored.count)
            event = step(self.entry, replace(response, is_final=True), self.policy)
        except Skipped as skip:
            event = self._stop(skip)
        except NoPage:  # this version of the tap reads it differently
            return None
        return replace(event, is_stored=True, requests=0)

    def _request(self) -> Event:
        """Return what the next page adds, or how the scan ends without it."""
        self.requests = 0
        try:
            response = self._fetch_page()
            event = step(self.entry, response, self.policy)
            if event.is_odd:
                response = self._fetch_again(response)
                event = step(self.entry, response, self.policy)
        except (Failed, Skipped) as why:
            event = self._stop(why)
            self._add(event, why.response if isinstance(why, Skipped) else None)
        else:
            self._add(event, response)
        return event

    def _fetch_page(self) -> Response:
        cursor, count = next_request(self.entry, self.policy)
        response = self.fetch(self.entry.username, cursor, count, self._count_request)
        return replace(response, requests=self.requests)

    def _fetch_again(self, first: Response) -> Response:
        """Return the one of two responses that lists more; T is that of the first request."""
        try:
            second = self._fetch_page()
        except Failed:
            second = first
        best = max(first, second, key=lambda r: (len(r.page.accounts.rows), r.page.has_more))
        return replace(best, as_of=first.as_of, requests=self.requests, is_final=True)

    def _count_request(self) -> None:
        self.requests += 1
        self.on_request()

    def _stop(self, why: NoPage) -> Event:
        return stop(self.entry, why, self.requests, int(time.time()), self.policy)

    def _add(self, event: Event, response: RawResponse | None) -> None:
        """Store a response, before its event is passed on."""
        if self.store is None or response is None:
            return
        file, source, _ = self.store
        _, count = next_request(self.entry, self.policy)
        scan = event.entry.progress or event.entry  # unfinished, or ended
        more = {"scanned_at": scan.scanned_at, "count": count, "requests": self.requests}
        file.add(response, source, self.entry, **more)
