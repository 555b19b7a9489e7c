"""One HTTP exchange: no redirect, no `.netrc`, bounded in time and size."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3

from tap_tiktok_following.exits import Ended
from tap_tiktok_following.http.causes import Target
from tap_tiktok_following.http.connection import Route, Stale
from tap_tiktok_following.http.deadline import Deadline
from tap_tiktok_following.text import unix_seconds
from tap_tiktok_following.verdicts import Refused, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 16 * 1024 * 1024
"""Bytes, decompressed. A page of 100 accounts has about 60 KB."""

_CHUNK = 64 * 1024

_NO_RETRIES = urllib3.Retry(total=False)
"""An error comes as it is."""


@dataclass(frozen=True)
class Request:
    """A request to a provider.

    Attributes:
        method: The HTTP method.
        path: Path and query, percent-encoded, to be appended to the base URL.
        headers: Headers of this request.
        body: The body, or None.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Exchange:
    """The answer to a request, and when it came.

    Attributes:
        status: The HTTP status.
        headers: The answer's headers; their names ignore case.
        body: The whole body, decompressed.
        sent_at: When the request was sent: Unix seconds by the local clock.
        duration: Seconds until the head of the answer arrived.
        date: The provider's clock when it answered, in Unix seconds, from the `Date` header;
            None if that is missing or malformed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_at: float
    duration: float
    date: int | None

    @property
    def as_of(self) -> int:
        """When the request was sent, in Unix seconds, by the clock that makes it earliest."""
        clocks = [self.sent_at]
        if self.date is not None:
            clocks.append(self.date - self.duration)
        return int(min(clocks))

    @property
    def until(self) -> int:
        """When the provider answered, in Unix seconds, by its own clock if it is known."""
        return self.came_at if self.date is None else self.date

    @property
    def came_at(self) -> int:
        """When the head of the answer arrived, in Unix seconds by the local clock."""
        return int(self.sent_at + self.duration)


class Transport:
    """Sends requests to one provider, from many threads at once.

    Each thread has its own connection, which stays open between requests.

    Args:
        url: The provider's base URL.
        setting: The setting that contains the URL, for messages.
        timeout: Seconds for connecting, for each read, and for the whole answer.
        user_agent: The `User-Agent` header.

    Raises:
        Ended: If the environment names a proxy or a CA bundle that can't be used.
    """

    def __init__(self, url: str, setting: str, *, timeout: float, user_agent: str) -> None:
        self._target = Target(urlsplit(url).netloc, setting, timeout)
        self._deadline = Deadline(timeout)
        self._headers = {
            "Accept": "*/*",
            **urllib3.make_headers(accept_encoding=True, user_agent=user_agent),
        }
        self._of_thread = threading.local()
        try:
            self._route = Route(url, self._deadline)
        except (requests.RequestException, OSError, ValueError) as error:
            sentence = (
                "The environment names a proxy or a CA bundle that can't be used "
                f"({type(error).__name__}): check HTTPS_PROXY, ALL_PROXY, REQUESTS_CA_BUNDLE "
                "and CURL_CA_BUNDLE."
            )
            raise Ended(sentence) from error

    def send(self, request: Request) -> Exchange:
        """Send one request.

        If a reused connection turns out to be closed, the request was not read, and is sent
        once more on a new connection.

        Raises:
            Refused: If no complete answer came (`Verdict.PASSING`), or if it is too large or
                a redirect (`Verdict.FAILED`).
        """
        try:
            return self._exchange(request)
        except Stale:
            return self._exchange(request)

    def _exchange(self, request: Request) -> Exchange:
        sent_at, started = time.time(), time.monotonic()
        try:
            with self._deadline.kept(), self._answer(request) as response:
                duration = time.monotonic() - started
                if response.get_redirect_location():
                    reason = f"redirects are not followed (HTTP {response.status})"
                    raise Refused(Verdict.FAILED, reason)
                body = _read(response)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._target.lost(error) from error
        date = unix_of(response.headers.get("Date"))
        return Exchange(response.status, response.headers, body, sent_at, duration, date)

    def _answer(self, request: Request) -> urllib3.BaseHTTPResponse:
        """Send a request, and return the answer before its body is read."""
        if not hasattr(self._of_thread, "pool"):
            self._of_thread.pool = self._route.pool()
        pool: urllib3.HTTPConnectionPool = self._of_thread.pool
        return pool.urlopen(
            request.method,
            self._route.target + request.path,
            request.body,
            {**self._headers, **request.headers},
            retries=_NO_RETRIES,
            redirect=False,
            assert_same_host=False,  # at a proxy it is another
            timeout=self._target.seconds,
            preload_content=False,
        )


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    body = bytearray()
    while chunk := response.read1(_CHUNK, decode_content=True):
        body += chunk
        if len(body) > MAX_BODY:
            reason = f"the answer is larger than {MAX_BODY // 1024**2} MB"
            raise Refused(Verdict.FAILED, reason)
    return bytes(body)


@lru_cache
def unix_of(date: str | None) -> int | None:
    """Unix seconds of an HTTP date, which is in UTC; None if it is malformed."""
    # Cached because all answers of a second have the same date.
    try:
        return unix_seconds(parsedate_to_datetime(date or ""))
    except (ValueError, OverflowError):
        return None
