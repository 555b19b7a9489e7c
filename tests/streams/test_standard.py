"""The SDK's standard tests of a tap, against the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox import Clock, Sandbox, World
from tap_tiktok_following.tap import TapTikTokFollowing
from tests.harness import NOW, QUICK, follows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG: dict[str, Any] = {
    **QUICK,
    "usernames": ["ann", "ben"],
    "research_access_token": "replaced-when-the-sandbox-is-there",
    "rapidapi_key": "replaced-too",
}

StandardTests = get_tap_test_class(
    TapTikTokFollowing,
    config=CONFIG,
    suite_config=SuiteConfig(
        # A run with a limit of records reads one page and visits nobody to the end.
        ignore_no_records_for_streams=["research_scans", "rapidapi_scans"],
    ),
    parse_env_config=False,
)


@pytest.fixture(scope="class")
def serving() -> Iterator[None]:
    world = World.of({"ann": follows_of("ann", 150), "ben": []})
    with Sandbox(world, clock=Clock(NOW)) as sandbox:
        CONFIG.pop("research_access_token", None)
        CONFIG.update(sandbox.config)
        yield


@pytest.mark.usefixtures("serving")
class TestTapTikTokFollowing(StandardTests):  # type: ignore[misc, valid-type]
    """All four streams."""
