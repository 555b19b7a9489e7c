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

from tap_tiktok_following.errors import Ended, Failed, Transient
from tap_tiktok_following.model import RawResponse
from tap_tiktok_following.text import clean, unix_seconds

MAX_BODY = 16 * 1024 * 1024
"""Bytes, decompressed. A page of 100 accounts has about 60 KB."""

LOOK_EVERY = 0.2
"""Seconds between two looks for responses that are late."""

_CHUNK = 64 * 1024

_DISTRUSTED = "certificate not accepted"


class Transport:
    """Sends requests to one provider, from many threads at once.

    `timeout` is in seconds: for connecting, for each read and for the whole response.
    `setting` is the one that contains the base URL, for messages.

    Raises:
        Ended: If the environment names a proxy or a CA bundle that cannot be used.
    """

    def __init__(self, url: str, setting: str, *, timeout: float, user_agent: str) -> None:
        self._host = urlsplit(url).netloc
        self._setting = setting
        self._timeout = timeout
        self._headers = {**requests.utils.default_headers(), "User-Agent": user_agent}
        try:
            self._of_thread = _OfThread(url, timeout)
            match self._of_thread.session.verify:
                case str(bundle) if url.startswith("https:") and not Path(bundle).is_dir():
                    ssl.create_default_context(cafile=bundle)
        except (requests.RequestException, OSError, ValueError) as error:
            sentence = (
                "The environment names a proxy or a CA bundle that cannot be used "
                f"({type(error).__name__}): check HTTPS_PROXY, ALL_PROXY, REQUESTS_CA_BUNDLE "
                "and CURL_CA_BUNDLE; a SOCKS proxy needs the package PySocks."
            )
            raise Ended(sentence) from error

    def send(self, request: requests.Request) -> RawResponse:
        """Send one request, exactly once.

        Raises:
            Transient: If no complete response arrived in time.
            Failed: If the response is a redirect or too large.
        """
        session = self._of_thread.session
        request.headers = {**self._headers, **request.headers}
        sent_at, started = time.time(), time.monotonic()
        try:
            with (
                session.time_limit(),
                session.send(request.prepare(), timeout=self._timeout) as response,
            ):
                duration = time.monotonic() - started
                body = _read(response)
        except (requests.RequestException, causes.HTTPError, OSError) as error:
            raise self._lost(_cause(error)) from error
        came_at = int(sent_at + duration)
        date = unix_of(response.headers.get("Date"))
        return RawResponse(
            status=response.status_code,
            body=body,
            as_of=int(sent_at if date is None else min(sent_at, date - duration)),
            until=came_at if date is None else date,
            came_at=came_at,
            headers=response.headers,
        )

    def _lost(self, cause: BaseException) -> Transient:
        """Describe why no complete response arrived, without the internals of libraries."""
        if obstacle := self._obstacle(cause):
            is_distrusted = _DISTRUSTED in obstacle  # a proxy's certificate, too
            places = "REQUESTS_CA_BUNDLE, clock" if is_distrusted else "network"
            return Transient(
                f"cannot reach {self._host} ({obstacle})",
                advice=f"check {places}, proxy and `{self._setting}`",
            )
        if isinstance(cause, (TimeoutError, causes.TimeoutError)):
            return Transient(f"{self._host} did not respond in full within {self._timeout} s")
        if isinstance(cause, causes.DecodeError):
            return Transient("the response could not be decompressed")
        return Transient(f"the connection to {self._host} was lost")

    def _obstacle(self, cause: BaseException) -> str:
        """Describe why there is no connection; "" if there was one."""
        match cause:
            case causes.ProxyError():
                inner = cause.original_error
                return f"proxy: {self._obstacle(inner) or _in_words(inner)}"
            case causes.SSLError():
                problem = clean(getattr(cause.args[0], "verify_message", ""))
                return f"{_DISTRUSTED}, {problem}" if problem else "no TLS connection"
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
        time.sleep(LOOK_EVERY)
        for sock, end in tuple(_deadlines.items()):
            if time.monotonic() >= end and _deadlines.pop(sock, 0.0):
                with suppress(OSError, ValueError):
                    sock.shutdown(SHUT_RDWR)


class _TimedSession(Session):
    """A session for one base URL that limits the time of each response.

    Raises:
        requests.RequestException: If a proxy cannot be used.
    """

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__(url)
        adapter = HTTPAdapter()
        self.mount(url, adapter)
        pool = adapter.get_connection_with_tls_context(
            requests.Request("GET", url).prepare(), self.verify, self.proxies
        )
        self._timeout = timeout
        self._socket: socket | None = None
        kind: Any = pool.ConnectionCls
        set_deadline = self._set_deadline

        class TimedConnection(kind):  # type: ignore[misc]  # the URL decides its kind
            def getresponse(self) -> object:
                set_deadline(self.sock)
                return super().getresponse()

        pool.ConnectionCls = TimedConnection  # of the pool for all requests to the URL
        _start_watching()

    def _set_deadline(self, sock: socket) -> None:
        self._socket = sock
        _deadlines[sock] = time.monotonic() + self._timeout

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


class _OfThread(threading.local):
    """The session of each thread, whose connection stays open between requests."""

    def __init__(self, url: str, timeout: float) -> None:
        self.session = _TimedSession(url, timeout)


def _read(response: requests.Response) -> bytes:
    """Read a body in chunks as they arrive, up to the limit."""
    if response.is_redirect:
        reason = f"redirects are not followed (HTTP {response.status_code})"
        raise Failed(reason)
    if response.status_code < HTTPStatus.OK:
        # The real response may follow, so this connection must not be used again.
        reason = f"an interim response instead of a final one (HTTP {response.status_code})"
        raise Transient(reason)
    body = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        body += chunk
        if len(body) > MAX_BODY:
            reason = f"the response is larger than {MAX_BODY // 1024**2} MB"
            raise Failed(reason)
    return bytes(body)


def _cause(error: Exception) -> BaseException:
    """Return urllib3's error inside one of requests."""
    if isinstance(error, requests.RequestException) and error.args:
        inner = getattr(error.args[0], "reason", error.args[0])
        return inner if isinstance(inner, Exception) else error
    return error


def _in_words(cause: BaseException) -> str:
    words = getattr(cause, "strerror", None) or str(cause)
    return clean(words[:1].lower() + words[1:])


@lru_cache
def unix_of(date: str | None) -> int | None:
    """Return the Unix seconds of an HTTP date, which is in UTC; None if it is malformed."""
    # Cached because all responses of a second have the same date.
    try:
        return unix_seconds(parsedate_to_datetime(date or ""))
    except (ValueError, OverflowError):
        return None
