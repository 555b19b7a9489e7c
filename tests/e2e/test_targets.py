"""The targets of docs/targets.md in its plain pipe: every row counted and compared."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sandbox import Account, Fault, Sandbox, Scenario, World
from sandbox.world import Accounts
from tests.e2e.pipe import Pipe
from tests.e2e.postgres import Postgres
from tests.e2e.processes import finish
from tests.e2e.targets import TITLES, blocks_of, loader
from tests.harness import DAY, NOW, PROVIDERS, follows_of, run, settings, truth, wait_until
from tests.warehouse import Row, pairs

KEYS = {
    "research_following": ("follower_username", "username", "scanned_at"),
    "rapidapi_following": ("follower_username", "user_id", "scanned_at"),
    "research_scans": ("follower_username", "scanned_at"),
    "rapidapi_scans": ("follower_username", "scanned_at"),
}

LENGTHS = {"empty": 0, "one": 1, "many": 334, "torn": 3, "nul": 3, "nameless": 3}
"""In three of them, names have half a surrogate pair, have U+0000, or are missing."""

FAULTS = [
    Fault("surrogate", username="torn"),
    Fault("nul", username="nul"),
    Fault("missing_field", username="nameless"),
]
NEWS = {"empty": 1, "one": 3, "many": 150}
"""How many follows are made between two runs."""

each_target = pytest.mark.parametrize("title", TITLES)


@each_target
def test_pipx_and_meltano_install_the_same(title: str) -> None:
    _, _, *words = shlex.split(blocks_of(title)["sh"])
    requirements = {word for word in words if not word.startswith("--")}
    assert requirements == set(loader(title)["pip_url"].split())


def account(username: str) -> Account:
    """Return an account with emoji, quotes, lines and large counts."""
    made_up = Account.made_up(username)
    return replace(
        made_up,
        display_name=f"{made_up.display_name} 🦄 Zoë 👩‍🚀",
        bio=made_up.bio and f'{made_up.bio},\n"quoted"; back\\slash\ttab 🏳️‍🌈',
        followers=11_000_000_000,
    )


@each_target
def test_second_run_adds_only_new_follows(
    sandbox: Sandbox, tmp_path: Path, postgres: Postgres, title: str
) -> None:
    follows = {name: follows_of(name, length, every=600) for name, length in LENGTHS.items()}
    sandbox.world = World.of(follows)
    sandbox.world.accounts = Accounts(account)
    sandbox.scenario = Scenario(boundary="skip", faults=FAULTS)
    pipe = Pipe(tmp_path, title, settings(sandbox, LENGTHS), postgres)
    first = pipe.run()
    check(sandbox, pipe, first.records)
    sandbox.clock.advance(DAY)
    for username, number in NEWS.items():
        for place in range(number):
            made = NOW + DAY // 2 + 60 * place
            sandbox.world.follow(username, f"{username}.new.{place}", at=made)
    second = pipe.run()
    check(sandbox, pipe, lambda stream: first.records(stream) + second.records(stream))
    for provider in PROVIDERS:
        assert len(second.follows(provider)) == sum(NEWS.values())
        assert second.scans(provider).keys() == LENGTHS.keys()


def check(sandbox: Sandbox, pipe: Pipe, sent: Callable[[str], list[Row]]) -> None:
    """What was sent is what the lists hold, and what was loaded is what was sent."""
    for provider in PROVIDERS:
        assert pairs(sent(f"{provider}_following")) == sorted(truth(sandbox, *LENGTHS))
    for stream, keys in KEYS.items():
        rows = [pipe.warehouse.keep(row) for row in sent(stream)]
        loaded = pipe.warehouse.rows(stream)
        assert by_key(loaded, keys) == by_key(rows, keys)
        assert len(loaded) == len(rows)


def by_key(rows: Iterable[Row], keys: tuple[str, ...]) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[key] for key in keys): row for row in rows}


LISTS = {"ann": 300, "ben": 300, "cat": 50}
BATCH = 500


@pytest.mark.parametrize(
    ("title", "more"),
    [
        *((title, {}) for title in TITLES),
        pytest.param("DuckDB", {"flush_all_streams": False}, id="DuckDB by stream"),
    ],
)
def test_killed_target_loses_no_row_and_costs_no_request(
    sandbox: Sandbox, tmp_path: Path, postgres: Postgres, title: str, more: dict[str, Any]
) -> None:
    """RapidAPI's rows are in memory when the first batch of the Research API is loaded."""
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LISTS.items()})
    responses = str(tmp_path / "follows.responses")
    config = settings(sandbox, LISTS, responses_path=responses, rescan_after_hours=12)
    pipe = Pipe(tmp_path, title, config, postgres)
    path = tmp_path / "target.json"
    smaller = json.loads(path.read_text("utf-8")) | {"batch_size_rows": BATCH, **more}
    path.write_text(json.dumps(smaller), "utf-8")

    first = run(config | {"rapidapi_max_requests": 3})
    streams = [message.get("stream") for message in first.messages]
    assert streams.count("rapidapi_following") < BATCH
    research = [n for n, stream in enumerate(streams) if stream == "research_following"]
    lines = first.stdout.splitlines(keepends=True)[: research[BATCH + 50]]
    second = run(config, state_after_kill(pipe, lines))
    target = start_target(pipe)
    target.communicate(second.stdout)
    assert target.returncode == 0

    for stream, keys in KEYS.items():
        rows = first.records(stream) + second.records(stream)
        sent = by_key(map(pipe.warehouse.keep, rows), keys)
        loaded = pipe.warehouse.rows(stream)
        assert by_key(loaded, keys).keys() == sent.keys()
        if title in {"DuckDB", "PostgreSQL"}:  # the others keep earlier rows of a key too
            assert by_key(loaded, keys) == sent
            assert len(loaded) == len(sent)
    pages = Counter((r.provider, r.username, r.cursor) for r in sandbox.requests if r.username)
    assert set(pages.values()) == {1}


def start_target(pipe: Pipe, **streams: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [pipe.target, "--config", "target.json"],
        cwd=pipe.reader.folder,
        env=pipe.reader.environment,
        stdin=subprocess.PIPE,
        encoding="utf-8",
        **streams,
    )


def state_after_kill(pipe: Pipe, lines: list[str]) -> Any:
    """Kill the target after its first batch of these lines, and return the saved state."""
    path = pipe.reader.folder / "states.jsonl"
    with path.open("w") as states, start_target(pipe, stdout=states) as target:
        assert target.stdin
        target.stdin.writelines(lines)
        target.stdin.flush()
        wait_until(lambda: has_loaded(pipe, path))
        target.kill()
    saved = path.read_text("utf-8").splitlines()
    return json.loads(saved[-1]) if saved else {}


def has_loaded(pipe: Pipe, states: Path) -> bool:
    if pipe.target.name == "target-duckdb":  # which locks its file
        return states.stat().st_size > 0
    try:
        return bool(pipe.warehouse.rows("research_following"))
    except (ValueError, psycopg.Error):  # half a line; no table
        return False


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_pipe_loads_what_was_read_and_the_next_run_the_rest(
    sandbox: Sandbox, tmp_path: Path, postgres: Postgres, signum: signal.Signals
) -> None:
    """By Ctrl-C, `timeout` or a closed terminal, before the first page of the second list."""
    lists = {"charlidamelio": 250, "khaby.lame": 101}
    sandbox.world = World.of({name: follows_of(name, n) for name, n in lists.items()})
    silence = Fault("silent", username="khaby.lame")
    sandbox.scenario = Scenario(boundary="skip", faults=[silence])
    config = settings(sandbox, lists, "research", concurrency=1)
    pipe = Pipe(tmp_path, "DuckDB", config, postgres)

    process = pipe.reader.start("bash", "run.sh", "target-duckdb")
    wait_until(lambda: silence.used == 1)
    os.killpg(process.pid, signum)
    log = finish(process)
    assert process.returncode == 128 + signum, log
    assert "Traceback" not in log
    assert len(pipe.warehouse.rows("research_following")) == lists["charlidamelio"]

    sandbox.scenario = Scenario(boundary="skip")
    assert set(pipe.run().follows("research")) == truth(sandbox, "khaby.lame")
    follows = pipe.warehouse.rows("research_following")
    assert pairs(follows) == sorted(truth(sandbox, *lists))


def test_target_logs_to_a_terminal_that_stops_background_output(
    sandbox: Sandbox, tmp_path: Path, postgres: Postgres
) -> None:
    pipe = Pipe(tmp_path, "CSV", settings(sandbox, ["ann"]), postgres)
    shell = ["sh", "-c", "stty tostop; bash run.sh target-csv; echo code $?"]
    log = pipe.reader.type(sys.executable, "-c", f"import pty; pty.spawn({shell})")
    assert "code 0" in log


@pytest.mark.parametrize("printed", ["", '{"bookm'])
def test_target_that_dies_leaves_the_last_state(
    sandbox: Sandbox, tmp_path: Path, postgres: Postgres, printed: str
) -> None:
    pipe = Pipe(tmp_path, "JSON Lines", settings(sandbox, ["ann"]), postgres)
    (tmp_path / "state.json").write_text('{"bookmarks": {}}', "utf-8")
    stand_in(pipe.target, f"head -c 100 >/dev/null\nprintf %s '{printed}'\nexit 3")
    log = pipe.reader.type("bash", "run.sh", "target-jsonl", code=3)
    assert ("line 1 column" in log) == bool(printed)
    assert (tmp_path / "state.json").read_text("utf-8") == '{"bookmarks": {}}'


@pytest.mark.parametrize(
    ("command", "code"), [("kill -INT 0", 0), ("kill -HUP 0", 0), ("exit 5", 1)]
)
def test_state_is_saved_whatever_is_pressed_or_the_exit_code_says_that_it_is_not(
    sandbox: Sandbox, tmp_path: Path, postgres: Postgres, command: str, code: int
) -> None:
    pipe = Pipe(tmp_path, "JSON Lines", settings(sandbox, ["ann"]), postgres)
    real = f'exec {sys.executable} "$@"'
    stand_in(pipe.reader.programs / "python3", f"{command}\n{real}")
    pipe.reader.type("bash", "run.sh", "target-jsonl", code=code)
    state = json.loads((tmp_path / "state.json").read_text("utf-8"))
    assert bool(state) == (code == 0)


def stand_in(program: Path, script: str) -> None:
    """Put a shell script in place of a program."""
    program.unlink(missing_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
