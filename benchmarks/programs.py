"""The programs that are measured: the tap, its pipelines, and peers doing the same work."""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import duckdb

from benchmarks.measure import Run, run
from sandbox import Sandbox
from tests.documents import ROOT
from tests.e2e import postgres, processes
from tests.e2e.airflow.engine import free_port
from tests.e2e.project import clone
from tests.e2e.targets import TOOLS
from tests.harness import environment, variables, wait_until

PLUGINS = ROOT / ".meltano"
TAP = PLUGINS / "extractors" / "tap-tiktok-following" / "venv"
PEERS = ROOT / "benchmarks" / ".venv"

TO_DUCKDB = ("tap-tiktok-following", "target-duckdb")
DATABASE = "output/prod.duckdb"
"""What `meltano run` runs, and the file in the project that it loads into."""

WORKERS = 16
"""Lists that are read at the same time, by every program that can."""

ONE_REQUEST = {"research_max_requests": 1, "on_quota_exhausted": "stop"}
"""Settings for a run that only creates the tables."""

SHARDS, AT_ONCE = 8, 2

KILLS = 10


class Work(NamedTuple):
    """What the programs of a case have to do.

    Attributes:
        folder: Where they write.
        sandbox: The server with the lists.
        lengths: Number of accounts on each list.
    """

    folder: Path
    sandbox: Sandbox
    lengths: list[int]

    @property
    def usernames(self) -> Path:
        """The file with all usernames."""
        return self.folder / "usernames.txt"

    def environment(self, **settings: object) -> dict[str, str]:
        """Return an environment for the tap, with further settings of it."""
        common = {
            **self.sandbox.config,
            "rapidapi_key": "",
            "usernames_path": str(self.usernames),
            "concurrency": WORKERS,
            "research_requests_per_second": 1000,
        }
        return environment(**variables(common | settings))

    def write_config(self) -> Path:
        """Write the settings of a peer, and return their file."""
        path = self.folder / "config.json"
        settings = {**self.sandbox.config, "usernames": self.sandbox.world.usernames}
        path.write_text(json.dumps(settings), encoding="utf-8")
        return path

    def check(self, done: Run, rows: int) -> Run:
        """Return a run with its requests for pages and its rows.

        Raises:
            RuntimeError: If there are more or fewer rows than accounts on the lists.
        """
        if rows != sum(self.lengths):
            message = f"{rows:,} rows, but {sum(self.lengths):,} accounts are listed"
            raise RuntimeError(message)
        received = self.sandbox.take_requests()
        pages = sum(request.provider == "research" for request in received)
        return done._replace(requests=pages, rows=rows)


def tap(work: Work) -> Run:
    """Run the tap without a target."""
    return _run_tap(work, TAP / "bin" / "tap-tiktok-following", "--config=ENV")


def plain_tap(work: Work) -> Run:
    """Run a plain SDK tap without a target."""
    python, module = TAP / "bin" / "python", "benchmarks.peers.plain_tap"
    return _run_tap(work, python, "-m", module, f"--config={work.write_config()}")


def _run_tap(work: Work, *command: str | Path) -> Run:
    output = work.folder / "tap.jsonl"
    done = run(command, output, work.environment())
    with output.open("rb") as lines:
        records = sum(b'following","record":' in line[:60] for line in lines)
    return work.check(done, records)


def dlt(work: Work) -> Run:
    """Run dlt's REST client into DuckDB."""
    database = work.folder / "dlt.duckdb"
    settings = {
        "DLT_DATA_DIR": str(work.folder),
        "EXTRACT__WORKERS": str(WORKERS),
        "EXTRACT__MAX_PARALLEL_ITEMS": str(WORKERS),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    python, module = PEERS / "bin" / "python", "benchmarks.peers.dlt_pipeline"
    command = [str(python), "-m", module, str(work.write_config()), str(database)]
    done = run(command, work.folder / "dlt.txt", environment(**settings))
    return work.check(done, query(database, "SELECT count(*) FROM tiktok.following"))


def pipeline(work: Work) -> Run:
    """Run this repository's Meltano project into DuckDB."""
    project = make_project(work.folder / "pipeline")
    done = meltano(project, *TO_DUCKDB, variables=work.environment())
    return work.check(done, _count_rows(project))


def kill(work: Work, **settings: object) -> Run:
    """Kill the same pipeline after random numbers of requests, then run it to its end."""
    project = make_project(work.folder / f"kill-{len(settings)}")
    chance = random.Random(0)  # noqa: S311 - the same moments in each run
    pages = sum(work.lengths) // 100
    for _ in range(KILLS):
        # Even if nothing is requested twice, the last kill comes before the end.
        _kill_after(chance.randint(1, pages // KILLS), work, project, **settings)
    meltano(project, *TO_DUCKDB, variables=work.environment(**settings))
    return work.check(Run(), _count_rows(project))


def _kill_after(requests: int, work: Work, project: Path, **settings: object) -> None:
    moment = len(work.sandbox.requests) + requests
    command = _command(project, *TO_DUCKDB)
    process = processes.start(command, work.environment(**settings), project)
    try:
        wait_until(lambda: len(work.sandbox.requests) >= moment)
    finally:
        processes.kill(process)


def shards(work: Work) -> Run:
    """Run one Meltano pipeline per shard into PostgreSQL, two at the same time."""
    with postgres.serve(free_port()) as server:
        warehouse = server.new_database()
        target = {
            "TARGET_POSTGRES_HOST": "127.0.0.1",
            "TARGET_POSTGRES_PORT": str(server.port),
            "TARGET_POSTGRES_PASSWORD": "any",
            "TARGET_POSTGRES_DATABASE": "warehouse",
        }

        def load(name: str, **settings: object) -> Run:
            plugins = ("tap-tiktok-following", "target-postgres")
            project, variables = make_project(work.folder / name), work.environment(**settings)
            return meltano(project, *plugins, variables=variables | target)

        # Two pipelines that create the same table at the same time fail.
        load("first", **ONE_REQUEST)
        warehouse.ask("TRUNCATE tiktok.research_following")
        work.sandbox.take_requests()
        started = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            numbers = range(1, SHARDS + 1)
            runs = list(pool.map(lambda n: load(f"shard-{n}", shard=f"{n}/{SHARDS}"), numbers))
        wall = time.monotonic() - started
        [[rows]] = warehouse.ask("SELECT count(*) FROM tiktok.research_following")
    _, cpu, memory, *_ = zip(*runs, strict=True)
    return work.check(Run(wall, sum(cpu), max(memory)), rows)


def make_project(folder: Path) -> Path:
    """Make a copy of this repository's Meltano project; what is installed is linked."""
    clone(folder)
    (folder / ".meltano").mkdir()
    for name in ("extractors", "loaders", "utilities"):
        (folder / ".meltano" / name).symlink_to(PLUGINS / name)
    return folder


def meltano(project: Path, *arguments: str, variables: dict[str, str]) -> Run:
    """Run `meltano run` in a project."""
    return run(_command(project, *arguments), project / f"{arguments[-1]}.txt", variables)


def _command(project: Path, *arguments: str) -> list[str]:
    return [str(TOOLS / "bin" / "meltano"), f"--cwd={project}", "run", "--force", *arguments]


def _count_rows(project: Path) -> int:
    # A scan that is lost when it is killed starts again, under another `scanned_at`.
    rows = "SELECT DISTINCT follower_username, username FROM tiktok.research_following"
    return query(project / DATABASE, f"SELECT count(*) FROM ({rows})")  # noqa: S608 - our own


def query(database: Path, statements: str) -> int:
    """Run statements in DuckDB, and return the number that the last one answers with."""
    with duckdb.connect(database) as connection:
        [[number]] = connection.execute(statements).fetchall()
    return int(number)
