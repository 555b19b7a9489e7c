"""Killed without warning, and two at once."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

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
from tests.stopping import stop

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from sandbox import Sandbox


def test_killed_in_the_middle_of_a_list_and_resumed_from_the_last_state(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Sixty pages; only those since the last state that got out are read again."""
    sandbox.world = World.of(
        {"long": follows_of("long", 541), "short": follows_of("short", 4)}
    )
    sandbox.scenario = Scenario(latency=0.15)
    config = settings(
        sandbox, ["long", "short"], "research", page_size=10, rescan_after_hours=1
    )
    process = start(tmp_path, config)
    lines = read_until_a_state_of(process, "long")
    seen = len(pages_asked(sandbox, "research", "long"))
    wait_until(lambda: len(pages_asked(sandbox, "research", "long")) >= seen + 5)
    process.kill()
    rest = finish(process)
    before = Run(rest.exit_code, "".join(lines) + rest.stdout, rest.stderr)
    paid = len(pages_asked(sandbox, "research", "long"))
    assert before.exit_code == -signal.SIGKILL
    assert paid < 60

    sandbox.scenario = Scenario()
    sandbox.requests.clear()
    after = finish(start(tmp_path, config, before.state))
    resume = entry(before.state, "research", "long")["resume"]
    asked = pages_asked(sandbox, "research", "long")
    sent = {*before.follows("research"), *after.follows("research")}
    assert after.exit_code == 0
    assert sent == truth(sandbox, "long", "short")
    assert asked[0].cursor == resume["cursor"]
    assert len(asked) == 60 - resume["requests"]
    assert resume["requests"] >= seen - 2  # the state speaks of everything that was out
    assert pages_asked(sandbox, "research", "short") == []
    scans = after.scans("research")
    assert {name: row["outcome"] for name, row in scans.items()} == dict.fromkeys(
        ("long", "short"), "complete"
    )
    times = {row["scanned_at"] for row in before.records("research_following")}
    assert scans["long"]["scanned_at"] in times
    assert scans["long"]["accounts_sent"] == 541


def read_until_a_state_of(process: subprocess.Popen[str], username: str) -> list[str]:
    """The lines up to the first state that says where this username's scan stands."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        message = json.loads(line)
        if "resume" in entry(message.get("value", {}), "research", username):
            return lines
    raise AssertionError(lines)


def test_states_never_run_ahead_of_records(sandbox: Sandbox, tmp_path: Path) -> None:
    """Whatever state a target kept, a run from it completes what came before it."""
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
        kept = {
            (m["record"]["follower_username"], m["record"]["username"])
            for m in ended.messages[:number]
            if m["type"] == "RECORD" and m["stream"] == "rapidapi_following"
        }
        after = finish(start(tmp_path, config, message["value"]))
        assert kept | set(after.follows("rapidapi")) == truth(sandbox, *names)


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
