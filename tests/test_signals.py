"""SIGTERM, SIGINT and SIGHUP end a run in time, whatever it is doing; SIGKILL loses little."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox import Fault, Sandbox, Scenario, World
from tap_tiktok_following.tap import TapTikTokFollowing
from tests.harness import (
    Run,
    bookmark,
    command,
    entry,
    finish,
    follows_of,
    launch,
    pages_asked,
    run,
    settings,
    start,
    truth,
    wait_until,
)
from tests.stopping import check_stopped, start_after, stop

WAITS = {
    "silent": Fault("silent", username="silent", page=2),
    "slow": Fault("drip", username="slow", page=2, value=3),
    "retried": Fault("status", username="retried", page=2),
}
PAUSE = {"paused": Fault("retry_after", username="paused", page=2, value="250")}


@pytest.mark.parametrize(
    ("provider", "faults", "signum"),
    [
        ("research", WAITS, signal.SIGTERM),
        ("rapidapi", WAITS, signal.SIGINT),
        ("rapidapi", PAUSE, signal.SIGHUP),
    ],
    ids=["waits of research", "waits of rapidapi", "shared pause"],
)
def test_signal_ends_every_wait_and_the_next_run_continues(
    sandbox: Sandbox,
    tmp_path: Path,
    provider: str,
    faults: dict[str, Fault],
    signum: signal.Signals,
) -> None:
    names = ["short", *faults]
    lists = {name: follows_of(name, 12) for name in faults}
    sandbox.world = World.of({"short": follows_of("short", 3), **lists})
    sandbox.scenario = Scenario(faults=list(faults.values()))
    config = settings(sandbox, names, provider, page_size=4, max_tries=20)
    process = start(tmp_path, config)
    wait_until(lambda: all(len(pages_asked(sandbox, provider, n)) >= 2 for n in faults))
    wait_until(lambda: any(r.status for r in pages_asked(sandbox, provider, "short")))
    ended = stop(process, signum)
    check_stopped(ended, signum)
    scans = ended.scans(provider)
    assert scans["short"]["outcome"] == "complete"
    assert bookmark(ended.state, provider, "short") is not None
    asked = {name: pages_asked(sandbox, provider, name) for name in faults}
    for name in faults:
        row = scans[name]
        assert (row["outcome"], row["requests"]) == ("interrupted", len(asked[name]))
        assert signum.name in row["reason"]
        assert bookmark(ended.state, provider, name) is None

    sandbox.scenario = Scenario()
    sandbox.take_requests()
    after = run(config, ended.state)
    for name in faults:
        assert pages_asked(sandbox, provider, name)[0].cursor == asked[name][1].cursor
    sent = [*ended.follows(provider), *after.follows(provider)]
    assert sorted(sent) == sorted(truth(sandbox, *names))


def test_signal_during_the_first_request_starts_no_other_and_a_second_one_changes_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Not even those of the other provider; the request that was sent is counted."""
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    sandbox.scenario = Scenario(faults=[Fault("silent")])
    process = start(tmp_path, settings(sandbox, ["ann"]))
    wait_until(lambda: any(request.username for request in sandbox.requests))
    process.send_signal(signal.SIGINT)
    ended = stop(process, signal.SIGTERM)
    check_stopped(ended, signal.SIGINT)
    (asked,) = [request.provider for request in sandbox.requests if request.username]
    row = ended.scans(asked)["ann"]
    assert (row["outcome"], row["requests"]) == ("interrupted", 1)
    assert entry(ended.state, asked, "ann").get("progress") is None


SIGNALS_AT_THE_END = """
import atexit, os, signal, sys
def late():
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(os.getpid(), signum)
    print("alarm in", signal.getitimer(signal.ITIMER_REAL)[0], file=sys.stderr)
atexit.register(late)
"""


def test_signal_while_python_ends_changes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    """What is set here goes off when there is no handler any more."""
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    config = settings(sandbox, ["ann"], "rapidapi")
    ended = finish(start_after(SIGNALS_AT_THE_END, tmp_path, config))
    assert ended.exit_code == 0
    assert ended.last_line == "alarm in 0.0"


SIGNAL_DURING_IMPORTS = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == "singer_sdk":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
"""


def test_ctrl_c_while_python_starts_shows_no_stack_trace(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    config = settings(sandbox, ["ann"], "rapidapi")
    ended = finish(start_after(SIGNAL_DURING_IMPORTS, tmp_path, config))
    assert ended == Run(-signal.SIGINT, "", "")


def test_tap_can_be_made_in_another_thread_which_handles_no_signals(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(TapTikTokFollowing, config=settings(sandbox, ["ann"])).result()


def test_run_under_nohup_outlives_its_terminal(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    sandbox.scenario = Scenario(latency=0.5)
    words = command(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    process = launch(["/usr/bin/env", "nohup", *words])
    wait_until(lambda: bool(sandbox.requests))
    ended = stop(process, signal.SIGHUP)
    assert ended.exit_code == 0
    assert set(ended.follows("rapidapi")) == truth(sandbox, "ann")


def test_killed_run_is_continued_from_the_last_state(sandbox: Sandbox, tmp_path: Path) -> None:
    """What was sent before that state is neither requested nor sent again."""
    sandbox.world = World.of(
        {"long": follows_of("long", 538), "short": follows_of("short", 4)}
    )
    silence = Fault("silent", username="long", page=40)
    sandbox.scenario = Scenario(latency=0.1, faults=[silence])
    names = ["long", "short"]
    config = settings(sandbox, names, "research", page_size=10, rescan_after_hours=1)
    process = start(tmp_path, config)
    assert process.stdout is not None
    lines: list[str] = []
    while '"STATE"' not in "".join(lines[-1:]) or '"long"' not in lines[-1]:
        lines.append(next(process.stdout))
    process.kill()
    assert finish(process).exit_code == -signal.SIGKILL
    before = Run(0, "".join(lines), "")
    assert bookmark(before.state, "research", "short") is not None
    assert bookmark(before.state, "research", "long") is None

    sandbox.scenario = Scenario()
    sandbox.take_requests()
    after = run(config, before.state)
    first, then = before.follows("research"), after.follows("research")
    assert sorted(first + then) == sorted(truth(sandbox, *names))
    pages = sum(name == "long" for name, _ in first) // 9
    assert 0 < pages < 40
    assert len(pages_asked(sandbox, "research", "long")) == 60 - pages
    assert pages_asked(sandbox, "research", "short") == []
    scans = after.scans("research")
    assert {scans[name]["outcome"] for name in names} == {"complete"}
    assert scans["long"]["accounts_sent"] == 538
