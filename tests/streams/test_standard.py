"""The SDK: its standard tests of a tap, its release, and how often we write its states."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox import Clock, Sandbox, World
from tap_tiktok_following.streams.following import pause_after_state
from tap_tiktok_following.tap import TapTikTokFollowing
from tests.documents import ROOT
from tests.harness import NOW, follows_of, settings

CONFIG: dict[str, Any] = {"usernames": ["ann", "ben"], "rapidapi_key": "of-no-sandbox-yet"}

# A run with a limit of records reads one page and visits nobody to the end.
WITHOUT_ROWS = SuiteConfig(ignore_no_records_for_streams=["rapidapi_scans"])

StandardTests = get_tap_test_class(
    TapTikTokFollowing, config=CONFIG, suite_config=WITHOUT_ROWS, parse_env_config=False
)


@pytest.fixture(scope="class")
def serving() -> Iterator[None]:
    world = World.of({"ann": follows_of("ann", 150), "ben": []})
    with Sandbox(world, clock=Clock(NOW)) as sandbox:
        CONFIG.update(settings(sandbox, CONFIG["usernames"], "rapidapi"))
        yield


@pytest.mark.usefixtures("serving")
class TestTapTikTokFollowing(StandardTests):  # type: ignore[misc, valid-type]
    """Both streams of one provider: the other's differ in the schema only."""


def test_overrides_were_read_in_the_pinned_release() -> None:
    pins = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    assert re.findall(r"^singer-sdk\S*==([\w.]+)", pins, re.MULTILINE) == ["0.54.9"], (
        "Read the overrides in streams/base.py, tap.py and output.py again in the new release."
    )


@pytest.mark.parametrize(
    ("size", "took", "pause"), [(1000, 0.01, 2), (1000, 3, 60), (50_000_000, 0.3, 150)]
)
def test_writing_states_takes_at_most_a_twentieth_of_the_time(
    size: int, took: float, pause: float
) -> None:
    """Of the tap's own time; a target takes ten times as long."""
    assert pause_after_state(size, took) == pytest.approx(pause)
