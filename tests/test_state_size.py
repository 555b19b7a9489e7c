"""A run warns before the state is too large for Meltano."""

from __future__ import annotations

import json

import pytest

from sandbox import Sandbox, World
from tests.harness import follows_of, run, settings

MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("buffer", "size", "says"),
    [
        (None, 35.1, "a run whose state exceeds 50 MiB"),
        (2, 0.69, None),
        (2, 0.71, "exceeds 1 MiB, which is about 139 usernames"),
    ],
)
def test_warning_comes_once_from_seven_tenths_of_meltanos_limit(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    buffer: int | None,
    size: float,
    says: str | None,
) -> None:
    monkeypatch.delenv("MELTANO_ELT_BUFFER_SIZE", raising=False)
    if buffer:
        monkeypatch.setenv("MELTANO_ELT_BUFFER_SIZE", str(buffer * MEBIBYTE))
    sandbox.world = World.of({"ann": []})
    padding = "x" * int(size * MEBIBYTE / 100)
    entries = [
        {"context": {"follower_username": f"user{n}"}, "padding": padding} for n in range(100)
    ]
    state = {"bookmarks": {"research_following": {"partitions": entries}}}
    ended = run(settings(sandbox, ["ann"], "research"), state)
    warnings = [text for level, text in ended.log if level == "WARNING" and "`shard`" in text]
    assert [says in text for text in warnings if says] == [True] * bool(says)
    assert len(warnings) == bool(says)


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
