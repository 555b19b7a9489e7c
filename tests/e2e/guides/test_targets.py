"""Each target as docs/targets.md configures it: two runs, with a new follow in between."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from sandbox import Fault, Scenario, World
from tests.documents import section_of
from tests.e2e.airflow.engine import free_port
from tests.e2e.postgres import serve_or_skip
from tests.e2e.processes import WITHIN, finish, needs_shell
from tests.e2e.reader import Reader, variables
from tests.e2e.targets import ROOT, install, pinned
from tests.e2e.warehouses import CSV, JSONL, DuckDB, in_utc
from tests.harness import DAY, NOW, PROVIDERS, follows_of, settings, truth, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox
    from tests.documents import Block
    from tests.e2e.lists import Row
    from tests.e2e.postgres import Postgres

    Table = Callable[[str], list[Row]]

pytestmark = needs_shell

DOCUMENT = "docs/targets.md"
TAP = "tap-tiktok-following"
FORGET = ROOT / "examples" / "forget.py"
TARGETS = {
    "JSON Lines": "target-jsonl",
    "CSV": "target-csv",
    "DuckDB": "target-duckdb",
    "PostgreSQL": "target-postgres",
}
LENGTHS = {"charlidamelio": 250, "khaby.lame": 101}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """Return a server with the documented role, and a database in New York."""
    [block] = blocks_of("PostgreSQL", "pgsql")
    for server in serve_or_skip(free_port()):
        server.execute("CREATE DATABASE warehouse")
        server.execute("ALTER DATABASE warehouse SET timezone = 'America/New_York'")
        server.execute(block.text, "warehouse")
        yield server


@pytest.fixture
def lists(sandbox: Sandbox) -> Sandbox:
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LENGTHS.items()})
    sandbox.scenario = Scenario(boundary="skip")
    return sandbox


def blocks_of(title: str, *languages: str) -> list[Block]:
    return [block for block in section_of(DOCUMENT, title) if block.language in languages]


def make_pipe(sandbox: Sandbox, folder: Path, title: str, **stand_ins: object) -> Reader:
    """Return a reader who has the tap, its config and `run.sh`, but no target."""
    run = "bash run.sh target-duckdb"
    reader = Reader(folder, {}, {run: f"bash run.sh {TARGETS[title]}", **stand_ins})
    (Path(reader.environment["PIPX_BIN_DIR"]) / TAP).symlink_to(
        Path(sys.executable).parent / TAP
    )
    config = settings(sandbox, LENGTHS, responses_path=str(folder / "follows.responses"))
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    script, _ = section_of(DOCUMENT, "In a plain pipe")
    reader.follow([script])
    return reader


def tables(title: str, folder: Path, postgres: Postgres | None) -> Table:
    """Return a function that reads a stream's rows from where a target has loaded them."""
    if postgres is not None:
        return lambda stream: [
            in_utc(row) for row in postgres.rows(f"tiktok.{stream}", "warehouse")
        ]
    if title == "DuckDB":
        return DuckDB(folder, "follows.duckdb").rows
    return (CSV if title == "CSV" else JSONL)(folder / "follows").rows


def check_rows(sandbox: Sandbox, table: Table, *days: int) -> None:
    """Every follow is there once, and every list was scanned on each of these days."""
    for provider in PROVIDERS:
        follows = table(f"{provider}_following")
        pairs = sorted((row["follower_username"], row["username"]) for row in follows)
        assert pairs == sorted(truth(sandbox, *LENGTHS))
        scans = table(f"{provider}_scans")
        minutes = Counter(round((row["scanned_at"].timestamp() - NOW) / 60) for row in scans)
        assert minutes == {day * DAY // 60: len(LENGTHS) for day in days}


def make_news(sandbox: Sandbox) -> None:
    sandbox.clock.advance(DAY)
    sandbox.world.follow("khaby.lame", "new", at=NOW + DAY // 2)


@pytest.mark.parametrize("title", TARGETS)
def test_two_runs_of_a_plain_pipe(
    lists: Sandbox, tmp_path: Path, request: pytest.FixtureRequest, title: str
) -> None:
    postgres = empty_database(request) if title == "PostgreSQL" else None
    stand_ins = {"localhost": "127.0.0.1", "5432": postgres.port} if postgres else {}
    reader = make_pipe(lists, tmp_path, title, **stand_ins)
    reader.follow(blocks_of(title, "sh", "json"))
    table = tables(title, tmp_path, postgres)
    [_, run] = section_of(DOCUMENT, "In a plain pipe")
    reader.follow([run])
    check_rows(lists, table, 0)
    make_news(lists)
    reader.follow([run])
    check_rows(lists, table, 0, 1)


def test_two_runs_of_each_target_in_one_meltano_project(
    lists: Sandbox, wheel: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Afterwards one person is forgotten in one of the pipelines."""
    postgres = empty_database(request)
    reader = make_project(lists, wheel, tmp_path, postgres)
    for days in ((0,), (0, 1)):
        for title, target in TARGETS.items():
            reader.type("meltano", "run", TAP, target)
            server = postgres if title == "PostgreSQL" else None
            check_rows(lists, tables(title, reader.folder / "output", server), *days)
        make_news(lists)
    check_forgetting(reader)


def check_forgetting(reader: Reader) -> None:
    """Follow docs/running.md, and run the pipeline once more."""
    person, other = LENGTHS
    _, commands, filters = section_of("docs/running.md", "Forgetting a person")
    reader.follow([commands])
    with duckdb.connect(reader.folder / "output" / "follows.duckdb") as warehouse:
        warehouse.execute((reader.folder / "forget.sql").read_text("utf-8"))
    maps = json.dumps(json.loads(reader.here(filters.text))["stream_maps"])
    reader.environment["TAP_TIKTOK_FOLLOWING_STREAM_MAPS"] = maps
    reader.type("meltano", "run", TAP, "target-duckdb")

    state = reader.state(f"dev:{TAP}-to-target-duckdb")
    table = tables("DuckDB", reader.folder / "output", None)
    for provider in PROVIDERS:
        entries = state["bookmarks"][f"{provider}_following"]["partitions"]
        assert [entry["context"]["follower_username"] for entry in entries] == [other]
        rows = table(f"{provider}_following") + table(f"{provider}_scans")
        assert {row["follower_username"] for row in rows} == {other}
    assert person not in (reader.folder / "usernames.txt").read_text("utf-8")
    path = reader.folder / "output" / f"dev.{TAP}.responses"
    with closing(sqlite3.connect(path)) as file:
        usernames = file.execute("SELECT DISTINCT username FROM responses").fetchall()
    assert usernames == [(other,)]


def empty_database(request: pytest.FixtureRequest) -> Postgres:
    postgres: Postgres = request.getfixturevalue("postgres")
    postgres.execute("DROP SCHEMA IF EXISTS tiktok CASCADE", "warehouse")
    return postgres


def make_project(sandbox: Sandbox, wheel: Path, folder: Path, postgres: Postgres) -> Reader:
    """Return a reader with a new project that has the tap and all tested targets."""
    tap = yaml.safe_load((ROOT / f"{TAP}.yml").read_text("utf-8")) | {"pip_url": str(wheel)}
    (folder / "tap.yml").write_text(yaml.safe_dump(tap), encoding="utf-8")
    (folder / "project").mkdir()
    stand_ins = {
        "localhost": "127.0.0.1",
        "5432": postgres.port,
        "bob": next(iter(LENGTHS)),
        "python3 forget.py": f"{sys.executable} {FORGET}",
    }
    config = settings(sandbox, []) | {"usernames_path": "usernames.txt"}
    reader = Reader(folder / "project", variables(config), stand_ins)
    (reader.folder / "usernames.txt").write_text("\n".join(LENGTHS), encoding="utf-8")
    reader.type("meltano", "init", ".")
    reader.type("meltano", "add", TAP, "--from-ref", str(folder / "tap.yml"))
    path = reader.folder / "meltano.yml"
    project: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    for title in TARGETS:
        [block] = blocks_of(title, "yaml")
        pasted = yaml.safe_load(reader.here(block.text))["plugins"]["loaders"]
        project["plugins"].setdefault("loaders", []).extend(pasted)
    path.write_text(yaml.safe_dump(project), encoding="utf-8")
    (reader.folder / ".env").write_text("TARGET_POSTGRES_PASSWORD=any\n", encoding="utf-8")
    return reader


@pytest.mark.parametrize("title", ["CSV", "DuckDB"])
def test_ctrl_c_in_a_plain_pipe_loads_what_was_read(
    lists: Sandbox, tmp_path: Path, title: str
) -> None:
    """The tap waits for the first page of the second list when Ctrl-C is pressed."""
    target = TARGETS[title]
    reader = make_pipe(lists, tmp_path, title)
    command = install(target, pinned()[target]) / "bin" / target
    (Path(reader.environment["PIPX_BIN_DIR"]) / target).symlink_to(command)
    reader.follow(blocks_of(title, "json"))
    config = settings(lists, LENGTHS, "research", concurrency=1)
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    silence = Fault("silent", username="khaby.lame")
    lists.scenario = Scenario(boundary="skip", faults=[silence])

    process = reader.start("bash", "run.sh", target)
    wait_until(lambda: silence.used == 1, within=WITHIN)
    os.killpg(process.pid, signal.SIGINT)
    log, _ = finish(process)
    assert process.returncode == 128 + signal.SIGINT, log
    assert "Traceback" not in log
    table = tables(title, tmp_path, None)
    assert table("research_following")

    lists.scenario = Scenario(boundary="skip")
    reader.type("bash", "run.sh", target)
    follows = table("research_following")
    pairs = sorted((row["follower_username"], row["username"]) for row in follows)
    assert pairs == sorted(truth(lists, *LENGTHS))
