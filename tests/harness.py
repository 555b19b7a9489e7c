"""Running the tap against a sandbox, in this process or in one of its own.

`run` is quick, and enough for everything but signals, pipes and kills; `start` and `finish`
are for those. Both return a `Run`.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from singer_sdk.logging import ConsoleFormatter

from sandbox import Clock, Follow, LoggedRequest, Sandbox, Scenario, World
from tap_tiktok_following.errors import Ended
from tap_tiktok_following.output import writing_to_stdout
from tap_tiktok_following.tap import TapTikTokFollowing

FIXTURES = Path(__file__).parent / "fixtures"

NOW = 1_700_100_000
"""The time of the sandbox's clock, unless a test changes it."""

DAY = 86_400

PROVIDERS = ("research", "rapidapi")
REFERENCES = {"research": "log_id ", "rapidapi": "request_id "}
"""What is before a provider's ID of a response in a reason."""

each_provider = pytest.mark.parametrize("provider", PROVIDERS)

PREFIX = "TAP_TIKTOK_FOLLOWING_"
"""Of the environment variables of settings."""

COMMAND = (sys.executable, "-m", "tap_tiktok_following")

QUICK = {
    "max_tries": 2,
    "research_requests_per_second": 1000,
    "rapidapi_requests_per_second": 1000,
}
"""Settings with which a failing request does not delay a test."""

_started: list[subprocess.Popen[str]] = []


@dataclass(frozen=True)
class Run:
    """The result of a run of the tap."""

    exit_code: int  # negative for the signal that killed it
    stdout: str
    stderr: str  # the log

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        """The Singer messages: every line is one."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def records(self, stream: str) -> list[dict[str, Any]]:
        """Return the records of a stream, in the order they were sent."""
        return [
            m["record"] for m in self.messages if m.get("stream") == stream and "record" in m
        ]

    def follows(self, provider: str, username: str | None = None) -> list[tuple[str, str]]:
        """Return the pairs *follower, followed*, in the order they were sent."""
        edges = [
            (record["follower_username"], record["username"])
            for record in self.records(f"{provider}_following")
        ]
        return [edge for edge in edges if username in {None, edge[0]}]

    def scans(self, provider: str) -> dict[str, dict[str, Any]]:
        """Return the row of the scans stream of each username; there is one for each."""
        rows = self.records(f"{provider}_scans")
        by_username = {row["follower_username"]: row for row in rows}
        assert len(by_username) == len(rows)
        return by_username

    @property
    def states(self) -> list[dict[str, Any]]:
        """The values of the STATE messages."""
        return [message["value"] for message in self.messages if message["type"] == "STATE"]

    @property
    def state(self) -> dict[str, Any]:
        """The value of the last STATE message, which a target saves."""
        return self.states[-1] if self.states else {}

    @property
    def log(self) -> list[tuple[str, str]]:
        """Level and text of every line of the log."""
        parts = [line.split(" | ", 3) for line in self.stderr.splitlines()]
        return [(part[1].strip(), part[3]) for part in parts if len(part) == 4]

    @property
    def last_line(self) -> str:
        """The text of the last line on stderr."""
        return (self.stderr.splitlines() or [""])[-1].split(" | ", 3)[-1]

    def text(self, level: str | None = None) -> str:
        """Return the texts of the log, of one level or of all, one per line."""
        return "\n".join(text for its, text in self.log if level in {None, its})


def entry(state: Mapping[str, Any], provider: str, username: str) -> dict[str, Any]:
    """Return the entry of a username in a state, or an empty one."""
    stream = state.get("bookmarks", {}).get(f"{provider}_following", {})
    for partition in stream.get("partitions", []):
        if partition["context"] == {"follower_username": username}:
            return dict(partition)
    return {}


def bookmark(state: Mapping[str, Any], provider: str, username: str) -> Any:
    """Return the bookmark of a username in a state, or None."""
    return entry(state, provider, username).get("replication_key_value")


def follows_of(
    username: str, length: int, *, newest: int = NOW - 1000, every: int = 10
) -> list[Follow]:
    """Return a list of follows, newest first, some seconds apart."""
    return [Follow(f"{username}.{place}", newest - every * place) for place in range(length)]


def emptied(server: Sandbox) -> Sandbox:
    """Return a sandbox as if it had just started: empty, without faults, at `NOW`."""
    server.clock = Clock(NOW)
    server.world = World.of({})
    server.scenario = Scenario()
    server.take_requests()
    server.used.clear()
    return server


def unix(time: str) -> int:
    """Return the Unix seconds of a time in a record or a row."""
    return int(datetime.fromisoformat(time).timestamp())


def many(how_many: int) -> list[str]:
    """Return a number of usernames."""
    return [f"user{number:02}" for number in range(how_many)]


def truth(sandbox: Sandbox, *usernames: str) -> set[tuple[str, str]]:
    """Return the pairs *follower, followed* that a perfect reader finds now."""
    return {
        (name, follow.username) for name in usernames for follow in sandbox.world.truth(name)
    }


def pages_asked(sandbox: Sandbox, provider: str, username: str) -> list[LoggedRequest]:
    """Return the requests for one list, in the order of arrival."""
    return [r for r in sandbox.requests if (r.provider, r.username) == (provider, username)]


def settings(
    sandbox: Sandbox, usernames: Iterable[str], provider: str | None = None, **more: object
) -> dict[str, Any]:
    """Return settings to read these lists from one provider, or from both."""
    given = {
        name: value
        for name, value in sandbox.config.items()
        if provider is None or name.startswith(provider) or name.endswith("_url")
    }
    return {**QUICK, **given, "usernames": list(usernames), **more}


def run(
    config: Mapping[str, Any],
    state: object = None,
    *,
    catalog: dict[str, Any] | None = None,
    level: int = logging.INFO,
    test: bool = False,
) -> Run:
    """Run the tap in this process, as its command does; or its `--test`."""
    stdout, log = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    handler, root = logging.StreamHandler(log), logging.getLogger()
    handler.setFormatter(ConsoleFormatter())
    with contextlib.redirect_stdout(stdout), contextlib.ExitStack() as afterwards:
        afterwards.callback(root.setLevel, root.level)
        afterwards.callback(root.removeHandler, handler)
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            afterwards.callback(signal.signal, signum, signal.getsignal(signum))
        root.addHandler(handler)
        root.setLevel(level)
        code, state = 0, copy.deepcopy(state or {})
        try:
            with writing_to_stdout():
                tap = TapTikTokFollowing(config=dict(config), state=state, catalog=catalog)
                tap.run_connection_test() if test else tap.sync_all()
        except Ended as end:
            TapTikTokFollowing.logger.error("%s", end.sentence)
            code = end.exit_code
    return Run(code, stdout.buffer.getvalue().decode(), log.getvalue())


def command(folder: Path, config: Mapping[str, Any], state: object = None) -> list[str]:
    """Return the command that runs the tap with these settings, from files in a folder."""
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    arguments = ["--config", str(folder / "config.json")]
    if state is not None:
        (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
        arguments += ["--state", str(folder / "state.json")]
    return [*COMMAND, *arguments]


def environment(**more: str) -> dict[str, str]:
    """Return a user's environment, without settings of the tap, and with these variables.

    Variables with which test machines change Python are left out, as is the SDK's warning that
    a Python is old.
    """
    ours = (PREFIX, "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    old = f"ignore:Python {sys.version_info.major}.{sys.version_info.minor} reached its end"
    return {**kept, "PYTHONWARNINGS": old, "NO_PROXY": "127.0.0.1", **more}


def variables(config: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as environment variables."""
    return {
        f"{PREFIX}{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in config.items()
    }


def start(
    folder: Path, config: Mapping[str, Any], state: object = None, **variables: str
) -> subprocess.Popen[str]:
    """Start the tap as a process; its stdout and stderr are pipes."""
    return launch(command(folder, config, state), **variables)


def launch(words: Sequence[str], **variables: str) -> subprocess.Popen[str]:
    """Start a command that runs the tap; its stdout and stderr are pipes."""
    process = subprocess.Popen(
        words,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    _started.append(process)
    return process


def wait_until(condition: Callable[[], bool], within: float = 120) -> None:
    """Poll until a condition holds, for a limited time."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def finish(process: subprocess.Popen[str], within: float = 120) -> Run:
    """Wait for a process to end, for a limited time, and read what it wrote."""
    stdout, stderr = process.communicate(timeout=within)
    return Run(process.returncode, stdout, stderr)


def run_process(words: Sequence[str], **variables: str) -> Run:
    """Run a command to its end, which shows no stack trace."""
    ended = finish(launch(words, **variables))
    assert "Traceback" not in ended.stderr
    return ended


def kill_what_is_left() -> None:
    """Kill the processes that a failed test has left running."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()
