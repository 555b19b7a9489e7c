"""Which lists are due, and in which order they are read."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from sandbox import Fault, Sandbox, World
from tap_tiktok_following.text import DAY, HOUR
from tests.harness import NOW, follows_of, run, settings

LISTS = ("early", "failed", "half1", "half2", "late", "new1", "new2", "paid", "read")
SKIPPED = ("private", "hidden", "unavailable", "not_found")


class Runs:
    """Runs of the tap, one after the other, each at some time by the local clock."""

    def __init__(self, sandbox: Sandbox, patch: pytest.MonkeyPatch) -> None:
        lists = {name: follows_of(name, 9) for name in LISTS}
        sandbox.world = World.of(lists, private={"private"}, hidden_lists={"hidden"})
        sandbox.world.unavailable.add("unavailable")
        failure = Fault("error", username="failed", page=2, value=[418, "", ""])
        sandbox.scenario.faults = [failure]
        self._sandbox = sandbox
        self._patch = patch
        self.state: dict[str, Any] = {}

    def run(self, names: str, at: int, **more: Any) -> list[str]:
        """Read lists so many seconds after `NOW`; return which of them were requested."""
        self._patch.setattr(time, "time", lambda: float(NOW + at))
        self._sandbox.take_requests()
        config = settings(self._sandbox, names.split(), "rapidapi", concurrency=1, **more)
        ended = run({**config, "page_size": 4}, self.state)
        assert ended.state
        self.state, self.log = ended.state, ended.text()
        self.order = list(dict.fromkeys(name for name, _ in ended.follows("rapidapi")))
        return list(dict.fromkeys(r.username for r in self._sandbox.requests if r.username))


@pytest.fixture
def runs(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(sandbox, monkeypatch)


def test_stored_then_unfinished_then_new_then_the_longest_unscanned(
    runs: Runs, tmp_path: Path
) -> None:
    """Of the unfinished ones, the longest unscanned, too; new ones as they are configured."""
    path = {"responses_path": str(tmp_path / "responses.db")}
    runs.run("paid", 0, **path)
    runs.state = {}
    for hours, name, budget in (
        (-9, "early", None),
        (-5, "private", None),
        (-4, "half2", 1),
        (-3, "failed", None),
        (-2, "half1", 1),
        (-1, "late", None),
    ):
        runs.run(name, hours * HOUR, rapidapi_max_requests=budget)
    names = "late new2 private failed half1 half2 new1 early paid"
    order = ["half2", "half1", "new2", "new1", "early", "private", "failed", "late"]
    assert runs.run(names, 0, **path) == order
    assert runs.order[0] == "paid"


@pytest.mark.parametrize(
    ("name", "hours", "days", "wait"),
    [
        ("read", 2, 7, 2 * HOUR),
        *((name, 2, 0, 2 * HOUR) for name in SKIPPED),
        *((name, 1, 7, 7 * DAY) for name in SKIPPED),
        *((name, 48, 1, 2 * DAY) for name in SKIPPED),
    ],
)
def test_skipped_list_waits_for_the_longer_of_both_settings(
    runs: Runs, name: str, hours: int, days: int, wait: int
) -> None:
    """One that was read or is unchanged waits for `rescan_after_hours` alone."""
    more = {"rescan_after_hours": hours, "retry_unavailable_after_days": days}
    runs.run(name, 0)
    for times in (1, 2):
        assert runs.run(name, times * wait - 1, **more) == []
        assert runs.run(name, times * wait, **more) == [name]


@pytest.mark.parametrize(("name", "budget"), [("failed", None), ("half1", 1)])
def test_list_that_failed_or_was_interrupted_is_always_due(
    runs: Runs, name: str, budget: int | None
) -> None:
    runs.run(name, 0, rapidapi_max_requests=budget)
    assert runs.run(name, 1, rescan_after_hours=99) == [name]


def test_scan_in_the_future_makes_no_list_wait(runs: Runs) -> None:
    """The local clock was wrong, then or now."""
    runs.run("read", DAY)
    assert runs.run("read", 0, rescan_after_hours=1) == ["read"]


def test_earliest_due_time_is_told_if_no_list_is_due(runs: Runs) -> None:
    more = {"rescan_after_hours": 2, "retry_unavailable_after_days": 1}
    runs.run("private read", 0)
    assert runs.run("private read", HOUR, **more) == []
    assert "no list is due; the next one is at 2023-11-16 04:00 UTC" in runs.log
