"""The wheel of the tap, and an end to what tests have left running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import kill_what_is_left
from tests.e2e.targets import uv


@pytest.fixture(autouse=True)
def _no_command_left() -> Iterator[None]:
    yield
    kill_what_is_left()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tap's wheel, built from this source."""
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", folder)
    [built] = folder.glob("*.whl")
    return built
