from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from sandbox import Clock, Follow, Sandbox, Scenario, World
from tests.sandbox.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_700_100_000
FIRST = 1_700_000_000


def small_world() -> World:
    """Return a world in which alice follows n0 (the oldest) to n9, ten seconds apart."""
    return World.of(
        {
            "alice": [Follow(f"n{place}", at=FIRST + 10 * place) for place in range(10)],
            "dave": [],
        },
        private={"eve"},
        hidden_lists={"trent"},
        unavailable={"mallory"},
    )


@pytest.fixture(scope="session")
def server() -> Iterator[Sandbox]:
    with Sandbox(small_world()) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    """Return the one server of the session, with a world and a scenario of its own."""
    server.clock = Clock(NOW)
    server.world = small_world()
    server.scenario = Scenario()
    server.take_requests()
    return server


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with requests.Session() as session:
        client = Client(sandbox, session)
        client.fetch_token()
        sandbox.take_requests()
        yield client
