"""Fetching one page: gate, token, tries, and what follows from a refusal."""

from __future__ import annotations

import datetime as dt
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from tap_tiktok_following.client.gate import Halt, Stopped
from tap_tiktok_following.client.token import Token
from tap_tiktok_following.model import Answer
from tap_tiktok_following.raw import Raw
from tap_tiktok_following.verdicts import Effect, Refused, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_tiktok_following.client.gate import Gate
    from tap_tiktok_following.http.transport import Exchange, Transport
    from tap_tiktok_following.model import TokenGrant
    from tap_tiktok_following.providers import Provider

LONGEST_WAIT = 5 * 60
"""Seconds; if a provider asks for a longer wait, its stream ends."""

LONGEST_BACKOFF = 60
"""Maximum seconds between two tries if the provider does not say how long to wait."""


class Client:
    """Fetches the pages of one provider, for many workers at once.

    Attributes:
        quota_left: Requests left according to the provider; None if it does not say.

    Args:
        provider: The provider.
        transport: Sends its requests.
        gate: Says when a request may be sent.
        max_tries: Number of times a page is requested before its username fails.
    """

    def __init__(
        self, provider: Provider, transport: Transport, gate: Gate, max_tries: int
    ) -> None:
        self.quota_left: int | None = None
        self._provider = provider
        self._transport = transport
        self._gate = gate
        self._max_tries = max_tries
        self._token = Token(self._grant) if provider.token_request() else None

    def fetch(
        self, username: str, cursor: int | None, count: int, on_request: Callable[[], None]
    ) -> Answer:
        """Fetch one page.

        Args:
            username: The username whose list it is.
            cursor: Unix seconds, inclusive; None for the newest page.
            count: Maximum number of accounts.
            on_request: Called before each request for a page, retries too, so that requests
                in flight are counted when a run is interrupted.

        Raises:
            Refused: If this username has no list to read (`Effect.SKIP`) or failed
                (`Effect.FAIL`).
            Stopped: If the provider's stream ends; the text says why.
        """
        tries = 0
        token = rejected = ""
        while True:
            try:
                token = self._token.get(rejected) if self._token else ""
                self._gate.enter()
                on_request()
                request = self._provider.page_request(username, cursor, count, token)
                return self._answer(self._transport.send(request))
            except Refused as refusal:
                last = refusal
            if last.verdict.effect is Effect.RENEW and token and not rejected:
                rejected = token
            else:
                tries += 1
                self._react(last, tries)

    def _grant(self) -> TokenGrant:
        request = self._provider.token_request()
        assert request is not None  # noqa: S101 - asked for only where there are tokens
        tries = 0
        while True:
            self._gate.enter(counted=False)
            try:
                return self._provider.read_token(self._transport.send(request))
            except Refused as refusal:
                last = refusal
            tries += 1
            self._react(last, tries)

    def _answer(self, exchange: Exchange) -> Answer:
        left = self._provider.quota_left(exchange.headers)
        self.quota_left = self.quota_left if left is None else left
        page = self._provider.read_page(exchange)
        as_of, until = exchange.as_of, exchange.until
        if page.cached_at is not None:
            as_of, until = min(as_of, page.cached_at), min(until, page.cached_at)
        raw = Raw(exchange.status, exchange.body)
        return Answer(page, as_of, until, exchange.came_at, raw)

    def _react(self, refusal: Refused, tries: int) -> None:
        """Act on a verdict; returns, after waiting, only if the request is to be retried."""
        effect = refusal.verdict.effect
        if effect in {Effect.STOP, Effect.RENEW}:
            self._stop(refusal.verdict, _happened(refusal), refusal)
        if effect in {Effect.SKIP, Effect.FAIL}:
            raise refusal
        wait = refusal.retry_after
        if wait is None:
            wait = random.uniform(0, min(LONGEST_BACKOFF, 2 ** (tries - 1)))  # noqa: S311
        if wait > LONGEST_WAIT:
            verdict, happened = _LONG_WAITS[effect]
            moment = _moment(refusal)
            until = f"until {moment}" if moment else "for more than 5 minutes"
            self._stop(verdict, f"{happened} {until}", refusal)
        if tries == self._max_tries:
            raise _given_up(refusal, tries)
        if effect is Effect.PAUSE:
            self._gate.pause(wait)
        self._gate.rest(wait)

    def _stop(self, verdict: Verdict, happened: str, refusal: Refused) -> NoReturn:
        said = ", ".join(filter(None, (refusal.reason, refusal.reference)))
        halt = self._gate.stop(Halt(verdict, f"{happened} ({said})", refusal.advice))
        raise Stopped(halt.reason) from refusal


_LONG_WAITS = {
    Effect.PAUSE: (Verdict.LONG_WAIT, "the provider asks to wait"),
    Effect.RETRY: (Verdict.PROVIDER_DOWN, "the provider is down and asks to wait"),
}


def _happened(refusal: Refused) -> str:
    happened = refusal.happened or refusal.verdict.happened
    moment = _moment(refusal)
    is_quota = refusal.verdict is Verdict.QUOTA_SPENT
    return f"{happened}; it resets at {moment}" if is_quota and moment else happened


def _given_up(refusal: Refused, tries: int) -> Refused:
    times = "1 try" if tries == 1 else f"{tries} tries"
    return replace(refusal, verdict=Verdict.FAILED, reason=f"{refusal.reason} after {times}")


def _moment(refusal: Refused) -> str:
    """When to ask the provider again, by its clock; "" if it is not known."""
    if refusal.retry_after is None:
        return ""
    answered_at = refusal.answered_at or time.time()
    try:
        moment = dt.datetime.fromtimestamp(answered_at + refusal.retry_after, dt.timezone.utc)
    except (OverflowError, ValueError, OSError):
        return ""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
