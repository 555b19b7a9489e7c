"""What the tests of the dbt package share: a process with dbt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dbt.project import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    driver = Driver(tmp_path_factory.mktemp("dbt"))
    yield driver
    driver.stop()
