"""Reading one list, page by page: from stored responses first, then from the provider."""

from __future__ import annotations

import dataclasses
import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from tap_tiktok_following.errors import Failed, NoPage, Skipped, StreamEnded
from tap_tiktok_following.model import Response
from tap_tiktok_following.scan.end import stop
from tap_tiktok_following.scan.step import next_request, step
from tap_tiktok_following.state.plan import is_due
from tap_tiktok_following.text import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_tiktok_following.model import Entry, Event, Policy, RawResponse
    from tap_tiktok_following.providers import Provider
    from tap_tiktok_following.state.responses import ResponseFile

    Fetch = Callable[[str, int | None, int, Callable[[], None]], Response]

AGED = 12 * HOUR
"""Seconds after which a list whose scan was stored is scanned again in the same run."""

logger = logging.getLogger(__name__)


class Store(NamedTuple):
    """The stored responses of one provider."""

    file: ResponseFile
    source: str  # the stream and the base URL
    provider: Provider


class Reader:
    """Reads one list to the end of its scan, or as far as the run goes.

    `fetch` is that of a `Client`, and `on_request` is called before each request.
    """

    def __init__(
        self,
        entry: Entry,
        policy: Policy,
        fetch: Fetch,
        store: Store | None,
        on_request: Callable[[], None],
    ) -> None:
        self._entry = entry
        self._policy = policy
        self._fetch = fetch
        self._store = store
        self._on_request = on_request
        self._requests = 0

    def events(self) -> Iterator[Event]:
        """Read the list; whatever goes wrong ends it with a failed scan.

        Yields:
            One event per page, and one if the scan ends without a page. Nothing more if the
            provider's stream ends.
        """
        try:
            yield from self._events()
        except StreamEnded:
            return
        except Exception as error:
            logger.debug("Reading %s failed", self._entry.username, exc_info=True)
            reason = f"an error in this tap ({type(error).__name__}), please report it"
            yield self._stop(Failed(reason))

    def _events(self) -> Iterator[Event]:
        has_ended = False
        while True:
            event = self._take_stored()
            if event is None and has_ended and not self._is_due_again():
                return
            event = event or self._request()
            yield event
            self._entry = event.entry
            has_ended = event.outcome is not None
            if has_ended and not event.is_stored:
                return

    def _is_due_again(self) -> bool:
        """Return whether to scan a list again whose last scan ended with a stored response."""
        now = time.time()
        is_aged = now - (self._entry.ended_at or 0) >= AGED
        return is_aged and is_due(self._entry, self._policy, now)

    def _take_stored(self) -> Event | None:
        """Return what the stored response for the next page adds, if there is one."""
        if self._store is None:
            return None
        stored = self._store.file.take(self._store.source, self._entry)
        if stored is None:
            return None
        self._requests = stored.requests
        try:
            page = self._store.provider.read_page(stored)
            response = dataclasses.replace(
                Response.of(stored, page, stored.count),
                requests=stored.requests,
                is_final=True,
                scanned_at=stored.scanned_at,
            )
            event = step(self._entry, response, self._policy)
        except Skipped as skip:
            event = self._stop(skip)
        except NoPage:  # this version of the tap reads it differently
            return None
        return dataclasses.replace(event, is_stored=True, requests=0)

    def _request(self) -> Event:
        """Return what the next page adds, or how the scan ends without it."""
        self._requests = 0
        try:
            response = self._fetch_page()
            event = step(self._entry, response, self._policy)
            if event.is_odd:
                response = self._fetch_again(response)
                event = step(self._entry, response, self._policy)
        except Skipped as skip:
            event = self._stop(skip)
            self._add(event, skip.response)
        except Failed as failure:
            event = self._stop(failure)
        else:
            self._add(event, response)
        return event

    def _fetch_page(self) -> Response:
        cursor, count = next_request(self._entry, self._policy)
        response = self._fetch(self._entry.username, cursor, count, self._count_request)
        return dataclasses.replace(response, requests=self._requests)

    def _fetch_again(self, first: Response) -> Response:
        """Return the one of two responses that lists more; T is that of the first request."""
        try:
            second = self._fetch_page()
        except Failed:
            second = first
        best = max(first, second, key=lambda r: (len(r.page.accounts.rows), r.page.has_more))
        return dataclasses.replace(
            best, as_of=first.as_of, requests=self._requests, is_final=True
        )

    def _count_request(self) -> None:
        self._requests += 1
        self._on_request()

    def _stop(self, why: NoPage) -> Event:
        return stop(self._entry, why, self._requests, int(time.time()), self._policy)

    def _add(self, event: Event, response: RawResponse | None) -> None:
        """Store a response, before its event is passed on."""
        if self._store is None or response is None:
            return
        _, count = next_request(self._entry, self._policy)
        progress = event.entry.progress or self._entry.progress
        self._store.file.add(
            response,
            self._store.source,
            self._entry,
            scanned_at=progress.scanned_at if progress else event.entry.scanned_at,
            count=count,
            requests=self._requests,
        )
