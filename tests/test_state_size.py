"""A run warns before the state is too large for Meltano."""

from __future__ import annotations

import json
import re

import pytest

from sandbox import Sandbox, World
from tests.harness import follows_of, run, settings


@pytest.mark.parametrize(
    ("buffer", "size", "says"),
    [
        ("", 35.1, ["50 MiB, which is about 142 usernames"]),
        ("2097152", 0.69, []),
        ("2097152", 0.71, ["1 MiB, which is about 139 usernames"]),
    ],
)
def test_warning_comes_once_from_seven_tenths_of_meltanos_limit(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    buffer: str,
    size: float,
    says: list[str],
) -> None:
    monkeypatch.setenv("MELTANO_ELT_BUFFER_SIZE", buffer)
    sandbox.world = World.of({"ann": []})
    padding = "x" * int(size * 1024 * 1024 / 100)
    entries = [
        {"context": {"follower_username": f"user{n}"}, "padding": padding} for n in range(100)
    ]
    state = {"bookmarks": {"research_following": {"partitions": entries}}}
    ended = run(settings(sandbox, ["ann"], "research"), state)
    assert re.findall("whose state exceeds (.+): split", ended.text("WARNING")) == says


@pytest.mark.parametrize(
    ("length", "every", "limit", "most"),
    [
        pytest.param(500, 6 * 3600, {}, 1200, id="most lists"),
        pytest.param(2000, 60, {}, 8000, id="more than 100 follows a day"),
        pytest.param(500, 6 * 3600, {"research_max_requests": 2}, 3000, id="unfinished"),
    ],
)
def test_username_takes_about_a_kilobyte(
    sandbox: Sandbox, length: int, every: int, limit: dict[str, int], most: int
) -> None:
    sandbox.world = World.of({"a.user.name": follows_of("a.user.name", length, every=every)})
    state = run(settings(sandbox, ["a.user.name"], "research", **limit)).state
    assert len(json.dumps(state, separators=(",", ":"))) < most
