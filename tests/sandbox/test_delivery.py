"""Faults below HTTP, looked at through a bare socket."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sandbox import Fault, Sandbox, Scenario
from tests.sandbox.conftest import small_world

if TYPE_CHECKING:
    from sandbox.scenario import FaultKind


def asked(sandbox: Sandbox, end: str = "\r\n") -> socket.socket:
    """A connection over which a page has been asked for."""
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)), timeout=5)
    connection.sendall(request(sandbox, end))
    return connection


def request(sandbox: Sandbox, end: str = "\r\n") -> bytes:
    host = sandbox.url.removeprefix("http://")
    return (
        f"GET /api/v1/users/alice/following HTTP/1.1\r\nhost: {host}\r\n"
        f"x-rapidapi-host: {host}\r\n"
        f"x-rapidapi-key: {sandbox.config['rapidapi_key']}\r\n{end}"
    ).encode()


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """The length that an answer promises, and the body until that or the end."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < promised and (more := connection.recv(65536)):
        body += more
    return promised, body


def spoil(sandbox: Sandbox, kind: FaultKind, value: object = None) -> None:
    sandbox.scenario = Scenario(faults=[Fault(kind, value=value)])


def test_a_reset_before_the_answer(sandbox: Sandbox) -> None:
    spoil(sandbox, "reset")
    with closing(asked(sandbox)) as connection, pytest.raises(ConnectionResetError):
        connection.recv(65536)


def test_a_reset_in_the_middle_of_the_body(sandbox: Sandbox) -> None:
    spoil(sandbox, "reset", "mid_body")
    with closing(asked(sandbox)) as connection:
        first = connection.recv(65536)
        assert first.startswith(b"HTTP/1.1 200 OK\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(65536)


def test_a_body_shorter_than_promised(sandbox: Sandbox) -> None:
    spoil(sandbox, "short_body")
    with closing(asked(sandbox)) as connection:
        promised, body = read_answer(connection)
    assert len(body) == promised // 2


def test_a_silent_server_never_answers(sandbox: Sandbox) -> None:
    spoil(sandbox, "silent")
    with closing(asked(sandbox)) as connection:
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(65536)


def test_a_dripping_body_comes_byte_by_byte(sandbox: Sandbox) -> None:
    spoil(sandbox, "drip", 0.1)
    with closing(asked(sandbox)) as connection:
        connection.settimeout(1)
        received = [connection.recv(65536) for _ in range(4)]
    assert [len(piece) for piece in received[-2:]] == [1, 1]


def test_a_kept_connection_is_closed_after_the_answer(sandbox: Sandbox) -> None:
    spoil(sandbox, "closed_after")
    with closing(asked(sandbox)) as connection:
        promised, body = read_answer(connection)
        assert len(body) == promised
        assert connection.recv(65536) == b""


def test_a_good_connection_is_kept(sandbox: Sandbox) -> None:
    with closing(asked(sandbox)) as connection:
        first = read_answer(connection)
        connection.sendall(request(sandbox))
        assert read_answer(connection)[0] == first[0]


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(latency=60),
        Scenario(faults=[Fault("silent")]),
        Scenario(faults=[Fault("drip", value=60)]),
    ],
    ids=["latency", "silent", "drip"],
)
def test_the_sandbox_stops_at_once_whoever_still_waits(scenario: Scenario) -> None:
    with Sandbox(small_world(), scenario=scenario) as sandbox:
        connection = asked(sandbox)
        while not sandbox.requests:
            time.sleep(0.01)
        stopping = time.monotonic()
    connection.close()
    assert time.monotonic() - stopping < 1


def test_a_client_that_dies_in_the_middle_of_its_request_leaves_no_trace(
    capfd: pytest.CaptureFixture[str],
) -> None:
    half = "content-length: 9\r\n\r\n{"
    with Sandbox(small_world()) as sandbox, closing(asked(sandbox, half)):
        while not sandbox.requests:
            time.sleep(0.01)
    assert capfd.readouterr().err == ""
