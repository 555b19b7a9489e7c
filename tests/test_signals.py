"""SIGTERM, SIGINT and SIGHUP end a run in time, whatever it is doing."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import (
    bare,
    bookmark,
    command,
    entry,
    finish,
    follows_of,
    pages_asked,
    settings,
    start,
    truth,
    wait_until,
)
from tests.stopping import check_stopped, each_signal, stop

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox


WAITS = [
    pytest.param([Fault("silent", username="long", page=2)], {}, id="silent server"),
    pytest.param([Fault("drip", username="long", page=2, value=3)], {}, id="slow body"),
    pytest.param(
        [Fault("retry_after", username="long", page=2, value="250")], {}, id="shared pause"
    ),
    pytest.param(
        [Fault("status", username="long", page=2)], {"max_tries": 20}, id="backoff of a worker"
    ),
]


@pytest.mark.parametrize(("faults", "more"), WAITS)
@pytest.mark.parametrize(
    ("provider", "signum", "code"),
    [("research", signal.SIGTERM, 143), ("rapidapi", signal.SIGINT, 130)],
    ids=["research-SIGTERM", "rapidapi-SIGINT"],
)
def test_signal_ends_every_wait_and_the_next_run_continues(
    sandbox: Sandbox,
    tmp_path: Path,
    provider: str,
    signum: signal.Signals,
    code: int,
    faults: list[Fault],
    more: dict[str, Any],
) -> None:
    sandbox.world = World.of({"long": follows_of("long", 12), "short": follows_of("short", 3)})
    sandbox.scenario = Scenario(faults=faults)
    config = settings(sandbox, ["short", "long"], provider, page_size=4, **more)
    process = start(tmp_path, config)
    wait_until(lambda: len(pages_asked(sandbox, provider, "long")) >= 2)
    ended = stop(process, signum)
    check_stopped(ended, signum, code)
    scans = ended.scans(provider)
    assert scans["short"]["outcome"] == "complete"
    assert scans["long"]["outcome"] == "interrupted"
    assert signum.name in scans["long"]["reason"]
    assert bookmark(ended.state, provider, "short") is not None
    assert bookmark(ended.state, provider, "long") is None
    asked = pages_asked(sandbox, provider, "long")
    assert entry(ended.state, provider, "long")["progress"]["cursor"] == asked[1].cursor
    assert scans["long"]["requests"] == len(asked)

    sandbox.scenario = Scenario()
    sandbox.take_requests()
    after = finish(start(tmp_path, {**config, "concurrency": 1}, ended.state))
    first = next(request for request in sandbox.requests if request.provider == provider)
    assert (first.username, first.cursor) == ("long", asked[1].cursor)
    sent = [*ended.follows(provider), *after.follows(provider)]
    assert sorted(sent) == sorted(truth(sandbox, "long", "short"))


@each_signal
def test_signal_while_the_token_endpoint_is_silent(
    sandbox: Sandbox, tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    sandbox.world = World.of({f"user{n}": follows_of(f"user{n}", 3) for n in range(12)})
    sandbox.scenario = Scenario(faults=[Fault("silent", provider="token")])
    process = start(tmp_path, settings(sandbox, [f"user{n}" for n in range(12)], "research"))
    wait_until(lambda: bool(sandbox.requests))
    ended = stop(process, signum)
    assert ended.exit_code == code
    assert signum.name in ended.last_line
    assert [request.provider for request in sandbox.requests] == ["token"]


def test_second_provider_is_not_started_after_a_signal(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    sandbox.scenario = Scenario(faults=[Fault("silent")])
    process = start(tmp_path, settings(sandbox, ["ann"]))
    wait_until(lambda: any(request.username for request in sandbox.requests))
    ended = stop(process, signal.SIGTERM)
    assert ended.exit_code == 143
    assert len({request.provider for request in sandbox.requests} - {"token"}) == 1
    assert "SIGTERM" in ended.last_line


def test_second_signal_changes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    sandbox.scenario = Scenario(faults=[Fault("silent", page=2)])
    process = start(tmp_path, settings(sandbox, ["ann"], "rapidapi", page_size=4))
    wait_until(lambda: len(pages_asked(sandbox, "rapidapi", "ann")) == 2)
    process.send_signal(signal.SIGTERM)
    ended = stop(process, signal.SIGTERM)
    check_stopped(ended, signal.SIGTERM, 143)
    assert "progress" in entry(ended.state, "rapidapi", "ann")


AT_THE_END = """
import atexit, os, signal, sys
def late():
    os.kill(os.getpid(), signal.{name})
    print("alarm in", signal.getitimer(signal.ITIMER_REAL)[0], file=sys.stderr)
atexit.register(late)
from tap_tiktok_following.__main__ import main
main()
"""


@each_signal
def test_signal_while_python_ends_changes_nothing(
    sandbox: Sandbox, tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    """What is set here goes off when there is no handler any more."""
    sandbox.world = World.of({"ann": follows_of("ann", 3)})
    _, _, _, *arguments = command(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    ended = subprocess.run(
        [sys.executable, "-c", AT_THE_END.format(name=signum.name), *arguments],
        env=bare(),
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert ended.returncode == 0, f"not {code}: the run was over"
    assert ended.stderr.splitlines()[-1] == "alarm in 0.0"


def test_requests_of_a_scan_without_a_page_are_counted(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    sandbox.scenario = Scenario(faults=[Fault("silent")])
    process = start(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    wait_until(lambda: bool(sandbox.requests))
    ended = stop(process, signal.SIGTERM)
    row = ended.scans("rapidapi")["ann"]
    assert (row["outcome"], row["requests"]) == ("interrupted", 1)
    assert entry(ended.state, "rapidapi", "ann").get("progress") is None


def test_run_under_nohup_outlives_its_terminal(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    sandbox.scenario = Scenario(latency=0.2)
    config = settings(sandbox, ["ann"], "rapidapi", page_size=4)
    process = subprocess.Popen(
        ["/usr/bin/env", "nohup", *command(tmp_path, config)],
        env=bare(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    wait_until(lambda: bool(sandbox.requests))
    process.send_signal(signal.SIGHUP)
    ended = finish(process)
    assert ended.exit_code == 0
    assert set(ended.follows("rapidapi")) == truth(sandbox, "ann")
