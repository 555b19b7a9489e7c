"""One HTTP request over real sockets: what is sent, what fails, and within what limits."""

from __future__ import annotations

import gzip
import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox import Fault, World
from tap_tiktok_following.errors import Ended, Failed, NoPage, Transient
from tap_tiktok_following.http import Transport
from tests.harness import NOW, follows_of
from tests.server import TLS, Dripping, Raw, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox
    from tap_tiktok_following.model import RawResponse

PATH = "/api/v1/users/ann/following"

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*PROXIES, *map(str.upper, PROXIES), *BUNDLES, "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def echo() -> Iterator[Server]:
    with Server(lambda _: Reply()) as server:
        yield server


def transport(url: str, timeout: float = 5) -> Transport:
    return Transport(url, "the_url", timeout=timeout, user_agent="a test")


def send(url: str, path: str = "/", *, timeout: float = 5, **headers: str) -> RawResponse:
    return transport(url, timeout).send(requests.Request("GET", url + path, headers))


def get(server: Server | Raw) -> requests.Request:
    return requests.Request("GET", server.url)


def failure(url: str, path: str = "/", *, timeout: float = 5, **headers: str) -> NoPage:
    with pytest.raises(NoPage) as caught:
        send(url, path, timeout=timeout, **headers)
    return caught.value


def spoiled(sandbox: Sandbox, fault: Fault, timeout: float = 5) -> NoPage:
    """How the request for a page fails under a fault."""
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    sandbox.scenario.faults.append(fault)
    key = {"x-rapidapi-key": sandbox.config["rapidapi_key"], "x-rapidapi-host": host(sandbox)}
    return failure(sandbox.url, PATH, timeout=timeout, **key)


def host(server: Sandbox | Server) -> str:
    return server.url.rpartition("/")[2]


# A response.


def test_response_and_its_times_by_the_providers_clock() -> None:
    headers = {"Date": "Thu, 16 Nov 2023 02:00:00 GMT", "X-Left": "7"}
    before = int(time.time())
    with Server(lambda _: Reply(404, b"{1}", headers)) as server:
        response = send(server.url)
    assert (response.status, response.body, response.headers["x-left"]) == (404, b"{1}", "7")
    assert (response.until, NOW - response.as_of) in {(NOW, 0), (NOW, 1)}
    assert before <= response.came_at <= time.time()


@pytest.mark.parametrize(
    "date",
    [
        "Thu, 16 Nov 2023 02:00:00 GMT",
        "Thursday, 16-Nov-23 02:00:00 GMT",
        "Thu Nov 16 02:00:00 2023",
    ],
)
def test_date_is_utc_in_all_forms_of_http(date: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        with Server(lambda _: Reply(headers={"Date": date})) as server:
            assert send(server.url).until == NOW
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("date", [None, "", "soon", "Wed, 99 Nov 2023 02:00:00 GMT"])
def test_without_a_readable_date_the_local_clock_counts(date: str | None) -> None:
    headers = {} if date is None else {"Date": date}
    before = int(time.time())
    with Server(lambda _: Reply(headers=headers)) as server:
        response = send(server.url)
    assert before <= response.as_of <= response.until == response.came_at <= time.time()


def test_compressed_body_is_decompressed() -> None:
    packed = Reply(body=gzip.compress(b"{2}"), headers={"Content-Encoding": "gzip"})
    with Server(lambda _: packed) as server:
        assert send(server.url).body == b"{2}"


def test_user_agent_is_sent(echo: Server) -> None:
    send(echo.url)
    assert echo.received[0].headers["user-agent"] == "a test"


def test_cookies_are_not_sent_back() -> None:
    with Server(lambda _: Reply(headers={"Set-Cookie": "track=me; Path=/"})) as server:
        one = transport(server.url)
        one.send(get(server))
        one.send(get(server))
    assert len(server.received) == 2
    assert not any("cookie" in received.headers for received in server.received)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_fails_and_no_key_reaches_another_host(status: int, echo: Server) -> None:
    elsewhere = Reply(status, headers={"Location": f"{echo.url}/stolen"})
    with Server(lambda _: elsewhere) as server:
        error = failure(server.url)
    assert isinstance(error, Failed)
    assert error.reason == f"redirects are not followed (HTTP {status})"
    assert echo.received == []


def test_body_of_a_redirect_is_not_read() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 9000000\r\n\r\n"
    with Dripping(head, b"x") as url:
        assert "redirects are not followed" in failure(url, timeout=2).reason


# Limits.


DRIPS = {
    "status line": [b"HTTP/1.1 200 ", b"x"],
    "header line": [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"],
    "header lines": [b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n"],
    "continues": [b"", b"HTTP/1.1 100 Continue\r\n\r\n"],
    "body": [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x"],
    "last body": [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x"],
    "length of a chunk": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"],
    "what decompresses to nothing": [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08____\x00\x03",
        b"x",
    ],
}
"""How a response begins, and what then comes again and again."""


@pytest.mark.parametrize(("head", "drop"), DRIPS.values(), ids=DRIPS)
def test_response_that_drips_is_cut_off(head: bytes, drop: bytes) -> None:
    with Dripping(head, drop) as url:
        error = failure(url, timeout=0.2)
    assert isinstance(error, Transient)
    assert error.reason == f"{url.rpartition('/')[2]} did not respond in full within 0.2 s"


def test_silent_server_is_not_waited_for(sandbox: Sandbox) -> None:
    error = spoiled(sandbox, Fault("silent"), timeout=0.2)
    assert isinstance(error, Transient)
    assert error.reason == f"{host(sandbox)} did not respond in full within 0.2 s"


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_request_after_a_late_response_is_a_normal_one(
    *, tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(TLS / "certificate.pem"))
    over = threading.Event()
    holds = [lambda: over.wait(30), over.is_set]

    def reply(_: object) -> Reply:
        holds.pop(0)()
        return Reply()

    with Server(reply, tls=tls) as server:
        one = transport(server.url, 1)
        with pytest.raises(Transient, match="did not respond in full within 1 s"):
            one.send(get(server))
        assert one.send(get(server)).body == b"{}"
        over.set()


@pytest.mark.parametrize("kind", ["huge", "gzip_bomb"])
def test_body_of_more_than_16_mb_fails(sandbox: Sandbox, kind: str) -> None:
    error = spoiled(sandbox, Fault(kind))
    assert isinstance(error, Failed)
    assert error.reason == "the response is larger than 16 MB"


# Lost responses.


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("reset", None, "the connection to {} was lost"),
        ("reset", "mid_body", "the connection to {} was lost"),
        ("short_body", None, "the connection to {} was lost"),
        ("bad_gzip", None, "the response could not be decompressed"),
    ],
)
def test_incomplete_response_is_transient(
    sandbox: Sandbox, kind: str, value: str | None, reason: str
) -> None:
    error = spoiled(sandbox, Fault(kind, value=value))
    assert isinstance(error, Transient)
    assert error.reason == reason.format(host(sandbox))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_request_on_a_stale_connection_is_not_sent_again(method: str) -> None:
    """Each connection answers once, then reads the next request and ends."""
    with Raw(lambda: WHOLE, answers=1) as server:
        one = transport(server.url)
        one.send(requests.Request(method, server.url, data=b"{}"))
        with pytest.raises(Transient, match="was lost"):
            one.send(requests.Request(method, server.url, data=b"{}"))
        assert server.requests == 2
        assert one.send(requests.Request(method, server.url, data=b"{}")).body == b"{}"


@pytest.mark.parametrize("status", [b"102 Processing", b"103 Early Hints"])
def test_response_after_an_interim_one_is_never_given_to_another_request(
    status: bytes,
) -> None:
    answers = iter([b"HTTP/1.1 %s\r\n\r\n" % status + WHOLE, WHOLE.replace(b"{}", b"[]")])
    with Raw(lambda: next(answers)) as server:
        one = transport(server.url)
        with pytest.raises(Transient, match="interim"):
            one.send(get(server))
        assert one.send(get(server)).body == b"[]"
    assert server.connections == 2


def test_100_continue_is_passed_over() -> None:
    with Raw(lambda: b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE) as server:
        assert send(server.url).body == b"{}"


# No connection.


def test_unreachable_provider_is_one_sentence() -> None:
    with Server(lambda _: Reply()) as gone:
        pass
    error = failure(gone.url)
    assert isinstance(error, Transient)
    assert error.reason == f"cannot reach {host(gone)} (connection refused)"
    assert error.advice == "check network, proxy and `the_url`"


def test_host_without_an_address_is_one_sentence() -> None:
    error = failure("http://nowhere.invalid")
    assert error.reason == "cannot reach nowhere.invalid (name does not resolve)"


def test_server_without_tls_is_one_sentence(echo: Server) -> None:
    error = failure(f"https://{host(echo)}")
    assert error.reason == f"cannot reach {host(echo)} (no TLS connection)"


def test_certificate_that_is_not_trusted_gets_no_request() -> None:
    with Server(lambda _: Reply(), tls=True) as server:
        error = failure(server.url)
    assert server.received == []
    assert isinstance(error, Transient)
    assert error.reason == (
        f"cannot reach {host(server)} (certificate not accepted, self-signed certificate)"
    )
    assert error.advice == "check REQUESTS_CA_BUNDLE, clock, proxy and `the_url`"


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


def test_proxy_of_the_environment_is_used(
    echo: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", echo.url)
    assert send("http://api.invalid", "/x?y=1").status == 200
    assert [received.target for received in echo.received] == ["http://api.invalid/x?y=1"]


def test_proxy_for_https_gets_its_own_credentials_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Server(lambda _: Reply(502)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//me:secret@"))
        error = failure("https://api.invalid", Authorization="Bearer mine")
        [asked] = proxy.received
    assert error.reason == (
        "cannot reach api.invalid (proxy: tunnel connection failed: 502 Bad Gateway)"
    )
    assert asked.target == "api.invalid:443"
    assert asked.headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
    assert "authorization" not in asked.headers


def test_no_proxy_is_honoured(echo: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert send(echo.url).status == 200


def test_unreachable_proxy_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    reason = failure("http://api.invalid").reason
    assert reason == "cannot reach api.invalid (proxy: connection refused)"


@pytest.mark.parametrize("variable", BUNDLES)
def test_ca_bundle_of_the_environment_is_used(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(TLS / "certificate.pem"))
    with Server(lambda _: Reply(), tls=True) as server:
        assert send(server.url).status == 200


@pytest.mark.parametrize(
    ("variable", "value", "error"),
    [
        ("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem", "FileNotFoundError"),
        ("REQUESTS_CA_BUNDLE", __file__, "SSLError"),
        ("https_proxy", "http://", "InvalidProxyURL"),
        ("https_proxy", "socks5://me:secret@127.0.0.1:9", "InvalidSchema"),
    ],
)
def test_unusable_environment_ends_the_run_before_any_request(
    variable: str, value: str, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Ended) as ended:
        transport("https://api.invalid")
    assert ended.value.sentence == (
        f"The environment names a proxy or a CA bundle that cannot be used ({error}): "
        "check HTTPS_PROXY, ALL_PROXY, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE; a SOCKS proxy "
        "needs the package PySocks."
    )
