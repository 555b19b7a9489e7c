"""One sandbox for all tests of the tap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Clock, Sandbox, Scenario, World
from tests.harness import NOW, kill_what_is_left

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server() -> Iterator[Sandbox]:
    with Sandbox(World.of({}), clock=Clock(NOW)) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _no_process_left() -> Iterator[None]:
    yield
    kill_what_is_left()


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    """The one server of the session, empty and well-behaved, its clock at `NOW`."""
    server.clock = Clock(NOW)
    server.world = World.of({})
    server.scenario = Scenario()
    server.requests.clear()
    return server
