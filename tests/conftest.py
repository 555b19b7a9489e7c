"""One sandbox for all tests of the tap, and one PostgreSQL server for some."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import Clock, Sandbox, World
from tap_tiktok_following import text
from tests.harness import NOW, emptied, kill_what_is_left

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.postgres import Postgres
    from tests.warehouse import Tables, Warehouse


LONG = {"test_build", "test_meltano", "test_properties", "test_snowball", "test_truth"}


def pytest_configure() -> None:
    """Let processes of tests receive SIGHUP, even if `nohup` makes this one ignore it."""
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # processes inherit only SIG_IGN


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files of long tests first, so that no worker runs one alone at the end."""
    items.sort(key=lambda item: item.path.stem not in LONG)


@pytest.fixture(scope="session")
def server() -> Iterator[Sandbox]:
    with Sandbox(World.of({}), clock=Clock(NOW)) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End the processes of each test, and forget its secrets: others' text may have them."""
    monkeypatch.setattr(text, "_secrets", set())
    yield
    kill_what_is_left()


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    """Return the one server of the session, empty and without faults, its clock at `NOW`."""
    return emptied(server)


# Most tests need neither DuckDB nor dbt nor PostgreSQL.


@pytest.fixture(scope="session")
def story(server: Sandbox) -> Tables:
    """Return the tables of the story that the dbt models and the documentation tell."""
    from tests.dbt.story import tell  # noqa: PLC0415

    return tell(emptied(server))


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Return a DuckDB file, which the first statement makes."""
    from tests.warehouse import Warehouse  # noqa: PLC0415

    return Warehouse(str(tmp_path / "warehouse.duckdb"))


@pytest.fixture(scope="session")
def models_sql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the dbt models as plain SQL, which the first worker compiles for all."""
    from tests.dbt.project import plain_sql  # noqa: PLC0415

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path = folder / "models.sql"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.write_text(plain_sql("research", "rapidapi"), "utf-8")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    from tests.e2e.postgres import serve  # noqa: PLC0415

    with serve() as server:
        yield server
