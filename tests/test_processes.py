"""Real processes: signals, kills, pipes that close or block, and exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import (
    PROVIDERS,
    Run,
    bookmark,
    command,
    entry,
    environment,
    finish,
    follows_of,
    pages_asked,
    settings,
    start,
    truth,
    wait_until,
)

if TYPE_CHECKING:
    from sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and pipes are POSIX's")

LIMIT = 5.0
"""Seconds in which a process that is told to stop has to end."""

SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130)]
each_signal = pytest.mark.parametrize(
    ("signum", "code"), SIGNALS, ids=[signum.name for signum, _ in SIGNALS]
)
each_provider = pytest.mark.parametrize("provider", PROVIDERS)

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")

NO_TRACE = ("Traceback", "BrokenPipe", "Exception ignored", "error of this tap")


def stop(process: subprocess.Popen[str], signum: signal.Signals) -> Run:
    """Send a signal; the process has to end in time."""
    told = time.monotonic()
    process.send_signal(signum)
    ended = finish(process, within=20)
    assert time.monotonic() - told < LIMIT
    return ended


def check_stopped(ended: Run, signum: signal.Signals, code: int) -> None:
    assert ended.exit_code == code
    assert signum.name in ended.last_line
    assert not any(words in ended.stderr for words in NO_TRACE)
    assert ended.messages[-1]["type"] == "STATE"


# Killed without warning.


def test_killed_in_the_middle_of_a_list_and_resumed_from_the_last_state(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Sixty pages; only those since the last state that got out are read again."""
    sandbox.world = World.of(
        {"long": follows_of("long", 541), "short": follows_of("short", 4)}
    )
    sandbox.scenario = Scenario(latency=0.15)
    config = settings(
        sandbox, ["long", "short"], "research", page_size=10, revisit_after_hours=1
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


# Told to stop, whatever is going on.

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
def test_a_signal_ends_every_wait(
    sandbox: Sandbox,
    tmp_path: Path,
    provider: str,
    signum: signal.Signals,
    code: int,
    faults: list[Fault],
    more: dict[str, Any],
) -> None:
    """In time, with the state written, and the next run goes on from there."""
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
    assert entry(ended.state, provider, "long")["resume"]["cursor"] == asked[1].cursor

    sandbox.scenario = Scenario()
    sandbox.requests.clear()
    after = finish(start(tmp_path, {**config, "concurrency": 1}, ended.state))
    first = next(request for request in sandbox.requests if request.provider == provider)
    assert (first.username, first.cursor) == ("long", asked[1].cursor)
    sent = [*ended.follows(provider), *after.follows(provider)]
    assert sorted(sent) == sorted(truth(sandbox, "long", "short"))


def test_requests_in_flight_when_a_signal_comes_are_counted(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Of a list whose second page does not come, and of one whose first does not."""
    sandbox.world = World.of({name: follows_of(name, 5) for name in ("ann", "ben")})
    sandbox.scenario = Scenario(
        faults=[
            Fault("silent", username="ann", page=2),
            Fault("silent", username="ben", page=1),
        ]
    )
    process = start(tmp_path, settings(sandbox, ["ann", "ben"], "research", page_size=3))
    wait_until(lambda: len([r for r in sandbox.requests if r.username]) == 3)
    ended = stop(process, signal.SIGTERM)
    rows = ended.scans("research")
    told = {name: (row["outcome"], row["requests"]) for name, row in rows.items()}
    assert told == {"ann": ("interrupted", 2), "ben": ("interrupted", 1)}


@each_signal
def test_a_signal_while_the_token_endpoint_is_silent(
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


def test_a_signal_during_the_first_provider_is_not_followed_by_the_second(
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


def test_a_second_signal_changes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    sandbox.scenario = Scenario(faults=[Fault("silent", page=2)])
    process = start(tmp_path, settings(sandbox, ["ann"], "rapidapi", page_size=4))
    wait_until(lambda: len(pages_asked(sandbox, "rapidapi", "ann")) == 2)
    process.send_signal(signal.SIGTERM)
    ended = stop(process, signal.SIGTERM)
    check_stopped(ended, signal.SIGTERM, 143)
    assert "resume" in entry(ended.state, "rapidapi", "ann")


# A target that does not read.


def much(sandbox: Sandbox, tmp_path: Path) -> subprocess.Popen[str]:
    """A tap whose stdout is full, since nobody reads it."""
    names = [f"user{number}" for number in range(8)]
    sandbox.world = World.of({name: follows_of(name, 3000) for name in names})
    process = start(tmp_path, settings(sandbox, names, "rapidapi"))
    counts: list[int] = []

    def stands_still() -> bool:
        counts.append(len(sandbox.requests))
        return len(counts) > 25 and counts[-25] == counts[-1] > 0

    wait_until(stands_still)
    assert process.poll() is None
    return process


def test_a_target_that_does_not_read_holds_the_crawl(sandbox: Sandbox, tmp_path: Path) -> None:
    """A few pages a worker are in memory, not the whole world."""
    process = much(sandbox, tmp_path)
    assert len(sandbox.requests) < 60
    ended = finish(process)
    assert ended.exit_code == 0
    assert len(ended.follows("rapidapi")) == 8 * 3000


@each_signal
def test_a_signal_while_stdout_is_blocked(
    sandbox: Sandbox, tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    process = much(sandbox, tmp_path)
    told = time.monotonic()
    process.send_signal(signum)
    assert process.wait(timeout=20) == code
    assert time.monotonic() - told < LIMIT
    ended = finish(process)
    assert signum.name in ended.last_line
    assert not any(words in ended.stderr for words in NO_TRACE)


def test_a_target_that_reads_on_after_a_signal_gets_the_state(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    process = much(sandbox, tmp_path)
    ended = stop(process, signal.SIGTERM)
    check_stopped(ended, signal.SIGTERM, 143)
    sent = ended.follows("rapidapi")
    assert len(sent) == len(set(sent))
    partitions = ended.state["bookmarks"]["rapidapi_following"]["partitions"]
    told = sum(p["resume"]["accounts_sent"] for p in partitions if "resume" in p)
    whole = sum(3000 for p in partitions if "replication_key_value" in p)
    assert told + whole == len(sent)


# A target that dies.


def test_a_pipe_that_is_closed(sandbox: Sandbox, tmp_path: Path) -> None:
    """`tap | head -n 5`."""
    sandbox.world = World.of({"ann": follows_of("ann", 5000)})
    sandbox.scenario = Scenario(latency=0.05)
    config = settings(sandbox, ["ann"], "rapidapi", page_size=50)
    with start(tmp_path, config) as tap:
        with subprocess.Popen(
            ["/usr/bin/env", "head", "-n", "5"], stdin=tap.stdout, stdout=subprocess.PIPE
        ) as head:
            assert tap.stdout is not None
            tap.stdout.close()
            shown, _ = head.communicate(timeout=30)
            closed = time.monotonic()
        assert tap.stderr is not None
        log = tap.stderr.read()
        code = tap.wait(timeout=20)
    assert time.monotonic() - closed < LIMIT
    ended = Run(code, shown.decode(), log)
    assert len(ended.messages) == 5
    assert ended.exit_code == 1
    assert "target" in ended.last_line
    assert not any(words in ended.stderr for words in NO_TRACE)
    assert len(pages_asked(sandbox, "rapidapi", "ann")) < 100


def test_a_pipe_that_is_closed_while_the_server_is_silent(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Noticed at the next write: here, of the state after the list failed."""
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    sandbox.scenario = Scenario(faults=[Fault("silent", page=2)])
    config = settings(
        sandbox, ["ann"], "rapidapi", page_size=4, request_timeout=1, max_tries=1
    )
    process = start(tmp_path, config)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    log = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=20) == 1
    assert "target" in Run(1, "", log).last_line
    assert not any(words in log for words in NO_TRACE)


def run_on_a_full_disk(
    arguments: list[str], stream: Literal["stdout", "stderr"]
) -> subprocess.CompletedProcess[str]:
    """Run a command one of whose outputs has no room; the other one is a pipe."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        outputs: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.run(
            arguments,
            env=environment(),
            encoding="utf-8",
            timeout=60,
            check=False,
            **{**outputs, stream: full},
        )


@needs_full
def test_a_full_disk(sandbox: Sandbox, tmp_path: Path) -> None:
    """`tap > file`, and nothing more fits."""
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    config = settings(sandbox, ["ann"], "rapidapi")
    ended = run_on_a_full_disk(command(tmp_path, config), "stdout")
    assert ended.returncode == 1
    assert "No space left" in Run(1, "", ended.stderr).last_line
    assert not any(words in ended.stderr for words in NO_TRACE)


@needs_full
def test_a_log_that_cannot_be_written(sandbox: Sandbox, tmp_path: Path) -> None:
    """Costs no record."""
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    config = settings(sandbox, ["ann"], "rapidapi")
    ended = run_on_a_full_disk(command(tmp_path, config), "stderr")
    assert set(Run(0, ended.stdout, "").follows("rapidapi")) == truth(sandbox, "ann")
    assert ended.returncode == 0


# Exit codes, and the sentence that goes with them.

ENDINGS = [
    pytest.param([], {}, 0, "", id="all is well"),
    pytest.param([Fault("status", username="bad")], {}, 1, "bad", id="a failed username"),
    pytest.param(
        [Fault("status", username="bad")],
        {"on_username_failure": "continue"},
        0,
        "bad",
        id="a failed username, continue",
    ),
    pytest.param([Fault("retry_after", value="900")], {}, 75, "quota", id="quota"),
    pytest.param(
        [Fault("retry_after", value="900")],
        {"on_quota_exhausted": "stop"},
        0,
        "quota",
        id="quota, stop",
    ),
    pytest.param(
        [],
        {"rapidapi_max_requests": 1, "research_max_requests": 1},
        0,
        "max_requests",
        id="budget",
    ),
    pytest.param([], {"rapidapi_key": "wrong"}, 1, "rapidapi_key", id="wrong key"),
    pytest.param(
        [], {"research_client_secret": "wrong"}, 1, "research_client_secret", id="wrong secret"
    ),
    pytest.param([], {"page_size": 0}, 1, "`page_size`", id="a wrong setting"),
    pytest.param([], {"rapidapi_key": 12345678}, 1, "`rapidapi_key`", id="a key as a number"),
    pytest.param([], {"rapidapi_key": ["k3y"]}, 1, "`rapidapi_key`", id="a key as a list"),
]


@pytest.mark.parametrize(("faults", "more", "code", "said"), ENDINGS)
def test_exit_codes_and_the_last_line(
    sandbox: Sandbox,
    tmp_path: Path,
    faults: list[Fault],
    more: dict[str, Any],
    code: int,
    said: str,
) -> None:
    sandbox.world = World.of({"good": follows_of("good", 3), "bad": follows_of("bad", 3)})
    sandbox.scenario = Scenario(faults=faults)
    ended = finish(start(tmp_path, settings(sandbox, ["bad", "good"], **more)))
    assert ended.exit_code == code
    assert said in ended.last_line
    assert not any(words in ended.stderr for words in NO_TRACE)
    if code:
        assert ended.log[-1][0] == "ERROR"
        assert ended.last_line.endswith(".")


@each_provider
def test_one_provider_s_trouble_does_not_stop_the_other(
    sandbox: Sandbox, tmp_path: Path, provider: str
) -> None:
    """Its rows and its state are as if it had run alone."""
    other = next(name for name in PROVIDERS if name != provider)
    names = ["ann", "ben"]
    sandbox.world = World.of({name: follows_of(name, 12) for name in names})
    fault = Fault("error", provider=provider, value=[401, None, "no"])  # type: ignore[arg-type]
    sandbox.scenario = Scenario(faults=[fault])
    ended = finish(start(tmp_path, settings(sandbox, names, page_size=4)))
    assert ended.exit_code == 1
    assert ended.follows(provider) == []
    assert set(ended.follows(other)) == truth(sandbox, *names)
    assert {row["outcome"] for row in ended.scans(other).values()} == {"complete"}
    assert all(bookmark(ended.state, other, name) for name in names)
    assert ended.last_line.startswith(f"{provider}_following: ")
    order = [message.get("stream") for message in ended.messages]
    assert order.index(f"{other}_following") < order.index(f"{other}_scans")


@pytest.mark.parametrize("variable", ["PYTHONUNBUFFERED", "PYTHONIOENCODING"])
def test_stdout_is_whole_lines_of_utf_8_however_python_is_started(
    sandbox: Sandbox, tmp_path: Path, variable: str
) -> None:
    value = {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "latin-1"}[variable]
    sandbox.world = World.of({"ann": follows_of("ann", 400)})
    account = sandbox.world.accounts["ann.0"]
    sandbox.world.accounts["ann.0"] = type(account)(
        **{**vars(account), "display_name": "\N{SNOWMAN}\N{GRINNING FACE}\u202eabc"}
    )
    config = settings(sandbox, ["ann"], "rapidapi")
    ended = finish(start(tmp_path, config, **{variable: value}))
    first = ended.records("rapidapi_following")[0]
    assert ended.exit_code == 0
    assert len(ended.follows("rapidapi")) == 400
    assert first["display_name"] == "\N{SNOWMAN}\N{GRINNING FACE}\u202eabc"


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
