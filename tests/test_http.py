"""One HTTP request over real sockets: what is sent, what fails, and within what limits."""

from __future__ import annotations

import gzip
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from email.utils import formatdate
from pathlib import Path

import pytest
import requests

from tap_tiktok_following.errors import Failed, NoPage, Transient
from tap_tiktok_following.http import Transport
from tap_tiktok_following.model import RawResponse
from tests.harness import DAY, NOW
from tests.server import TLS, Dripping, Raw, Reply, Server

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in set(os.environ):
        if name.lower().endswith(("_proxy", "_ca_bundle", "netrc")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def echo() -> Iterator[Server]:
    with Server(lambda _: Reply()) as server:
        yield server


class Sender:
    """Sends requests to one server."""

    def __init__(self, url: str, timeout: float = 5) -> None:
        self.url = url
        self.transport = Transport(url, "the_url", timeout=timeout, user_agent="a test")

    def send(self, path: str = "/", **headers: str) -> RawResponse:
        return self.transport.send(requests.Request("GET", self.url + path, headers))

    def failure(self, **headers: str) -> NoPage:
        with pytest.raises(NoPage) as caught:
            self.send(**headers)
        return caught.value


def host(url: str) -> str:
    return url.rpartition("/")[2]


# A response.


def test_times_are_by_the_providers_clock_but_no_scan_starts_later_than_by_ours() -> None:
    """It starts before its first request is sent."""
    dates = iter([NOW, int(time.time()) + DAY])

    def reply(_: object) -> Reply:
        return Reply(headers={"Date": formatdate(next(dates), usegmt=True)})

    with Server(reply) as server:
        right, ahead = (Sender(server.url).send() for _ in range(2))
    assert NOW - 30 < right.as_of < right.until == NOW
    assert ahead.as_of <= time.time() < ahead.until


@pytest.mark.parametrize("date", ["99 Nov 2023 02:00:00 GMT", "31 Dec 9999 23:59:59 -2300"])
def test_without_a_readable_date_the_local_clock_counts(date: str) -> None:
    before = int(time.time())
    with Server(lambda _: Reply(headers={"Date": date})) as server:
        response = Sender(server.url).send()
    assert before <= response.as_of <= response.until == response.came_at <= time.time()


def test_body_is_decompressed_the_user_agent_is_sent_and_cookies_are_not() -> None:
    headers = {"Content-Encoding": "gzip", "Set-Cookie": "track=me; Path=/"}
    with Server(lambda _: Reply(404, gzip.compress(b"{2}"), headers)) as server:
        sender = Sender(server.url)
        for _ in range(2):
            response = sender.send()
            assert (response.status, response.body) == (404, b"{2}")
    assert [received.headers["user-agent"] for received in server.received] == ["a test"] * 2
    assert not any("cookie" in received.headers for received in server.received)


def test_redirect_is_not_followed_and_its_body_is_not_read(echo: Server) -> None:
    head = f"HTTP/1.1 301 x\r\nLocation: {echo.url}/x\r\nContent-Length: 9000000\r\n\r\n"
    with Dripping(head.encode(), b"x") as url:
        error = Sender(url).failure(Authorization="Bearer mine")
    assert isinstance(error, Failed)
    assert error.reason == "redirects are not followed (HTTP 301)"
    assert echo.received == []


# Slow servers, and connections that are used again.


SLOW = {
    "nothing": [b"", b""],
    "header lines": [b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n"],
    "body": [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x"],
    "what decompresses to nothing": [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08____\x00\x03",
        b"x",
    ],
}
"""How a response begins, and what then comes again and again."""


@pytest.mark.parametrize(("head", "drop"), SLOW.values(), ids=SLOW)
def test_slow_response_is_cut_off(head: bytes, drop: bytes) -> None:
    with Dripping(head, drop) if drop else Raw([head]) as url:
        error = Sender(url, timeout=0.2).failure()
    assert isinstance(error, Transient)
    assert error.reason == f"{host(url)} did not respond in full within 0.2 s"


def test_request_after_a_slow_response_is_a_normal_one() -> None:
    with Dripping(b"HTTP/1.1 200 ", b"x") as url:
        sender = Sender(url, timeout=3)
        assert sender.failure().reason.endswith("did not respond in full within 3 s")
        assert sender.send().body == b"{}"


def test_request_on_a_stale_connection_is_not_sent_again() -> None:
    """The server closes the first connection when the second request comes on it."""
    with Raw([WHOLE], [WHOLE]) as url:
        sender = Sender(url)
        sender.send()
        assert sender.failure().reason == f"the connection to {host(url)} was lost"
        assert sender.send().body == b"{}"


def test_response_after_an_interim_one_is_never_given_to_another_request() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n" + WHOLE
    late = b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE.replace(b"{}", b"[]")
    with Raw([early], [late]) as url:
        sender = Sender(url)
        error = sender.failure()
        assert isinstance(error, Transient)
        assert "an interim response" in error.reason
        assert sender.send().body == b"[]"


# No connection.


@pytest.mark.parametrize(
    ("url", "obstacle"),
    [
        ("http://127.0.0.1:9", "connection refused"),
        ("http://nowhere.invalid", "name does not resolve"),
        ("https://{echo}", "no TLS connection"),
    ],
)
def test_unreachable_server_is_one_sentence(url: str, obstacle: str, echo: Server) -> None:
    url = url.format(echo=host(echo.url))
    error = Sender(url).failure()
    assert isinstance(error, Transient)
    assert error.reason == f"cannot reach {host(url)} ({obstacle})"
    assert error.advice == "check network, proxy and `the_url`"


@pytest.mark.skipif(sys.platform != "linux", reason="a full queue may refuse elsewhere")
def test_server_that_accepts_no_connection_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as queue:
        address = server.getsockname()
        with suppress(TimeoutError):
            while True:  # until the queue is full
                queue.enter_context(socket.create_connection(address, timeout=0.5))
        url = f"http://127.0.0.1:{address[1]}"
        error = Sender(url, timeout=0.2).failure()
    assert error.reason == f"cannot reach {host(url)} (no connection within 0.2 s)"


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("REQUESTS_CA_BUNDLE", "{server}"),  # a folder without certificates
        ("https_proxy", "https://api.invalid"),
    ],
)
def test_certificate_that_is_not_trusted_gets_no_request(
    variable: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(lambda _: Reply(), tls=True) as server:
        is_proxy = variable == "https_proxy"
        monkeypatch.setenv(variable, server.url if is_proxy else str(tmp_path))
        error = Sender(url.format(server=server.url)).failure()
    assert server.received == []
    assert isinstance(error, Transient)
    assert "certificate not accepted, self-signed certificate)" in error.reason
    assert error.advice == "check REQUESTS_CA_BUNDLE, clock, proxy and `the_url`"


# The environment.


def test_netrc_is_never_read(echo: Server, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", encoding="utf-8")
    netrc.chmod(0o600)
    assert requests.utils.get_netrc_auth(echo.url) == ("me", "secret")
    Sender(echo.url).send()
    assert "authorization" not in echo.received[0].headers


def test_proxy_of_the_environment_is_used_but_for_no_proxy(
    echo: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", echo.url)
    Sender("http://api.invalid").send("/x?y=1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Sender(echo.url).send()
    assert [received.target for received in echo.received] == ["http://api.invalid/x?y=1", "/"]
    reason = Sender("http://api.invalid").failure().reason
    assert reason == "cannot reach api.invalid (proxy: connection refused)"


def test_proxy_for_https_gets_its_own_credentials_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Server(lambda _: Reply(502)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//me:secret@"))
        error = Sender("https://api.invalid").failure(Authorization="Bearer mine")
        [asked] = proxy.received
    assert error.reason == (
        "cannot reach api.invalid (proxy: tunnel connection failed: 502 Bad Gateway)"
    )
    assert asked.target == "api.invalid:443"
    assert asked.headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_bundle_of_the_environment_is_used(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(TLS / "certificate.pem"))
    with Server(lambda _: Reply(), tls=True) as server:
        assert Sender(server.url).send().status == 200
