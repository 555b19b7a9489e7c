"""Runs that are killed, stopped, or at the same time."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import (
    Run,
    entry,
    finish,
    follows_of,
    pages_asked,
    settings,
    start,
    truth,
    wait_until,
)

if os.name == "nt":
    pytest.skip("signals are POSIX's", allow_module_level=True)

from tests.stopping import stop

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox


def test_killed_run_is_continued_from_the_last_state(sandbox: Sandbox, tmp_path: Path) -> None:
    """Sixty pages: what was sent before that state is neither requested nor sent again."""
    sandbox.world = World.of(
        {"long": follows_of("long", 538), "short": follows_of("short", 4)}
    )
    silence = Fault("silent", username="long", page=40)
    sandbox.scenario = Scenario(latency=0.1, faults=[silence])
    config = settings(
        sandbox, ["long", "short"], "research", page_size=10, rescan_after_hours=1
    )
    process = start(tmp_path, config)
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not is_state_of("long", lines[-1]):
        lines.append(process.stdout.readline())
    process.kill()
    rest = finish(process)
    before = Run(rest.exit_code, "".join(lines), rest.stderr)
    assert rest.exit_code == -signal.SIGKILL

    sandbox.scenario = Scenario()
    sandbox.take_requests()
    after = finish(start(tmp_path, config, before.state))
    assert after.exit_code == 0
    first, then = before.follows("research"), after.follows("research")
    assert sorted(first + then) == sorted(truth(sandbox, "long", "short"))
    pages = sum(name == "long" for name, _ in first) // 9
    assert 0 < pages < 40
    assert len(pages_asked(sandbox, "research", "long")) == 60 - pages
    assert pages_asked(sandbox, "research", "short") == []
    scans = after.scans("research")
    assert {scans[name]["outcome"] for name in ("long", "short")} == {"complete"}
    assert scans["long"]["accounts_sent"] == 538
    times = {r["scanned_at"] for r in before.records("research_following")}
    assert scans["long"]["scanned_at"] in times


def is_state_of(username: str, line: str) -> bool:
    """Return whether a message is a state with an entry of this username."""
    return bool(entry(json.loads(line).get("value", {}), "research", username))


def test_states_never_run_ahead_of_records(sandbox: Sandbox, tmp_path: Path) -> None:
    """Whatever state a target saved, a run from it completes what came before it."""
    names = ["ann", "ben", "cat"]
    sandbox.world = World.of({name: follows_of(name, 12) for name in names})
    sandbox.scenario = Scenario(faults=[Fault("silent", username="cat", page=4)])
    config = settings(sandbox, names, "rapidapi", page_size=3)
    process = start(tmp_path, config)
    wait_until(lambda: len(pages_asked(sandbox, "rapidapi", "cat")) == 4)
    ended = stop(process, signal.SIGTERM)
    sandbox.scenario = Scenario()
    for number, message in enumerate(ended.messages):
        if message["type"] != "STATE":
            continue
        saved = {
            (m["record"]["follower_username"], m["record"]["username"])
            for m in ended.messages[:number]
            if m["type"] == "RECORD" and m["stream"] == "rapidapi_following"
        }
        after = finish(start(tmp_path, config, message["value"]))
        assert saved | set(after.follows("rapidapi")) == truth(sandbox, *names)


def test_two_runs_at_once_do_not_disturb_each_other(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 300)})
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    config = settings(sandbox, ["ann"], "research", page_size=20)
    processes = [start(folder, config) for folder in folders]
    for process in processes:
        ended = finish(process)
        assert ended.exit_code == 0
        assert set(ended.follows("research")) == truth(sandbox, "ann")
    assert os.listdir(folders[0]) == ["config.json"]  # noqa: PTH208 - nothing else is left
