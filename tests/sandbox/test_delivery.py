"""Faults below HTTP, seen through a bare socket, and the server itself."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest
import requests

from sandbox import Fault, Sandbox, Scenario
from tests.harness import wait_until
from tests.sandbox.client import Client, spoil
from tests.sandbox.conftest import small_world


def connect(sandbox: Sandbox, end: str = "\r\n") -> socket.socket:
    """Return a connection over which a page is requested."""
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(request(sandbox, end))
    return connection


def request(sandbox: Sandbox, end: str = "\r\n") -> bytes:
    host = sandbox.url.removeprefix("http://")
    return (
        f"GET /api/v1/users/alice/following HTTP/1.1\r\nhost: {host}\r\n"
        f"x-rapidapi-host: {host}\r\n"
        f"x-rapidapi-key: {sandbox.config['rapidapi_key']}\r\n{end}"
    ).encode()


def read_response(connection: socket.socket) -> tuple[int, int]:
    """Return the promised length of the body, and its length until that or the end."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < promised and (more := connection.recv(65536)):
        body += more
    return promised, len(body)


def test_reset_before_the_response(sandbox: Sandbox) -> None:
    spoil(sandbox, "reset")
    with closing(connect(sandbox)) as connection, pytest.raises(ConnectionResetError):
        connection.recv(65536)


def test_reset_in_the_middle_of_the_body(sandbox: Sandbox) -> None:
    spoil(sandbox, "reset", "mid_body")
    with closing(connect(sandbox)) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(65536)


def test_body_is_shorter_than_promised(sandbox: Sandbox) -> None:
    spoil(sandbox, "short_body")
    with closing(connect(sandbox)) as connection:
        promised, length = read_response(connection)
    assert length == promised // 2


def test_body_drips_byte_by_byte(sandbox: Sandbox) -> None:
    spoil(sandbox, "drip", 0.01)
    with closing(connect(sandbox)) as connection:
        received = b""
        while not received.endswith(b"\r\n\r\n{"):
            received += connection.recv(1)
        assert len(connection.recv(65536)) < 100


def test_connection_is_kept_unless_it_is_closed_after_the_response(sandbox: Sandbox) -> None:
    with closing(connect(sandbox)) as connection:
        first = read_response(connection)
        connection.sendall(request(sandbox))
        assert read_response(connection) == first == (first[0], first[0])
        connection.settimeout(4)  # an idle connection is kept for five seconds
        spoil(sandbox, "closed_after")
        connection.sendall(request(sandbox))
        assert read_response(connection) == first
        assert connection.recv(65536) == b""


@pytest.mark.parametrize(
    ("scenario", "sent"),
    [
        (Scenario(latency=3600), b""),
        (Scenario(faults=[Fault("silent")]), b""),
        (Scenario(faults=[Fault("drip", value=3600)]), b"\r\n\r\n{"),
    ],
    ids=["latency", "silent", "drip"],
)
def test_slow_responses_delay_neither_others_nor_the_end(
    scenario: Scenario, sent: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with Sandbox(small_world(), scenario=scenario) as sandbox, requests.Session() as session:
        connection = connect(sandbox)
        wait_until(lambda: bool(sandbox.requests))
        received = b""
        while not received.endswith(sent):
            received += connection.recv(65536)
        assert Client(sandbox, session).fetch_token().status_code == 200
        connection.settimeout(0)
        with pytest.raises(BlockingIOError):
            connection.recv(65536)
    connection.close()
    assert capfd.readouterr().err == ""


def test_request_of_a_dead_client_is_not_in_the_next_log(sandbox: Sandbox) -> None:
    for _ in range(20):
        connect(sandbox).close()
        assert [r.username for r in sandbox.take_requests()] == ["alice"]


def test_client_that_dies_during_its_request_leaves_no_trace(
    capfd: pytest.CaptureFixture[str],
) -> None:
    half = "content-length: 9\r\n\r\n{"
    with Sandbox(small_world()) as sandbox, closing(connect(sandbox, half)):
        wait_until(lambda: bool(sandbox.requests))
    assert capfd.readouterr().err == ""
