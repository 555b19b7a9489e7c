"""Fetching one page: the gate, the token, tries, and what a refusal leads to."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, TypeVar

import backoff

from tap_tiktok_following.client.gate import Halt, Stopped
from tap_tiktok_following.client.token import Token
from tap_tiktok_following.model import Answer, Raw
from tap_tiktok_following.verdicts import Effect, Refused, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_tiktok_following.client.gate import Gate
    from tap_tiktok_following.http.transport import Exchange, Transport
    from tap_tiktok_following.model import Page, TokenGrant
    from tap_tiktok_following.providers import Provider

LONGEST_WAIT = 5 * 60
"""Seconds: a provider that asks for a longer wait has no more to give for now."""

LONGEST_BACKOFF = 60
"""Seconds between two tries of one request, where the provider asks for nothing."""

T = TypeVar("T")


class Client:
    """Fetches the pages of one provider, for many workers at once.

    Attributes:
        quota_left: How many requests the provider says are left; None where it does not say.

    Args:
        provider: The provider.
        transport: Sends its requests.
        gate: Lets them pass.
        max_tries: How often one page is asked for before its username fails.
    """

    def __init__(
        self, provider: Provider, transport: Transport, gate: Gate, max_tries: int
    ) -> None:
        self.quota_left: int | None = None
        self._provider = provider
        self._transport = transport
        self._gate = gate
        self._max_tries = max_tries
        self._token = Token(self._grant)
        self._has_token = provider.token_request() is not None

    def fetch(
        self, username: str, cursor: int | None, count: int, on_request: Callable[[], None]
    ) -> Answer:
        """Fetch one page.

        Args:
            username: Whose list.
            cursor: Unix seconds, inclusive; None for the newest page.
            count: How many accounts at most.
            on_request: Called for each request for a page that is sent, tries too.

        Raises:
            Refused: If this username has no page to give (`Effect.SKIP`) or failed
                (`Effect.FAIL`).
            Stopped: If the provider's stream ends; the gate holds the reason.
        """

        def ask(token: str) -> Answer:
            self._gate.enter()
            on_request()
            request = self._provider.page_request(username, cursor, count, token)
            return self._answer(self._transport.send(request))

        return self._retry(lambda: self._with_token(ask))

    def _with_token(self, ask: Callable[[str], T]) -> T:
        token = self._token.get() if self._has_token else ""
        try:
            return ask(token)
        except Refused as refusal:
            if refusal.verdict is not Verdict.TOKEN_REJECTED:
                raise
            if self._has_token:
                return self._with_new_token(ask, token)
            raise _with_verdict(Verdict.BAD_CLIENT, refusal) from refusal

    def _with_new_token(self, ask: Callable[[str], T], rejected: str) -> T:
        try:
            return ask(self._token.get(rejected))
        except Refused as refusal:
            if refusal.verdict is Verdict.TOKEN_REJECTED:
                raise _with_verdict(Verdict.BAD_CLIENT, refusal) from refusal
            raise

    def _retry(self, attempt: Callable[[], T]) -> T:
        """Try again what is passing, and close the gate at what ends the stream."""
        # backoff's decorator sleeps with `time.sleep`, which a stop can't end.
        waits = backoff.expo(max_value=LONGEST_BACKOFF)
        next(waits)
        tries = 0
        while True:
            tries += 1
            try:
                return attempt()
            except Refused as refusal:
                self._react(refusal, tries, backoff.full_jitter(next(waits)))

    def _react(self, refusal: Refused, tries: int, backoff_wait: float) -> None:
        """Do what a verdict asks for; return only if the request is to be tried again."""
        wait = refusal.retry_after if refusal.retry_after is not None else backoff_wait
        effect = refusal.verdict.effect
        if effect in {Effect.RETRY, Effect.PAUSE} and wait > LONGEST_WAIT:
            self._stop(Verdict.QUOTA_SPENT, refusal)
        if effect is Effect.STOP:
            self._stop(refusal.verdict, refusal)
        if effect in {Effect.SKIP, Effect.FAIL}:
            raise refusal
        if tries == self._max_tries:
            raise _with_verdict(
                Verdict.FAILED, refusal, f"{refusal.reason}, {tries} times"
            ) from refusal
        if effect is Effect.PAUSE:
            self._gate.pause(wait)
        self._gate.rest(wait)

    def _stop(self, verdict: Verdict, refusal: Refused) -> None:
        sentence = f"{verdict.happened} ({_with_reference(refusal)})"
        if verdict is Verdict.QUOTA_SPENT:
            sentence += _resets(refusal)
        self._gate.stop(Halt(verdict, sentence))
        raise Stopped from refusal

    def _answer(self, exchange: Exchange) -> Answer:
        left = self._provider.quota_left(exchange.headers)
        self.quota_left = self.quota_left if left is None else left
        try:
            page = self._provider.read_page(exchange)
        except Refused as refusal:
            refusal.as_of = _as_of(exchange)
            refusal.came_at, refusal.raw = _came_at(exchange), _raw(exchange)
            if refusal.verdict is Verdict.QUOTA_SPENT and refusal.retry_after is None:
                now = exchange.date or time.time()
                refusal.retry_after = self._provider.quota_resets_in(exchange.headers, now)
            raise
        return _timed(page, exchange)

    def _grant(self) -> TokenGrant:
        request = self._provider.token_request()
        assert request is not None  # noqa: S101 - asked for only where there are tokens

        def ask() -> TokenGrant:
            self._gate.enter(counted=False)
            return self._provider.read_token(self._transport.send(request))

        return self._retry(ask)


def _as_of(exchange: Exchange) -> int:
    clocks = [exchange.sent_at]
    if exchange.date is not None:
        clocks.append(exchange.date - exchange.duration)
    return int(min(clocks))


def _came_at(exchange: Exchange) -> int:
    return int(exchange.sent_at + exchange.duration)


def _timed(page: Page, exchange: Exchange) -> Answer:
    as_of, until = _as_of(exchange), exchange.date
    if until is None:
        until = _came_at(exchange)
    if page.cached_at is not None:
        as_of, until = min(as_of, page.cached_at), min(until, page.cached_at)
    return Answer(page, as_of, until, _came_at(exchange), _raw(exchange))


def _raw(exchange: Exchange) -> Raw:
    return Raw(exchange.status, exchange.body)


def _with_verdict(verdict: Verdict, refusal: Refused, reason: str | None = None) -> Refused:
    other = Refused(verdict, reason or refusal.reason, reference=refusal.reference)
    other.as_of, other.came_at = refusal.as_of, refusal.came_at
    return other


def _with_reference(refusal: Refused) -> str:
    return ", ".join(filter(None, (refusal.reason, refusal.reference)))


def _resets(refusal: Refused) -> str:
    """When to come back, by the provider's clock; "" where nobody knows."""
    if refusal.retry_after is None:
        return ""
    try:
        moment = dt.datetime.fromtimestamp(
            (refusal.answered_at or time.time()) + refusal.retry_after, dt.timezone.utc
        )
    except (OverflowError, ValueError, OSError):
        return ""
    return f"; it resets at {moment:%Y-%m-%d %H:%M} UTC"
