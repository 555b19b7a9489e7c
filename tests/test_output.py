"""stdout and stderr that block, close or are full: whole lines, a state, one sentence."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import termios
import time
from array import array
from collections import deque
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox, World
from tests.harness import (
    Run,
    command,
    finish,
    follows_of,
    many,
    run_process,
    settings,
    start,
    truth,
    unix,
    wait_until,
)
from tests.stopping import LIMIT, check_no_trace, check_stopped, redirected, start_after


def test_messages_are_lines_of_utf_8_in_order_and_states_follow_their_records(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    name = "\N{SNOWMAN}\N{GRINNING FACE}\u202e \u05d0\u0628 a\nb"
    sandbox.world = World.of({"ann": follows_of("ann", 700)})
    newest = sandbox.world.accounts["ann.0"]
    sandbox.world.accounts["ann.0"] = replace(newest, display_name=name)
    config, started = settings(sandbox, ["ann"], "rapidapi"), int(time.time())
    ended = finish(start(tmp_path, config, PYTHONIOENCODING="latin-1"))
    assert ended.stdout.count("\n") == len(ended.messages)
    records = ended.records("rapidapi_following")
    assert [record["position"] for record in records] == list(range(1, 701))
    extracted = {unix(m["time_extracted"]) for m in ended.messages if m["type"] == "RECORD"}
    assert started <= min(extracted) <= max(extracted) <= time.time()
    assert records[0]["display_name"] == name
    assert ended.messages[-1]["type"] == "STATE"
    assert all(one != another for one, another in pairwise(ended.states))


def test_schemas_are_written_even_if_nothing_follows_them(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    config = settings(sandbox, ["ann"], "rapidapi")
    ended = run_process([*command(tmp_path, config), "--test=schema"])
    assert [message["type"] for message in ended.messages] == ["SCHEMA", "SCHEMA"]


# A target that does not read.


def much(sandbox: Sandbox) -> dict[str, Any]:
    """Settings of a run that writes more than fits into a pipe."""
    sandbox.world = World.of({name: follows_of(name, 1000) for name in many(8)})
    return settings(sandbox, many(8), "rapidapi")


def wait_until_full(process: subprocess.Popen[str]) -> None:
    """Wait until nothing more is written to stdout, which nobody reads."""
    assert process.stdout is not None
    pipe, unread = process.stdout.fileno(), array("i", [0])
    figures: deque[int] = deque(maxlen=25)

    def stands_still() -> bool:
        fcntl.ioctl(pipe, termios.FIONREAD, unread)
        figures.append(unread[0])
        return figures.count(unread[0]) == figures.maxlen and unread[0] > 0

    wait_until(stands_still)
    assert process.poll() is None


NON_BLOCKING = """
import atexit, os, sys
os.set_blocking(1, False)
os.set_blocking(2, False)
atexit.register(lambda: print("stderr blocks:", os.get_blocking(2), file=sys.stderr))
"""


def test_target_that_does_not_read_holds_the_run_even_if_its_pipe_does_not_block(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A few pages per worker are in memory, not the whole world."""
    process = start_after(NON_BLOCKING, tmp_path, much(sandbox))
    wait_until_full(process)
    assert len(sandbox.requests) < 40
    ended = finish(process)
    assert ended.exit_code == 0
    assert sorted(ended.follows("rapidapi")) == sorted(truth(sandbox, *many(8)))
    assert ended.last_line == "stderr blocks: True"
    check_no_trace(ended)


def test_signal_ends_a_blocked_write_after_a_whole_line(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    process = start(tmp_path, much(sandbox))
    wait_until_full(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=LIMIT) == 143
    ended = finish(process)
    assert "Stopped by SIGTERM before everything was finished: run again" in ended.last_line
    check_no_trace(ended)
    assert ended.stdout.endswith("\n")
    assert ended.messages


def stopped_and_read_slowly(process: subprocess.Popen[str]) -> Run:
    """Send a signal, and read 90 kB per second; it must have ended the run properly."""
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    stdout = b""
    while piece := os.read(process.stdout.fileno(), 4096):
        stdout += piece
        time.sleep(len(piece) / 90_000)
    _, stderr = process.communicate()
    ended = Run(process.returncode, stdout.decode(), stderr)
    check_stopped(ended, signal.SIGTERM)
    return ended


def test_target_that_reads_on_after_a_signal_gets_the_state_soon(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The state of the rows that were written, before what the workers have read ahead."""
    process = start(tmp_path, much(sandbox))
    wait_until_full(process)
    ended = stopped_and_read_slowly(process)
    sent = ended.follows("rapidapi")
    assert len(sent) == len(set(sent)) < 800
    partitions = ended.state["bookmarks"]["rapidapi_following"]["partitions"]
    unfinished = sum(p["progress"]["sent"] for p in partitions if "progress" in p)
    whole = sum(1000 for p in partitions if "replication_key_value" in p)
    assert unfinished + whole == len(sent)


def test_long_line_is_finished_while_the_target_reads_it(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """A state that does not fit into a pipe, and takes longer than an alarm."""
    partitions = [{"context": {"follower_username": f"user{n}"}} for n in range(7000)]
    state = {"bookmarks": {"rapidapi_following": {"partitions": partitions}}}
    process = start(tmp_path, settings(sandbox, ["ann"], "rapidapi"), state)
    wait_until_full(process)
    assert stopped_and_read_slowly(process).states[0] == state


# Outputs that are closed or full.


def test_target_that_dies_ends_the_run_in_one_sentence(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """`tap | head -n 5`."""
    process = start(tmp_path, much(sandbox))
    assert process.stdout is not None
    for _ in range(5):
        process.stdout.readline()
    process.stdout.close()
    ended = finish(process, within=LIMIT)
    assert ended.exit_code == 1
    assert ended.last_line == (
        "The target stopped reading: see its log; the next run continues from the last saved "
        "state."
    )
    check_no_trace(ended)


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


@needs_full
@pytest.mark.parametrize(
    ("where", "options", "words"),
    [
        (">&-", [], "stdout is closed"),
        (">/dev/full", [], "No space left"),
        (">/dev/full", ["--about"], "No space left"),
    ],
)
def test_stdout_that_cannot_be_written_ends_the_run_in_one_sentence(
    sandbox: Sandbox, tmp_path: Path, where: str, options: list[str], words: str
) -> None:
    """Before any request, if it is closed."""
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    arguments = command(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    ended = redirected(where, [*arguments, *options])
    assert ended.exit_code == 1
    assert words in ended.last_line
    check_no_trace(ended)
    assert where != ">&-" or sandbox.requests == []


@needs_full
@pytest.mark.parametrize(
    ("where", "key", "code"),
    [("2>/dev/full", "", 0), ("2>/dev/full", "wrong", 1), ("2>&-", "", 0)],
)
def test_log_that_cannot_be_written_changes_no_exit_code(
    sandbox: Sandbox, tmp_path: Path, where: str, key: str, code: int
) -> None:
    """Nor does the file of responses get the number of a closed stderr, and its text."""
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    config = settings(sandbox, ["ann"], "rapidapi", responses_path=str(tmp_path / "responses"))
    config["rapidapi_key"] = key or config["rapidapi_key"]
    ended = redirected(where, command(tmp_path, config))
    assert ended.exit_code == code
    assert set(ended.follows("rapidapi")) == (set() if code else truth(sandbox, "ann"))
