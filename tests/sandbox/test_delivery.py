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
    address = sandbox.url.removeprefix("http://")
    host, _, port = address.partition(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(
        f"GET /api/v1/users/alice/following HTTP/1.1\r\nhost: {address}\r\n"
        f"x-rapidapi-host: {address}\r\n"
        f"x-rapidapi-key: {sandbox.config['rapidapi_key']}\r\n{end}".encode()
    )
    return connection


@pytest.mark.parametrize(("where", "sent"), [(None, b""), ("mid_body", b'{"meta":{"')])
def test_connection_is_reset(sandbox: Sandbox, where: str | None, sent: bytes) -> None:
    spoil(sandbox, "reset", where)
    with closing(connect(sandbox)) as connection:
        if sent:
            assert sent in connection.recv(65536)
        with pytest.raises(ConnectionResetError):
            connection.recv(65536)


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(Scenario(latency=3600), id="latency"),
        pytest.param(Scenario(faults=[Fault("silent")]), id="silent"),
    ],
)
def test_slow_responses_and_dead_clients_delay_neither_others_nor_the_end(
    scenario: Scenario, capfd: pytest.CaptureFixture[str]
) -> None:
    with Sandbox(small_world(), scenario=scenario) as sandbox, requests.Session() as session:
        connect(sandbox, "content-length: 9\r\n\r\n{").close()
        connection = connect(sandbox)
        wait_until(lambda: len(sandbox.requests) == 2)
        assert Client(sandbox, session).fetch_token().status_code == 200
        connection.settimeout(0)
        with pytest.raises(BlockingIOError):
            connection.recv(65536)
    connection.close()
    assert capfd.readouterr().err == ""
