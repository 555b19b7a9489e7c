"""A person is warned before Meltano takes no more of the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import World
from tap_tiktok_following.state_size import MEBIBYTE, warning
from tests.harness import follows_of, run, settings

if TYPE_CHECKING:
    from sandbox import Sandbox


def state_of(usernames: int) -> dict[str, Any]:
    partitions = [{"context": {"follower_username": f"u{n}"}} for n in range(usernames)]
    streams = ("research_following", "rapidapi_following")
    return {"bookmarks": {stream: {"partitions": partitions} for stream in streams}}


@pytest.fixture(autouse=True)
def _no_buffer_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MELTANO_ELT_BUFFER_SIZE", raising=False)


@pytest.mark.parametrize(
    ("told", "size", "sentence"),
    [
        (None, 34.9, ""),
        (None, 35, "The state of 200 usernames is 35 MiB, * exceeds 50 MiB, * 285 usernames"),
        (None, 60, "The state of 200 usernames is 60 MiB, * exceeds 50 MiB, * 166 usernames"),
        (str(400 * MEBIBYTE), 60, ""),
        (str(400 * MEBIBYTE), 140, "* is 140 MiB, * exceeds 200 MiB, * 285 usernames"),
        ("much", 34.9, ""),
        ("0", 35, "* exceeds 50 MiB, *"),
    ],
)
def test_from_seven_tenths_of_what_meltano_takes(
    monkeypatch: pytest.MonkeyPatch, told: str | None, size: float, sentence: str
) -> None:
    if told is not None:
        monkeypatch.setenv("MELTANO_ELT_BUFFER_SIZE", told)
    said = warning(int(size * MEBIBYTE), state_of(200))
    if not sentence:
        assert said == ""
    for part in sentence.split("*"):
        assert part in said


def test_a_run_warns_once_and_before_its_first_request(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MELTANO_ELT_BUFFER_SIZE", "5000")
    sandbox.world = World.of({"ann": follows_of("ann", 300)})
    ended = run(settings(sandbox, ["ann"]), state_of(100))
    warned = [text for level, text in ended.log if level == "WARNING" and "`shard`" in text]
    assert len(warned) == 1
    assert "MELTANO_ELT_BUFFER_SIZE" in warned[0]
    texts = [text for _, text in ended.log]
    first_provider = next(n for n, text in enumerate(texts) if "at least" in text)
    assert texts.index(warned[0]) < first_provider
