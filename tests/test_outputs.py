"""Pipes that block, close or take little at once, a log that cannot be written, full disks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

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

if os.name != "nt":
    import fcntl
    import termios

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


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
    process.send_signal(signum)
    assert process.wait(timeout=LIMIT) == code
    ended = finish(process)
    assert signum.name in ended.last_line
    assert not any(words in ended.stderr for words in NO_TRACE)


def test_a_target_that_reads_on_after_a_signal_gets_the_state(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    process = much(sandbox, tmp_path)
    ended = stop(process, signal.SIGTERM)
    check_stopped(ended, signal.SIGTERM, 143)
    check_state_tells_of_rows(ended)


def check_state_tells_of_rows(ended: Run) -> None:
    sent = ended.follows("rapidapi")
    assert len(sent) == len(set(sent))
    partitions = ended.state["bookmarks"]["rapidapi_following"]["partitions"]
    told = sum(p["resume"]["accounts_sent"] for p in partitions if "resume" in p)
    whole = sum(3000 for p in partitions if "replication_key_value" in p)
    assert told + whole == len(sent)


def test_a_kill_cuts_no_line(sandbox: Sandbox, tmp_path: Path) -> None:
    process = much(sandbox, tmp_path)
    process.kill()
    stdout, _ = process.communicate()
    assert stdout.endswith("\n")
    assert all(json.loads(line) for line in stdout.splitlines())


def test_a_target_that_is_slow_gets_whole_lines_and_the_state(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """What the workers have read ahead would take it longer than there is time."""
    process = much(sandbox, tmp_path)
    process.send_signal(signal.SIGTERM)
    ended = Run(143, *read_slowly(process, 100_000))
    check_stopped(ended, signal.SIGTERM, process.wait())
    check_state_tells_of_rows(ended)


def many_entries() -> dict[str, Any]:
    """A state that does not fit into a pipe."""
    partitions = [{"context": {"follower_username": f"user{n}"}} for n in range(10_000)]
    return {"bookmarks": {"rapidapi_following": {"partitions": partitions}}}


def half_out(sandbox: Sandbox, tmp_path: Path) -> subprocess.Popen[str]:
    """A tap that has written half a line, its first state, and is told to stop."""
    process = start(tmp_path, settings(sandbox, ["ann"], "rapidapi"), many_entries())
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    wait_until(stands_still(lambda: unread(pipe)))
    process.send_signal(signal.SIGTERM)
    return process


def unread(pipe: int) -> int:
    """Bytes that were written to a pipe and nobody has read."""
    count = array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def test_a_long_line_is_finished_while_its_reader_takes_some(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Longer than any other line would be waited for; no other one follows."""
    process = half_out(sandbox, tmp_path)
    ended = Run(143, *read_slowly(process, 90_000))
    assert process.wait() == 143
    assert ended.messages == [{"type": "STATE", "value": many_entries()}]
    assert ended.stdout.endswith("\n")
    assert "SIGTERM" in ended.last_line


def test_a_long_line_that_nobody_reads_holds_nobody_up(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    process = half_out(sandbox, tmp_path)
    assert process.wait(timeout=LIMIT) == 143
    process.communicate()


def read_slowly(process: subprocess.Popen[str], per_second: int) -> tuple[str, str]:
    """All of stdout, read at a limited rate, and all of stderr."""
    assert process.stdout is not None
    stdout = b""
    while piece := os.read(process.stdout.fileno(), 4096):
        stdout += piece
        time.sleep(len(piece) / per_second)
    _, stderr = process.communicate()
    return stdout.decode(), stderr


# A pipe that does not block.


def test_a_stdout_that_does_not_block_is_waited_for(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 3000)})
    read, write = os.pipe()
    os.set_blocking(write, False)
    arguments = command(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    with open_process(arguments, stdout=write, stderr=subprocess.PIPE) as process:
        os.close(write)
        wait_until(lambda: len(sandbox.requests) > 10)  # more than the pipe holds
        with os.fdopen(read, encoding="utf-8") as pipe:
            stdout = pipe.read()
        assert process.stderr is not None
        ended = Run(process.wait(timeout=LIMIT), stdout, process.stderr.read())
    assert ended.exit_code == 0
    assert len(ended.follows("rapidapi")) == 3000
    assert set(ended.follows("rapidapi")) == truth(sandbox, "ann")
    assert not any(words in ended.stderr for words in NO_TRACE)


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="pipes are of one size here")
def test_a_stderr_that_does_not_block_is_waited_for(sandbox: Sandbox, tmp_path: Path) -> None:
    """It holds 4,096 bytes, and is full before anything is read."""
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(write, False)
    arguments = command(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    debug = {"TAP_TIKTOK_FOLLOWING_LOGLEVEL": "DEBUG"}
    with open_process(arguments, stdout=subprocess.PIPE, stderr=write, **debug) as process:
        os.close(write)
        wait_until(lambda: unread(read) > 4096 - 300)
        with os.fdopen(read, encoding="utf-8") as pipe:
            stderr = pipe.read()
        assert process.stdout is not None
        ended = Run(process.wait(timeout=LIMIT), process.stdout.read(), stderr)
    assert ended.exit_code == 0
    assert set(ended.follows("rapidapi")) == truth(sandbox, "ann")
    assert "All due usernames were visited" in ended.last_line
    assert not any(words in ended.stderr for words in NO_TRACE)


def open_process(
    arguments: list[str], *, stdout: int, stderr: int, **variables: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments,
        env=bare(**variables),
        stdout=stdout,
        stderr=stderr,
        encoding="utf-8",
    )


def closed(arguments: list[str], output: str) -> subprocess.CompletedProcess[str]:
    """Run a command with one of its outputs closed, as in `tap >&-`."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {output}&-', "sh", *arguments],
        env=bare(),
        encoding="utf-8",
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_a_stdout_that_is_closed(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    ended = closed(command(tmp_path, settings(sandbox, ["ann"], "rapidapi")), ">")
    assert ended.returncode == 1
    last_line = Run(1, "", ended.stderr).last_line
    assert last_line.startswith("stdout is closed")
    assert not any(words in ended.stderr for words in NO_TRACE)
    assert sandbox.requests == []


def test_a_stderr_that_is_closed(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    ended = closed(command(tmp_path, settings(sandbox, ["ann"], "rapidapi")), "2>")
    assert ended.returncode == 0
    assert set(Run(0, ended.stdout, "").follows("rapidapi")) == truth(sandbox, "ann")


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
        assert tap.stderr is not None
        log = tap.stderr.read()
        code = tap.wait(timeout=LIMIT)
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
    assert process.wait(timeout=LIMIT) == 1
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
            env=bare(),
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
@pytest.mark.parametrize("option", ["--discover", "--about"])
def test_a_full_disk_for_what_is_not_a_message(option: str) -> None:
    arguments = [sys.executable, "-m", "tap_tiktok_following", option]
    ended = run_on_a_full_disk(arguments, "stdout")
    assert ended.returncode == 1
    assert "No space left" in Run(1, "", ended.stderr).last_line
    assert not any(words in ended.stderr for words in NO_TRACE)


LOGS = [
    pytest.param({}, 0, id="all is well"),
    pytest.param({"rapidapi_key": "wrong"}, 1, id="wrong key"),
    pytest.param({"page_size": 0}, 1, id="a wrong setting"),
    pytest.param({"rapidapi_api_url": "http://127.0.0.1:1"}, 1, id="no connection"),
]


@needs_full
@pytest.mark.parametrize(("more", "code"), LOGS)
def test_a_log_that_cannot_be_written(
    sandbox: Sandbox, tmp_path: Path, more: dict[str, Any], code: int
) -> None:
    """Costs no record, and the exit code stays what it is."""
    sandbox.world = World.of({"ann": follows_of("ann", 12)})
    config = settings(sandbox, ["ann"], "rapidapi", **more)
    ended = run_on_a_full_disk(command(tmp_path, config), "stderr")
    sent = set(Run(0, ended.stdout, "").follows("rapidapi"))
    assert sent == (set() if code else truth(sandbox, "ann"))
    assert ended.returncode == code


def test_a_log_that_nobody_reads_any_more(sandbox: Sandbox, tmp_path: Path) -> None:
    """The same at a signal."""
    sandbox.scenario = Scenario(faults=[Fault("silent")])
    process = start(tmp_path, settings(sandbox, ["ann"], "rapidapi"))
    assert process.stderr is not None
    process.stderr.close()
    process.stderr = None
    wait_until(lambda: bool(sandbox.requests))
    assert stop(process, signal.SIGTERM).exit_code == 143


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
