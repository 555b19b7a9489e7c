"""A state that version 0.1.0 wrote is gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Scenario, World
from tap_tiktok_following.text import DAY
from tests.harness import NOW, bookmark, entry, follows_of, run, settings, truth

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.harness import Run

NAMES = ("done", "half", "broken", "hidden.later", "first.page")
STATE = Path(__file__).parents[1] / "fixtures" / "state_of_0.1.0.json"
FIRST_SCAN = "2023-11-16T01:59:59+00:00"

SENT = {
    "done": 12,
    "half": 5,
    "broken": 3,
    "hidden.later": 5,
    "first.page": 3,
}
"""How many of its 12 follows each had sent when the state was written, with pages of 3."""


@pytest.fixture
def lists(sandbox: Sandbox) -> Sandbox:
    """The lists a day later, each with a new follow on top; page 2 of one still fails."""
    sandbox.world = World.of({name: follows_of(name, 12, every=DAY) for name in NAMES})
    sandbox.scenario = Scenario(faults=[Fault("status", username="broken", page=2, value=500)])
    read(sandbox, {}, "broken")  # so that the sandbox knows which page is the second
    sandbox.clock.advance(DAY)
    for name in NAMES:
        sandbox.world.follow(name, f"{name}.new", at=NOW + 60)
    return sandbox


def read(sandbox: Sandbox, state: dict[str, Any], *names: str, **more: Any) -> Run:
    return run(settings(sandbox, names or NAMES, "research", page_size=3, **more), state)


def test_a_state_of_an_earlier_version_is_gone_on_with(lists: Sandbox) -> None:
    before = json.loads(STATE.read_text(encoding="utf-8"))
    sent = {(name, f"{name}.{place}") for name in NAMES for place in range(SENT[name])}
    first = read(lists, before)
    outcomes = {name: row["outcome"] for name, row in first.scans("research").items()}
    assert outcomes == dict.fromkeys(NAMES, "complete") | {"broken": "failed"}
    rows = first.scans("research")
    assert rows["half"]["scanned_at"] == rows["first.page"]["scanned_at"] == FIRST_SCAN
    assert rows["hidden.later"]["scanned_at"] > FIRST_SCAN
    assert first.follows("research", "done") == [("done", "done.new")]
    assert (rows["done"]["requests"], rows["half"]["requests"]) == (1, 6)
    sent |= set(first.follows("research"))

    second = read(lists, first.state)
    assert second.follows("research", "broken") == [("broken", "broken.new")]
    assert second.scans("research")["broken"]["outcome"] == "failed"
    sent |= set(second.follows("research"))
    lists.scenario = Scenario()
    third = read(lists, second.state)
    sent |= set(third.follows("research"))
    assert sent == truth(lists, *NAMES)
    assert third.scans("research")["broken"]["outcome"] == "complete"
    assert bookmark(third.state, "research", "broken") is not None
    assert entry(third.state, "research", "broken").keys().isdisjoint({"stuck", "top"})


def test_it_comes_back_while_answers_wait(lists: Sandbox, tmp_path: Path) -> None:
    """A run that goes on with it dies; the next one sends the same rows."""
    before = json.loads(STATE.read_text(encoding="utf-8"))
    config = {"responses_path": str(tmp_path / "file.answers"), "rescan_after_hours": 12}
    first = read(lists, before, **config)
    lists.requests.clear()
    second = read(lists, before, **config)
    assert {r.username for r in lists.requests if r.username} == {"broken"}
    rows = [
        sorted(map(json.dumps, ended.records("research_following")))
        for ended in (first, second)
    ]
    assert rows[0] == rows[1]
