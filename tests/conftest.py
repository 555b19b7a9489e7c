"""One sandbox for all tests of the tap, and one PostgreSQL server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandbox import Clock, Sandbox, Scenario, World
from tests.dbt.project import Driver
from tests.e2e.postgres import serve
from tests.harness import NOW, kill_what_is_left

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.postgres import Postgres


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


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """One process with dbt, which shares what it parses with those of other workers."""
    folder = tmp_path_factory.mktemp("dbt")
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    driver = Driver(folder, folder.parents[1] if is_worker else folder)
    yield driver
    driver.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with serve() as server:
        if server is None:
            reason = "there is no PostgreSQL, neither from a wheel nor from Debian's package"
            assert not os.environ.get("CI"), reason
            pytest.skip(reason)
        yield server
