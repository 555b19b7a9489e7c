"""A run warns before the state is too large for Meltano."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import World
from tests.harness import follows_of, run, settings

if TYPE_CHECKING:
    from sandbox import Sandbox

MEBIBYTE = 1024 * 1024


def state_of(usernames: int, size: int) -> dict[str, Any]:
    """Return a state of some bytes, divided among usernames that are not read any more."""
    padding = "x" * (size // usernames)
    partitions = [
        {"context": {"follower_username": f"u{n}"}, "padding": padding}
        for n in range(usernames)
    ]
    return {"bookmarks": {"research_following": {"partitions": partitions}}}


@pytest.mark.parametrize(
    ("buffer", "size", "words"),
    [
        (None, 34, None),
        (None, 36, "exceeds 50 MiB"),
        (400, 51, None),
        (400, 141, "exceeds 200 MiB"),
    ],
)
def test_warning_comes_once_from_seven_tenths_of_meltanos_limit(
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    buffer: int | None,
    size: int,
    words: str | None,
) -> None:
    monkeypatch.delenv("MELTANO_ELT_BUFFER_SIZE", raising=False)
    if buffer:
        monkeypatch.setenv("MELTANO_ELT_BUFFER_SIZE", str(buffer * MEBIBYTE))
    sandbox.world = World.of({"ann": []})
    ended = run(settings(sandbox, ["ann"], "research"), state_of(100, size * MEBIBYTE))
    warnings = [text for level, text in ended.log if level == "WARNING" and "`shard`" in text]
    assert [words in text for text in warnings if words] == [True] * bool(words)
    assert len(warnings) == bool(words)


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
