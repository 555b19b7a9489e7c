"""One HTTP exchange: no redirect, no `.netrc`, bounded in time and size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from tap_tiktok_following.errors import Refused, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 16 * 1024 * 1024
"""Bytes, unpacked. A page of 100 accounts is some 60 KB."""

_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Exchange:
    """What a provider answered, and when.

    Attributes:
        status: The HTTP status.
        headers: The answer's headers, their names in any case.
        body: The whole body, unpacked.
        sent_at: When the request was sent: Unix seconds by the local clock.
        duration: Seconds until the head of the answer was there.
        date: The provider's clock when it answered, in Unix seconds, from `Date`;
            None without a readable one.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_at: float
    duration: float
    date: int | None


class Transport:
    """Sends requests to one provider, from many threads at once.

    Args:
        url: The provider's base URL.
        timeout: Seconds for connecting, for each read, and for the body as a whole.
        connections: How many connections are kept open.
        user_agent: The `User-Agent` header.
    """

    def __init__(self, url: str, *, timeout: float, connections: int, user_agent: str) -> None:
        self._timeout = timeout
        self._headers = {**requests.utils.default_headers(), "User-Agent": user_agent}
        # The adapter below a session: it follows no redirect, keeps no cookie and reads no
        # `.netrc`, and takes proxies and CA bundles of the environment from here.
        self._adapter = HTTPAdapter(pool_maxsize=connections)
        self._environment: Mapping[str, Any] = requests.Session().merge_environment_settings(
            url, proxies={}, stream=True, verify=None, cert=None
        )

    def send(self, request: requests.Request) -> Exchange:
        """Send one request.

        Raises:
            Refused: If no whole answer came (`Verdict.PASSING`), or one that is too large or
                a redirect (`Verdict.FAILED`).
        """
        request.headers = {**self._headers, **request.headers}
        prepared = request.prepare()
        sent_at, started = time.time(), time.monotonic()
        try:
            with self._adapter.send(
                prepared, timeout=self._timeout, **self._environment
            ) as response:
                duration = time.monotonic() - started
                if response.is_redirect:
                    reason = f"redirects are not followed (HTTP {response.status_code})"
                    raise Refused(Verdict.FAILED, reason)
                body = self._read(response.raw)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Refused(Verdict.PASSING, _in_words(error)) from error
        date = unix_of(response.headers.get("Date"))
        return Exchange(response.status_code, response.headers, body, sent_at, duration, date)

    def _read(self, raw: urllib3.response.BaseHTTPResponse) -> bytes:
        # The timeout of a socket is for one read: a body that drips never meets it.
        deadline = time.monotonic() + self._timeout
        body = bytearray()
        try:
            while chunk := self._read_until(raw, deadline):
                body += chunk
                if len(body) > MAX_BODY:
                    reason = f"the answer is larger than {MAX_BODY // 1024**2} MB"
                    raise Refused(Verdict.FAILED, reason)
        except (TimeoutError, urllib3.exceptions.TimeoutError) as error:
            reason = f"the answer was not whole after {self._timeout} s"
            raise Refused(Verdict.PASSING, reason) from error
        return bytes(body)

    @staticmethod
    def _read_until(raw: urllib3.response.BaseHTTPResponse, deadline: float) -> bytes:
        """Read what is there, or wait for it no longer than the body as a whole may take."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock = getattr(raw.connection, "sock", None)
        if sock is not None:
            sock.settimeout(left)  # urllib3 sets it anew for the connection's next request
        return raw.read1(_CHUNK, decode_content=True)


def unix_of(date: str | None) -> int | None:
    """Unix seconds of a date as HTTP writes it; None if it is none."""
    try:
        return int(parsedate_to_datetime(date).timestamp()) if date else None
    except (ValueError, OverflowError):
        return None


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (requests.exceptions.ProxyError, "the proxy could not be reached"),
    (requests.exceptions.SSLError, "no secure connection could be made"),
    (requests.exceptions.ConnectTimeout, "the provider could not be reached in time"),
    (requests.exceptions.Timeout, "the provider did not answer in time"),
    (urllib3.exceptions.TimeoutError, "the provider did not answer in time"),
    (urllib3.exceptions.DecodeError, "the answer was packed in a way that can't be read"),
    (urllib3.exceptions.ProtocolError, "the connection was lost"),
    (requests.exceptions.ConnectionError, "the connection failed"),
)


def _in_words(error: Exception) -> str:
    """What went wrong without addresses and internals, which libraries put in their text."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    return f"the request failed ({type(error).__name__})"
