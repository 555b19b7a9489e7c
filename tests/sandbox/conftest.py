from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from sandbox import Follow, Sandbox, World
from tests.sandbox.client import Client

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


@pytest.fixture
def sandbox(sandbox: Sandbox) -> Sandbox:
    """Return the one server of the session, with this world at `NOW`."""
    sandbox.world = small_world()
    return sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with requests.Session() as session:
        client = Client(sandbox, session)
        client.fetch_token()
        yield client
