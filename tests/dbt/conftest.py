"""What the tests of the dbt package share: what the tap made of the story."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox, World
from tests.dbt.story import tell

if TYPE_CHECKING:
    from tests.dbt.project import Tables


@pytest.fixture(scope="session")
def told() -> Tables:
    with Sandbox(World.of({})) as sandbox:
        return tell(sandbox)


@pytest.fixture
def story(told: Tables) -> Tables:
    """The tables at the end of the story, for a test to change."""
    return deepcopy(told)
