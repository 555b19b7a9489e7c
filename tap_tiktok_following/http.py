"""One HTTP request and its response: no redirects, no `.netrc`, limited in time and size."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from http import HTTPStatus
from pathlib import Path
from socket import SHUT_RDWR, socket
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3 import exceptions as causes

from tap_tiktok_following.errors import Failed, Transient
from tap_tiktok_following.model import RawResponse
from tap_tiktok_following.text import clean, unix_seconds

MAX_BODY = 16 * 1024 * 1024  # bytes, decompressed. A page of 100 accounts has about 60 KB


class Transport(threading.local):
    """Sends requests to one provider; each thread has its own connection, which stays open.

    `timeout` is in seconds: for connecting, for each read and for the whole response.
    `setting` is the one that contains the base URL, for messages.
    """

    def __init__(self, url: str, setting: str, *, timeout: float, user_agent: str) -> None:
        self._host = urlsplit(url).netloc
        self._setting = setting
        self._timeout = timeout
        self._headers = {**requests.utils.default_headers(), "User-Agent": user_agent}
        self._session = _TimedSession(url, timeout)

    def send(self, request: requests.Request) -> RawResponse:
        """Send one request, exactly once.

        Raises:
            Transient: If no complete response arrived in time.
            Failed: If the response is a redirect or too large.
        """
        request.headers = {**self._headers, **request.headers}
        sent_at, started = time.time(), time.monotonic()
        try:
            with (
                self._session.time_limit(),
                self._session.send(request.prepare(), timeout=self._timeout) as response,
            ):
                duration = time.monotonic() - started
                body = _read(response)
        except (requests.RequestException, causes.HTTPError, OSError) as error:
            raise self._lost(error) from error
        came_at = sent_at + duration
        date = unix_of(response.headers.get("Date", "")) or came_at
        return RawResponse(
            status=response.status_code,
            body=body,
            as_of=int(min(sent_at, date - duration)),
            until=int(date),
            came_at=int(came_at),
            headers=response.headers,
        )

    def _lost(self, error: Exception) -> Transient:
        """Describe why no complete response arrived, without the internals of libraries."""
        # An error of requests contains one of urllib3, which may contain its reason.
        inner = error.args[0] if isinstance(error, requests.RequestException) else error
        cause = getattr(inner, "reason", inner)
        if obstacle := self._obstacle(cause):
            # A proxy's certificate, too.
            place = "REQUESTS_CA_BUNDLE, clock" if "certificate" in obstacle else "network"
            return Transient(
                f"cannot reach {self._host} ({obstacle})",
                advice=f"check {place}, proxy and `{self._setting}`",
            )
        if isinstance(cause, (TimeoutError, causes.TimeoutError)):
            return Transient(f"{self._host} did not respond in full within {self._timeout} s")
        if isinstance(cause, causes.DecodeError):
            return Transient("the response could not be decompressed")
        return Transient(f"the connection to {self._host} was lost")

    def _obstacle(self, cause: object) -> str:
        """Describe why there is no connection; "" if there was one."""
        match cause:
            case causes.ProxyError(original_error=inner):
                return f"proxy: {self._obstacle(inner) or _in_words(inner)}"
            case causes.SSLError(args=(inner, *_)):
                why = clean(getattr(inner, "verify_message", ""))
                return f"certificate not accepted, {why}" if why else "no TLS connection"
            case causes.NameResolutionError():
                return "name does not resolve"
            case causes.NewConnectionError():
                return _in_words(cause.__cause__ or cause)
            case causes.ConnectTimeoutError():
                return f"no connection within {self._timeout} s"
        return ""


class Session(requests.Session):
    """A session with the environment's proxies and CA bundle for a URL, and no `.netrc`.

    Unlike the requests of a `Transport`, it follows redirects.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        found = self.merge_environment_settings(url, {}, stream=True, verify=None, cert=None)
        self.proxies, self.verify, self.stream = found["proxies"], found["verify"], True
        self.trust_env = False  # the environment is read once, and `.netrc` never


def environment_problem(url: str) -> str:
    """Return why requests to a URL cannot be sent in this environment; "" if they can."""
    try:
        match _TimedSession(url, timeout=1).verify:
            case str(bundle) if url.startswith("https:") and not Path(bundle).is_dir():
                ssl.create_default_context(cafile=bundle)
    except (requests.RequestException, OSError, ValueError) as error:
        return (
            "the environment names a proxy or a CA bundle that cannot be used "
            f"({type(error).__name__}): check HTTPS_PROXY, ALL_PROXY, REQUESTS_CA_BUNDLE "
            "and CURL_CA_BUNDLE; a SOCKS proxy needs the package PySocks"
        )
    return ""


_deadlines: dict[socket, float] = {}
"""When the response that a socket waits for is late, by the monotonic clock.

The timeout of a socket limits a single read, which a server that sends byte by byte never
exceeds. So a thread watches all responses and cuts off those that are late; a timer for each
request would be less code, and cost a third more CPU.
"""


@cache
def _start_watching() -> None:
    threading.Thread(target=_watch, name="watchdog", daemon=True).start()


def _watch() -> None:
    """Cut off responses that are late, which also removes their deadlines."""
    while True:
        time.sleep(0.2)
        for sock, end in tuple(_deadlines.items()):
            if time.monotonic() >= end and _deadlines.pop(sock, 0.0):
                with suppress(OSError):
                    # Through a proxy with TLS, urllib3 gives a wrapper that has no `shutdown`.
                    getattr(sock, "socket", sock).shutdown(SHUT_RDWR)


class _TimedSession(Session):
    """A session for one base URL that limits the time of each response."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__(url)
        adapter = HTTPAdapter()
        self.mount(url, adapter)
        pool = adapter.get_connection_with_tls_context(
            requests.Request("GET", url).prepare(), self.verify, self.proxies
        )
        self._socket: socket | None = None
        session = self
        kind: Any = pool.ConnectionCls

        class TimedConnection(kind):  # type: ignore[misc]  # the URL decides its kind
            def getresponse(self) -> object:
                session._socket = self.sock
                _deadlines[self.sock] = time.monotonic() + timeout
                return super().getresponse()

        pool.ConnectionCls = TimedConnection  # of the pool for all requests to the URL
        _start_watching()

    @override
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect, and do not read its body."""

    @contextmanager
    def time_limit(self) -> Iterator[None]:
        """Receive one response in this context, whose deadline is set when it is waited for.

        Raises:
            TimeoutError: If it has lost its deadline and so was cut off, in place of what
                reading it raised.
        """
        self._socket = None
        try:
            yield
        finally:
            if self._socket is not None and not _deadlines.pop(self._socket, 0.0):
                raise TimeoutError


def _read(response: requests.Response) -> bytes:
    """Read a body in chunks as they arrive, up to the limit."""
    status = response.status_code
    if response.is_redirect:
        raise Failed(details=f"redirects are not followed (HTTP {status})")
    if status < HTTPStatus.OK:
        # The real response may follow, so this connection must not be used again.
        raise Transient(details=f"an interim response instead of a final one (HTTP {status})")
    body = bytearray()
    while chunk := response.raw.read1(64 * 1024, decode_content=True):
        body += chunk
        if len(body) > MAX_BODY:
            raise Failed(details=f"the response is larger than {MAX_BODY // 1024**2} MB")
    return bytes(body)


def _in_words(cause: BaseException) -> str:
    words = getattr(cause, "strerror", None) or str(cause)
    return clean(words[:1].lower() + words[1:])


@lru_cache
def unix_of(date: str) -> int | None:
    """Return the Unix seconds of an HTTP date, which is in UTC; None if it is malformed."""
    # Cached because all responses of a second have the same date.
    try:
        return unix_seconds(parsedate_to_datetime(date))
    except (ValueError, OverflowError):
        return None
