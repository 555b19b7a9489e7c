"""The route to a provider, and connections that limit the time of a whole answer."""

from __future__ import annotations

import http.client
import ssl
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import urllib3.connection
from requests.adapters import HTTPAdapter
from typing_extensions import override

if TYPE_CHECKING:
    from tap_tiktok_following.http.deadline import Deadline

_INTERIM = frozenset(range(100, 200)) - {HTTPStatus.SWITCHING_PROTOCOLS}


class Stale(Exception):  # noqa: N818 - nobody has answered, so nothing has failed
    """A reused connection ended before the first byte of an answer.

    A server may close an idle connection at any time, even while a request is on its way to
    it. Not an `OSError`, so that urllib3 does not wrap it.
    """


class _UnansweredError(ConnectionResetError):
    """The connection ended before the first byte of an answer."""


class _Answer(http.client.HTTPResponse):
    """A response that skips any number of interim responses (1xx)."""

    @override
    def begin(self) -> None:
        try:
            has_begun = self.fp.peek(1)
        except ConnectionError as error:
            raise _UnansweredError from error
        if not has_begun:
            raise _UnansweredError
        super().begin()
        while self.status in _INTERIM:
            self.headers = None  # type: ignore[assignment] # else `begin` does nothing
            super().begin()


class Connection(urllib3.connection.HTTPConnection):
    """A connection without TLS.

    Args:
        deadline: Limits the time of each answer, from the moment its request is sent.
    """

    response_class = _Answer

    def __init__(self, *args: Any, deadline: Deadline, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._deadline = deadline
        self._is_reused = False

    @override
    def connect(self) -> None:
        self._is_reused = False
        super().connect()

    @override
    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override] # as urllib3's
        """Wait for the head of the response.

        Raises:
            Stale: If a reused connection ended before the first byte.
        """
        self._deadline.start(self.sock)
        try:
            response = super().getresponse()
        except _UnansweredError as error:
            if self._is_reused:
                raise Stale from error
            raise
        self._is_reused = True
        return response


class TLSConnection(Connection, urllib3.connection.HTTPSConnection):
    """A connection with TLS."""


class Route:
    """The route of requests, with the proxies and CA bundles of the environment.

    The connections are used without requests' sessions, which would follow redirects, keep
    cookies, read `.netrc`, and take more time per request than everything else.

    Attributes:
        target: Prefix of the path in a request line: empty, or the whole base URL if the
            request goes to a proxy.

    Args:
        url: The provider's base URL.
        deadline: Limits the time of each answer.

    Raises:
        OSError: If a CA bundle can't be used.
        requests.RequestException: If a proxy can't be used.
    """

    def __init__(self, url: str, deadline: Deadline) -> None:
        self._request = requests.Request("GET", url).prepare()
        self._url = url
        self._deadline = deadline
        environment = requests.Session().merge_environment_settings(
            url, proxies={}, stream=True, verify=None, cert=None
        )
        self._verify, self._proxies = environment["verify"], environment["proxies"]
        pool = self.pool()
        if pool.scheme == "https" and Path(str(self._verify)).is_file():
            ssl.create_default_context(cafile=str(self._verify))  # raises if it can't be used
        self.target = HTTPAdapter().request_url(self._request, self._proxies).rstrip("/")

    def pool(self) -> urllib3.HTTPConnectionPool:
        """A pool of a single connection, for one thread."""
        adapter = HTTPAdapter(pool_maxsize=1)
        pool = adapter.get_connection_with_tls_context(
            self._request, self._verify, self._proxies
        )
        adapter.cert_verify(pool, self._url, self._verify, cert=None)
        pool.ConnectionCls = TLSConnection if pool.scheme == "https" else Connection
        pool.conn_kw["deadline"] = self._deadline
        return pool
