"""stdout and stderr that block, close or are full: whole lines, a state, one sentence."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import termios
import time
from array import array
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault, Scenario, World
from tests.harness import (
    Run,
    bare,
    command,
    finish,
    follows_of,
    pages_asked,
    settings,
    start,
    truth,
    wait_until,
)
from tests.stopping import LIMIT, NO_TRACE, check_stopped, each_signal, stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


def check_no_trace(log: str) -> None:
    assert not any(words in log for words in NO_TRACE)


# Messages.


def test_messages_are_lines_of_utf_8_in_order_and_states_follow_their_records(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    name = "\N{SNOWMAN}\N{GRINNING FACE}\u202e \u05d0\u0628 a\nb"
    sandbox.world = World.of({"ann": follows_of("ann", 700)})
    account = sandbox.world.accounts["ann.0"]
    changed = {"display_name": name, "followers": 2**63 - 1}
    sandbox.world.accounts["ann.0"] = type(account)(**{**vars(account), **changed})
    config = settings(sandbox, ["ann"], "rapidapi")
    variables = {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "latin-1"}
    ended = finish(start(tmp_path, config, **variables))
    assert ended.exit_code == 0
    assert ended.stdout.count("\n") == len(ended.messages)
    records = ended.records("rapidapi_following")
    assert [record["position"] for record in records] == list(range(1, 701))
    assert (records[0]["display_name"], records[0]["followers"]) == (name, 2**63 - 1)
    assert ended.messages[-1]["type"] == "STATE"
    assert all(one != another for one, another in pairwise(ended.states))


# A target that does not read.


def much(sandbox: Sandbox, tmp_path: Path) -> subprocess.Popen[str]:
    """A tap whose stdout is full, since nobody reads it."""
    names = [f"user{number}" for number in range(8)]
    sandbox.world = World.of({name: follows_of(name, 3000) for name in names})
    process = start(tmp_path, settings(sandbox, names, "rapidapi"))
    wait_until(stands_still(lambda: len(sandbox.requests)))
    assert process.poll() is None
    return process


def stands_still(figure: Callable[[], int]) -> Callable[[], bool]:
    """A condition: a figure has risen, and rises no more."""
    figures: list[int] = []

    def is_so() -> bool:
        figures.append(figure())
        return len(figures) > 25 and figures[-25] == figures[-1] > 0

    return is_so


def unread(pipe: int) -> int:
    """Bytes that were written to a pipe and nobody has read."""
    count = array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def read_slowly(process: subprocess.Popen[str], per_second: int) -> Run:
    """Read all of stdout at a limited rate, and all of stderr."""
    assert process.stdout is not None
    stdout = b""
    while piece := os.read(process.stdout.fileno(), 4096):
        stdout += piece
        time.sleep(len(piece) / per_second)
    _, stderr = process.communicate()
    return Run(process.returncode, stdout.decode(), stderr)


def check_state_covers_rows(ended: Run) -> None:
    sent = ended.follows("rapidapi")
    assert len(sent) == len(set(sent))
    partitions = ended.state["bookmarks"]["rapidapi_following"]["partitions"]
    unfinished = sum(p["progress"]["sent"] for p in partitions if "progress" in p)
    whole = sum(3000 for p in partitions if "replication_key_value" in p)
    assert unfinished + whole == len(sent)


def test_target_that_does_not_read_holds_the_run(sandbox: Sandbox, tmp_path: Path) -> None:
    """A few pages per worker are in memory, not the whole world."""
    process = much(sandbox, tmp_path)
    assert len(sandbox.requests) < 60
    ended = finish(process)
    assert ended.exit_code == 0
    assert len(ended.follows("rapidapi")) == 8 * 3000


@each_signal
def test_signal_ends_a_blocked_write(
    sandbox: Sandbox, tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    process = much(sandbox, tmp_path)
    process.send_signal(signum)
    assert process.wait(timeout=LIMIT) == code
    ended = finish(process)
    assert signum.name in ended.last_line
    check_no_trace(ended.stderr)


@pytest.mark.parametrize("per_second", [100_000, 100_000_000])
def test_target_that_reads_on_after_a_signal_gets_whole_lines_and_the_state(
    sandbox: Sandbox, tmp_path: Path, per_second: int
) -> None:
    """What the workers have read ahead would take the slow one longer than there is time."""
    process = much(sandbox, tmp_path)
    process.send_signal(signal.SIGTERM)
    ended = read_slowly(process, per_second)
    check_stopped(ended, signal.SIGTERM, 143)
    check_state_covers_rows(ended)


def test_kill_cuts_no_line(sandbox: Sandbox, tmp_path: Path) -> None:
    process = much(sandbox, tmp_path)
    process.kill()
    stdout, _ = process.communicate()
    assert stdout.endswith("\n")
    assert all(json.loads(line) for line in stdout.splitlines())


@pytest.mark.parametrize("is_read", [True, False])
def test_long_line_is_finished_only_while_the_target_reads_it(
    sandbox: Sandbox, tmp_path: Path, *, is_read: bool
) -> None:
    """A state that does not fit into a pipe, half of which is out at the signal."""
    partitions = [{"context": {"follower_username": f"user{n}"}} for n in range(10_000)]
    state = {"bookmarks": {"rapidapi_following": {"partitions": partitions}}}
    process = start(tmp_path, settings(sandbox, ["ann"], "rapidapi"), state)
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    wait_until(stands_still(lambda: unread(pipe)))
    process.send_signal(signal.SIGTERM)
    if is_read:
        ended = read_slowly(process, 90_000)
        check_stopped(ended, signal.SIGTERM, 143)
        assert ended.states[0] == state
    else:
        assert process.wait(timeout=LIMIT) == 143
        process.communicate()


# Pipes that do not block, or are closed.


def test_stdout_and_stderr_that_do_not_block_are_waited_for(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3000)})
    pipes = [os.pipe(), os.pipe()]
    for _, write in pipes:
        os.set_blocking(write, False)
    process = subprocess.Popen(
        command(tmp_path, settings(sandbox, ["ann"], "rapidapi")),
        env=bare(TAP_TIKTOK_FOLLOWING_LOGLEVEL="DEBUG"),
        stdout=pipes[0][1],
        stderr=pipes[1][1],
    )
    with process:
        for _, write in pipes:
            os.close(write)
        wait_until(stands_still(lambda: sum(unread(read) for read, _ in pipes)))
        log = subprocess.Popen(
            ["/usr/bin/env", "cat"],
            stdin=pipes[1][0],
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        with os.fdopen(pipes[0][0], encoding="utf-8") as file:
            stdout = file.read()
        stderr, _ = log.communicate()
        os.close(pipes[1][0])
        ended = Run(process.wait(timeout=LIMIT), stdout, stderr)
    assert ended.exit_code == 0
    assert set(ended.follows("rapidapi")) == truth(sandbox, "ann")
    check_no_trace(ended.stderr)


def closed(arguments: list[str], output: str) -> Run:
    """Run a command with one of its outputs closed, as in `tap >&-`."""
    ended = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {output}&-', "sh", *arguments],
        env=bare(),
        encoding="utf-8",
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Run(ended.returncode, ended.stdout, ended.stderr)


def test_closed_stdout_is_refused_before_any_request(sandbox: Sandbox, tmp_path: Path) -> None:
    ended = closed(command(tmp_path, settings(sandbox, ["ann"], "rapidapi")), ">")
    assert ended.exit_code == 1
    assert ended.last_line.startswith("stdout is closed")
    check_no_trace(ended.stderr)
    assert sandbox.requests == []


def test_closed_stderr_costs_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    """Nor does the file of responses get its number, and its text."""
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    more = {"responses_path": str(tmp_path / "responses")}
    ended = closed(command(tmp_path, settings(sandbox, ["ann"], "rapidapi", **more)), "2>")
    assert ended.exit_code == 0
    assert set(ended.follows("rapidapi")) == truth(sandbox, "ann")


def test_target_that_dies_ends_the_run_in_one_sentence(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """`tap | head -n 5`."""
    sandbox.world = World.of({"ann": follows_of("ann", 5000)})
    sandbox.scenario = Scenario(latency=0.05)
    with start(tmp_path, settings(sandbox, ["ann"], "rapidapi", page_size=50)) as tap:
        with subprocess.Popen(
            ["/usr/bin/env", "head", "-n", "5"], stdin=tap.stdout, stdout=subprocess.PIPE
        ) as head:
            assert tap.stdout is not None
            tap.stdout.close()
            shown, _ = head.communicate(timeout=30)
        assert tap.stderr is not None
        log = tap.stderr.read()
        ended = Run(tap.wait(timeout=LIMIT), shown.decode(), log)
    assert (ended.exit_code, len(ended.messages)) == (1, 5)
    assert ended.last_line == (
        "The target stopped reading: see its log; the next run continues from the last saved "
        "state."
    )
    check_no_trace(ended.stderr)
    assert len(pages_asked(sandbox, "rapidapi", "ann")) < 100


# Full disks.


def full(arguments: list[str], output: str) -> Run:
    """Run a command one of whose outputs has no room; the other one is a pipe."""
    with Path("/dev/full").open("w", encoding="utf-8") as disk:
        files: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        files[output] = disk
        ended = subprocess.run(
            arguments, env=bare(), encoding="utf-8", timeout=60, check=False, **files
        )
    return Run(ended.returncode, ended.stdout or "", ended.stderr or "")


@needs_full
@pytest.mark.parametrize("option", ["", "--discover", "--about"])
def test_full_disk_ends_the_run_in_one_sentence(
    sandbox: Sandbox, tmp_path: Path, option: str
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    arguments = command(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    ended = full([*arguments, option] if option else arguments, "stdout")
    assert ended.exit_code == 1
    assert "No space left" in ended.last_line
    check_no_trace(ended.stderr)


@needs_full
@pytest.mark.parametrize(
    ("more", "code"),
    [({}, 0), ({"rapidapi_key": "wrong"}, 1), ({"page_size": 0}, 1)],
    ids=["all is well", "wrong key", "wrong setting"],
)
def test_log_that_cannot_be_written_changes_no_exit_code(
    sandbox: Sandbox, tmp_path: Path, more: dict[str, Any], code: int
) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    arguments = command(tmp_path, settings(sandbox, ["ann"], "rapidapi", **more))
    ended = full(arguments, "stderr")
    assert ended.exit_code == code
    assert set(ended.follows("rapidapi")) == (set() if code else truth(sandbox, "ann"))


def test_log_that_nobody_reads_changes_no_exit_code(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.scenario = Scenario(faults=[Fault("silent")])
    process = start(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    assert process.stderr is not None
    process.stderr.close()
    process.stderr = None
    wait_until(lambda: bool(sandbox.requests))
    assert stop(process, signal.SIGTERM).exit_code == 143
