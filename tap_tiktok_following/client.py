"""Fetch one page: the gate that every request passes, retries and the access token."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from threading import Condition, Lock
from time import monotonic
from typing import TypeVar

import backoff
import requests

from tap_tiktok_following.errors import (
    BudgetReached,
    Failed,
    SlowDown,
    StreamEnded,
    TokenRejected,
    Transient,
)
from tap_tiktok_following.http import Transport
from tap_tiktok_following.model import Response, TokenGrant
from tap_tiktok_following.providers import Provider

MAX_BACKOFF = 60  # seconds between two tries if the provider does not say how long to wait

WINDOW = 1.02
"""Length of the rate limit's window in seconds.

A little more than a second, because the provider counts requests when they arrive, and some
travel faster than others.
"""

FRESH = 0.9  # the share of its lifetime after which an access token is renewed

T = TypeVar("T")


class Client:
    """Fetches the pages of one provider, for many workers at once.

    Attributes:
        quota_left: Requests left according to the provider; None if it does not say.
    """

    def __init__(
        self, provider: Provider, transport: Transport, gate: Gate, max_tries: int
    ) -> None:
        self.quota_left: int | None = None
        self._provider = provider
        self._transport = transport
        self._gate = gate
        self._max_tries = max_tries
        self._token_request = provider.token_request()
        self._token = ""
        self._token_fresh_until = 0.0
        self._token_lock = Lock()

    def fetch(
        self, username: str, cursor: int | None, count: int, on_request: Callable[[], None]
    ) -> Response:
        """Fetch one page; the arguments are those of `Provider.page_request`.

        `on_request` is called before each request for a page, retries included, so that
        requests in flight are counted when a run is interrupted.

        Raises:
            Skipped: If this username has no list to read.
            Failed: If this username failed.
            StreamEnded: If no further request may be sent to the provider.
        """

        def request(token: str) -> Response:
            self._gate.enter()
            on_request()
            response = self._transport.send(
                self._provider.page_request(username, cursor, count, token)
            )
            left = self._provider.quota_left(response.headers)
            self.quota_left = self.quota_left if left is None else left
            return Response.of(response, self._provider.read_page(response), count)

        def request_with_token() -> Response:
            if self._token_request is None:
                return request("")
            token = self._get_token(self._token_request)
            try:
                return request(token)
            except TokenRejected:
                return request(self._get_token(self._token_request, rejected=token))

        return self._retry(request_with_token)

    def _get_token(self, request: requests.Request, rejected: str = "") -> str:
        """Return the access token; request one if it is missing, rejected or about to expire.

        The other workers wait meanwhile. If this worker fails, the next one requests again.
        """

        def grant() -> TokenGrant:
            self._gate.enter(counted=False)
            return self._provider.read_token(self._transport.send(request))

        with self._token_lock:
            if self._token == rejected or monotonic() >= self._token_fresh_until:
                granted = self._retry(grant)
                self._token = granted.value
                self._token_fresh_until = monotonic() + FRESH * granted.life
            return self._token

    def _retry(self, request: Callable[[], T]) -> T:
        """Send a request until it succeeds, `max_tries` times at most."""
        retrying = backoff.on_exception(
            self._waits, Transient, max_tries=self._max_tries, jitter=None, logger=None
        )
        try:
            return retrying(request)()
        except Transient as error:
            tries = "1 try" if self._max_tries == 1 else f"{self._max_tries} tries"
            raise Failed(
                details=f"{error.details} after {tries}",
                advice=error.advice,
                reference=error.reference,
                response=error.response,
            ) from error
        except StreamEnded as error:
            self._gate.stop(error)
            raise

    def _waits(self) -> Generator[float, Transient, None]:
        """Wait at the gate, which can end the wait, and leave 0 seconds to `backoff`."""
        longest = backoff.expo(max_value=MAX_BACKOFF)
        next(longest)
        while True:
            error = yield 0
            wait = max(error.retry_after or 0, backoff.full_jitter(next(longest)))
            self._gate.rest(wait, all_workers=isinstance(error, SlowDown))


class Gate:
    """Lets the requests of all workers through, one by one.

    `budget` is the setting of `max_requests`, for messages.

    Attributes:
        halt: Why the gate is closed; None while it is open.
        requests: Number of requests that have passed, `max_requests` at most in a run.
    """

    def __init__(self, per_second: int, max_requests: int | None, budget: str) -> None:
        self.halt: StreamEnded | None = None
        self.requests = 0
        self._max_requests = max_requests
        self._budget = budget
        self._sent = deque([-WINDOW] * per_second, maxlen=per_second)  # when, newest last
        self._paused_until = 0.0
        self._changed = Condition()

    def enter(self, *, counted: bool = True) -> None:
        """Wait until one request may be sent, which is counted if the user pays for it.

        Raises:
            StreamEnded: If no request may be sent any more.
        """
        with self._changed:
            while True:
                if counted and self.requests == self._max_requests:
                    happened = f"`{self._budget}` ({self._max_requests}) is reached"
                    self.stop(BudgetReached(happened=happened))
                self._check_open()
                now = monotonic()
                free = max(self._paused_until, self._sent[0] + WINDOW)
                if now >= free:
                    break
                self._changed.wait(free - now)
            self._sent.append(now)
            self.requests += counted

    def rest(self, seconds: float, *, all_workers: bool) -> None:
        """Wait before a retry; the gate may let no request through meanwhile.

        Raises:
            StreamEnded: If the gate is closed or closes meanwhile.
        """
        with self._changed:
            if all_workers:
                self._paused_until = max(self._paused_until, monotonic() + seconds)
            self._changed.wait_for(lambda: self.halt is not None, seconds)
            self._check_open()

    def stop(self, reason: StreamEnded) -> None:
        """Close the gate and end all waits; the first reason given counts."""
        with self._changed:
            if self.halt is None:
                self.halt = reason
                self._changed.notify_all()

    def _check_open(self) -> None:
        if self.halt is not None:
            raise self.halt.with_traceback(None)  # of the worker before, if there was one
