"""One HTTP exchange, over real HTTP: what is sent, what is refused, and within what bounds."""

from __future__ import annotations

import gzip
import itertools
import time
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox import Fault, World
from tap_tiktok_following.exits import Ended
from tap_tiktok_following.http.transport import Request, Transport
from tap_tiktok_following.verdicts import Refused, Verdict
from tests.harness import NOW, follows_of
from tests.server import TLS, Dripping, Raw, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox
    from tap_tiktok_following.http.transport import Exchange
    from tests.server import Received

PATH = "/api/v1/users/ann/following"

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*PROXIES, *map(str.upper, PROXIES), *BUNDLES, "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def echo() -> Iterator[Server]:
    with Server(lambda _: Reply()) as server:
        yield server


def send(url: str, path: str = "/", *, timeout: float = 5, **headers: str) -> Exchange:
    transport = Transport(url, "the_url", timeout=timeout, user_agent="a test")
    return transport.send(Request("GET", path, headers))


def refusal(url: str, path: str = "/", *, timeout: float = 5, **headers: str) -> Refused:
    with pytest.raises(Refused) as caught:
        send(url, path, timeout=timeout, **headers)
    return caught.value


def credentials(sandbox: Sandbox) -> dict[str, str]:
    key, host = sandbox.config["rapidapi_key"], sandbox.url.removeprefix("http://")
    return {"x-rapidapi-key": key, "x-rapidapi-host": host}


def page(sandbox: Sandbox, fault: Fault, timeout: float = 5) -> Refused:
    """How a page is refused under a fault."""
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    sandbox.scenario.faults.append(fault)
    return refusal(sandbox.url, PATH, timeout=timeout, **credentials(sandbox))


# An answer.


def test_an_answer_and_when_it_came() -> None:
    headers = {"Date": "Thu, 16 Nov 2023 02:00:00 GMT", "X-Left": "7"}
    before = time.time()
    with Server(lambda _: Reply(404, b"{1}", headers)) as server:
        exchange = send(server.url)
    assert (exchange.status, exchange.body, exchange.date) == (404, b"{1}", NOW)
    assert exchange.headers["x-left"] == "7"
    assert before <= exchange.sent_at <= exchange.sent_at + exchange.duration <= time.time()


@pytest.mark.parametrize(
    "date",
    [
        "Thu, 16 Nov 2023 02:00:00 GMT",
        "Thursday, 16-Nov-23 02:00:00 GMT",
        "Thu Nov 16 02:00:00 2023",
    ],
)
def test_a_date_is_utc_in_all_forms_of_http(
    date: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        with Server(lambda _: Reply(headers={"Date": date})) as server:
            assert send(server.url).date == NOW
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("date", [None, "", "soon", "Wed, 99 Nov 2023 02:00:00 GMT"])
def test_a_clock_that_can_not_be_read_is_none(date: str | None) -> None:
    headers = {} if date is None else {"Date": date}
    with Server(lambda _: Reply(headers=headers)) as server:
        assert send(server.url).date is None


def test_a_packed_body_is_unpacked() -> None:
    packed = Reply(body=gzip.compress(b"{2}"), headers={"Content-Encoding": "gzip"})
    with Server(lambda _: packed) as server:
        assert send(server.url).body == b"{2}"


def test_an_empty_body_is_empty() -> None:
    with Server(lambda _: Reply(204, b"")) as server:
        assert send(server.url).body == b""


def test_requests_say_who_they_are(echo: Server) -> None:
    send(echo.url)
    assert echo.received[0].headers["user-agent"] == "a test"


# Redirects.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_error_and_no_key_reaches_another_host(
    status: int, echo: Server
) -> None:
    elsewhere = Reply(status, headers={"Location": f"{echo.url}/stolen"})
    with Server(lambda _: elsewhere) as server:
        refused = refusal(server.url)
    assert refused.verdict is Verdict.FAILED
    assert refused.reason == f"redirects are not followed (HTTP {status})"
    assert echo.received == []


# Bounds.


def test_a_body_that_drips_is_not_waited_for(sandbox: Sandbox) -> None:
    started = time.monotonic()
    refused = page(sandbox, Fault("drip", value=0.05), timeout=0.2)
    assert time.monotonic() - started < 2
    assert refused.verdict is Verdict.PASSING
    assert refused.reason == not_in_full(sandbox.url)


def not_in_full(url: str) -> str:
    return f"{url.removeprefix('http://')} did not answer in full within 0.2 s"


DRIPS = {
    "a status line": [b"HTTP/1.1 200 ", b"x"],
    "a header line": [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"],
    "header lines": [b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n"],
    "interim answers": [b"", b"HTTP/1.1 102 Processing\r\n\r\n"],
    "continues": [b"", b"HTTP/1.1 100 Continue\r\n\r\n"],
    "a body": [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x"],
    "the last body": [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x"],
    "the length of a chunk": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"],
    "what unpacks to nothing": [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08____\x00\x03",
        b"x",
    ],
}
"""How an answer begins, and what then comes again and again."""


@pytest.mark.parametrize(("head", "drop"), DRIPS.values(), ids=DRIPS)
def test_no_answer_drips_for_ever(head: bytes, drop: bytes) -> None:
    with Dripping(head, drop) as url:
        refused = refusal(url, timeout=0.2)
    assert (refused.verdict, refused.reason) == (Verdict.PASSING, not_in_full(url))


def test_a_server_that_is_silent_is_not_waited_for(sandbox: Sandbox) -> None:
    started = time.monotonic()
    refused = page(sandbox, Fault("silent"), timeout=0.2)
    assert time.monotonic() - started < 2
    assert refused.verdict is Verdict.PASSING
    assert refused.reason == not_in_full(sandbox.url)


@pytest.mark.parametrize("kind", ["huge", "gzip_bomb"])
def test_a_body_of_more_than_16_mb_is_refused(sandbox: Sandbox, kind: str) -> None:
    refused = page(sandbox, Fault(kind))
    assert refused.verdict is Verdict.FAILED
    assert refused.reason == "the answer is larger than 16 MB"


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("reset", None, "the connection to {} was lost"),
        ("reset", "mid_body", "the connection to {} was lost"),
        ("short_body", None, "the connection to {} was lost"),
        ("bad_gzip", None, "the response could not be decompressed"),
    ],
)
def test_half_an_answer_is_passing(
    sandbox: Sandbox, kind: str, value: str | None, reason: str
) -> None:
    refused = page(sandbox, Fault(kind, value=value))
    host = sandbox.url.removeprefix("http://")
    assert (refused.verdict, refused.reason) == (Verdict.PASSING, reason.format(host))


# No connection.


def test_nobody_listening_is_passing() -> None:
    with Server(lambda _: Reply()) as gone:
        pass
    refused = refusal(gone.url)
    host = gone.url.removeprefix("http://")
    assert (refused.verdict, refused.reason, refused.advice) == (
        Verdict.PASSING,
        f"cannot reach {host} (connection refused)",
        "check network, proxy and `the_url`",
    )


def test_a_host_without_an_address_is_passing() -> None:
    refused = refusal("http://nowhere.invalid")
    assert (refused.verdict, refused.reason, refused.advice) == (
        Verdict.PASSING,
        "cannot reach nowhere.invalid (name does not resolve)",
        "check network, proxy and `the_url`",
    )


def test_a_server_without_tls_is_passing(echo: Server) -> None:
    host = echo.url.removeprefix("http://")
    refused = refusal(f"https://{host}")
    assert (refused.verdict, refused.reason) == (
        Verdict.PASSING,
        f"cannot reach {host} (no TLS connection)",
    )


# Interim answers.


@pytest.mark.parametrize("status", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_interim_answers_are_passed_over(status: bytes) -> None:
    """And the next request on the connection gets its own answer."""
    interim = b"HTTP/1.1 %s\r\nLink: </x>\r\n\r\n" % status
    body = itertools.count(1)

    def answer() -> bytes:
        number = b"%d" % next(body)
        return interim * 3 + b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + number

    with Raw(answer) as server:
        transport = Transport(server.url, "the_url", timeout=5, user_agent="a test")
        exchanges = [transport.send(Request("GET", "/")) for _ in range(3)]
    assert [(e.status, e.body) for e in exchanges] == [(200, b"1"), (200, b"2"), (200, b"3")]
    assert (server.connections, server.requests) == (1, 3)


# A connection that ends between two requests.

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_on_a_stale_connection_is_sent_once_more(method: str) -> None:
    """Each connection answers once, then reads the next request and ends."""
    with Raw(lambda: WHOLE, answers=1) as server:
        transport = Transport(server.url, "the_url", timeout=5, user_agent="a test")
        for _ in range(4):
            assert transport.send(Request(method, "/", body=b"{}")).body == b"{}"
    assert (server.connections, server.requests) == (4, 7)


def test_a_stale_connection_that_has_begun_to_answer_is_a_lost_answer() -> None:
    answers = iter([WHOLE, WHOLE[:5]])
    with Raw(lambda: next(answers), answers=2, at_once=True) as server:
        transport = Transport(server.url, "the_url", timeout=5, user_agent="a test")
        transport.send(Request("GET", "/"))
        with pytest.raises(Refused) as refused:
            transport.send(Request("GET", "/"))
    assert "was lost" in refused.value.reason
    assert server.requests == 2


def test_a_new_connection_that_ends_is_a_try() -> None:
    with Raw(lambda: WHOLE, answers=0) as server:
        refused = refusal(server.url)
    assert "was lost" in refused.reason
    assert server.requests == 1


# The environment.


def test_netrc_is_never_read(
    echo: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth(echo.url) == ("me", "secret")
    send(echo.url)
    send(echo.url, Authorization="Bearer mine")
    sent = [received.headers.get("authorization") for received in echo.received]
    assert sent == [None, "Bearer mine"]


def test_a_proxy_of_the_environment_is_used(
    echo: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", echo.url)
    assert send("http://api.invalid", "/x?y=1").status == 200
    assert [received.target for received in echo.received] == ["http://api.invalid/x?y=1"]


def test_https_goes_through_a_proxy_with_its_credentials_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Server(lambda _: Reply(502)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//me:secret@"))
        refused = refusal("https://api.invalid", Authorization="Bearer mine")
        [asked] = proxy.received
    assert refused.reason == (
        "cannot reach api.invalid (proxy: tunnel connection failed: 502 Bad Gateway)"
    )
    assert asked.target == "api.invalid:443"
    assert asked.headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
    assert "authorization" not in asked.headers


def test_no_proxy_is_honoured(echo: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert send(echo.url).status == 200


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    refused = refusal("http://api.invalid")
    assert refused.reason == "cannot reach api.invalid (proxy: connection refused)"


@pytest.mark.parametrize("variable", BUNDLES)
def test_a_ca_bundle_of_the_environment_is_used(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(TLS / "certificate.pem"))
    with Server(lambda _: Reply(), tls=True) as server:
        assert send(server.url).status == 200


@pytest.mark.parametrize(
    ("variable", "value", "error"),
    [
        ("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem", "OSError"),
        ("REQUESTS_CA_BUNDLE", __file__, "SSLError"),
        ("https_proxy", "http://", "InvalidProxyURL"),
        ("https_proxy", "socks5://me:secret@127.0.0.1:9", "InvalidSchema"),
    ],
)
def test_an_environment_that_can_not_be_used_ends_the_run(
    variable: str, value: str, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Ended) as ended:
        send("https://api.invalid")
    assert ended.value.sentence == (
        f"The environment names a proxy or a CA bundle that can't be used ({error}): "
        "check HTTPS_PROXY, ALL_PROXY, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE."
    )


def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    keyed: list[Received] = []
    with Server(lambda _: Reply(), tls=True) as server:
        refused = refusal(server.url)
        keyed.extend(server.received)
    host = server.url.removeprefix("https://")
    assert (refused.verdict, refused.reason, refused.advice) == (
        Verdict.PASSING,
        f"cannot reach {host} (certificate not accepted, self-signed certificate)",
        "check REQUESTS_CA_BUNDLE, clock, proxy and `the_url`",
    )
    assert keyed == []
