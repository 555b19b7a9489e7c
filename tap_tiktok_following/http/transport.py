"""One HTTP exchange: no redirect, no `.netrc`, bounded in time and size."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import requests
import urllib3
from requests.adapters import HTTPAdapter

from tap_tiktok_following.exits import Ended
from tap_tiktok_following.http.deadline import Deadline
from tap_tiktok_following.times import unix_seconds
from tap_tiktok_following.verdicts import Refused, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 16 * 1024 * 1024
"""Bytes, unpacked. A page of 100 accounts is some 60 KB."""

_CHUNK = 64 * 1024

_NO_RETRIES = urllib3.Retry(total=False)
"""An error comes as it is."""


@dataclass(frozen=True)
class Request:
    """What a provider is asked.

    Attributes:
        method: The HTTP method.
        path: What stands behind the provider's base URL, encoded, with the query.
        headers: Headers of its own.
        body: The body; None for none.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


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

    Raises:
        Ended: If the environment names a proxy or a CA bundle that can't be used.
    """

    def __init__(self, url: str, *, timeout: float, connections: int, user_agent: str) -> None:
        self._timeout = timeout
        self._deadline = Deadline(timeout)
        self._headers = {
            "Accept": "*/*",
            **urllib3.make_headers(accept_encoding=True, user_agent=user_agent),
        }
        adapter = _Adapter(pool_maxsize=connections)
        try:
            self._pool, self._target = adapter.pool_for(url)
        except (requests.RequestException, OSError, ValueError) as error:
            sentence = (
                "The environment names a proxy or a CA bundle that can't be used "
                f"({type(error).__name__}): check HTTPS_PROXY, ALL_PROXY, REQUESTS_CA_BUNDLE "
                "and CURL_CA_BUNDLE."
            )
            raise Ended(sentence) from error

    def send(self, request: Request) -> Exchange:
        """Send one request.

        Raises:
            Refused: If no whole answer came (`Verdict.PASSING`), or one that is too large or
                a redirect (`Verdict.FAILED`).
        """
        sent_at, started = time.time(), time.monotonic()
        try:
            with self._pool.urlopen(
                request.method,
                self._target + request.path,
                request.body,
                {**self._headers, **request.headers},
                retries=_NO_RETRIES,
                redirect=False,
                assert_same_host=False,  # at a proxy it is another
                timeout=self._timeout,
                preload_content=False,
            ) as response:
                duration = time.monotonic() - started
                if response.get_redirect_location():
                    reason = f"redirects are not followed (HTTP {response.status})"
                    raise Refused(Verdict.FAILED, reason)
                body = self._read(response)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Refused(Verdict.PASSING, _in_words(error)) from error
        date = unix_of(response.headers.get("Date"))
        return Exchange(response.status, response.headers, body, sent_at, duration, date)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        body = bytearray()
        try:
            with self._deadline.of(response):
                while chunk := response.read1(_CHUNK, decode_content=True):
                    body += chunk
                    if len(body) > MAX_BODY:
                        reason = f"the answer is larger than {MAX_BODY // 1024**2} MB"
                        raise Refused(Verdict.FAILED, reason)
        except (TimeoutError, urllib3.exceptions.TimeoutError) as error:
            reason = f"the answer was not whole after {self._timeout} s"
            raise Refused(Verdict.PASSING, reason) from error
        return bytes(body)


@lru_cache
def unix_of(date: str | None) -> int | None:
    """Unix seconds of a date as HTTP writes it, always in UTC; None if it is none."""
    # Cached, as the answers of one second have the same.
    try:
        return unix_seconds(parsedate_to_datetime(date or ""))
    except (ValueError, OverflowError):
        return None


class _Adapter(HTTPAdapter):
    """The way requests would go: by the proxies and with the CA bundles of the environment.

    The connections are then used directly: requests' sessions would follow redirects, keep
    cookies and read `.netrc`, and take more time over a request than all else that it needs.
    """

    def pool_for(self, url: str) -> tuple[urllib3.HTTPConnectionPool, str]:
        """The connections to a URL, and what is asked for on them: its path, or all of it."""
        request = requests.Request("GET", url).prepare()
        environment = requests.Session().merge_environment_settings(
            url, proxies={}, stream=True, verify=None, cert=None
        )
        verify, proxies = environment["verify"], environment["proxies"]
        pool = self.get_connection_with_tls_context(request, verify, proxies)
        self.cert_verify(pool, url, verify, cert=None)
        if pool.scheme == "https" and Path(str(verify)).is_file():
            ssl.create_default_context(cafile=str(verify))  # raises if it can't be used
        return pool, self.request_url(request, proxies).rstrip("/")


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (urllib3.exceptions.ProxyError, "the proxy could not be used"),
    (urllib3.exceptions.SSLError, "no secure connection could be made"),
    (urllib3.exceptions.NewConnectionError, "the connection failed"),
    (urllib3.exceptions.ConnectTimeoutError, "the provider could not be reached in time"),
    (urllib3.exceptions.TimeoutError, "the provider did not answer in time"),
    (urllib3.exceptions.DecodeError, "the answer was packed in a way that can't be read"),
    (urllib3.exceptions.ProtocolError, "the connection was lost"),
)


def _in_words(error: Exception) -> str:
    """What went wrong without addresses and internals, which libraries put in their text."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    return f"the request failed ({type(error).__name__})"
