"""A run that is killed."""

from __future__ import annotations

from pathlib import Path

from sandbox import Fault, Sandbox, Scenario, World
from tests.harness import (
    KILLED,
    Run,
    bookmark,
    finish,
    follows_of,
    pages_asked,
    run,
    settings,
    start,
    truth,
)


def test_killed_run_is_continued_from_the_last_state(sandbox: Sandbox, tmp_path: Path) -> None:
    """What was sent before that state is neither requested nor sent again."""
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
    while '"STATE"' not in "".join(lines[-1:]) or '"long"' not in lines[-1]:
        lines.append(next(process.stdout))
    process.kill()
    assert finish(process).exit_code == KILLED
    before = Run(0, "".join(lines), "")
    assert bookmark(before.state, "research", "short") is not None
    assert bookmark(before.state, "research", "long") is None

    sandbox.scenario = Scenario()
    sandbox.take_requests()
    after = run(config, before.state)
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
