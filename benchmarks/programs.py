"""The programs that are measured: the tap, its pipelines, and peers doing the same work."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.measure import ROOT, Failed, Run, run
from tests.e2e import postgres

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sandbox import Sandbox

MELTANO = ROOT / ".tools" / "bin" / "meltano"
PLUGINS = ROOT / ".meltano"
TAP = PLUGINS / "extractors" / "tap-tiktok-following" / "venv"
REPORT = PLUGINS / "utilities" / "report" / "venv"
PEERS = ROOT / "benchmarks" / ".venv"

TO_DUCKDB = ("tap-tiktok-following", "target-duckdb")
DATABASE = "output/prod.duckdb"
"""What `meltano run` runs, and the file in the project that it loads into."""

PREFIX = "TAP_TIKTOK_FOLLOWING_"
CREDENTIALS = ("research_api_url", "research_client_key", "research_client_secret")

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

    def variables(self, **settings: object) -> dict[str, str]:
        """Return environment variables for the tap, with further settings of it."""
        settings = {
            "usernames_path": self.usernames,
            "concurrency": WORKERS,
            "research_requests_per_second": 1000,
            **settings,
        }
        variables = {f"{PREFIX}{name.upper()}": str(value) for name, value in settings.items()}
        only_research = {**self.sandbox.env, f"{PREFIX}RAPIDAPI_KEY": ""}
        return {**only_research, **variables, "NO_PROXY": "127.0.0.1"}

    def count_requests(self) -> int:
        """Count the requests for pages since the last call."""
        return sum(request.provider == "research" for request in self.sandbox.take_requests())

    def check(self, done: Run, rows: int) -> Run:
        """Return a run with its requests and rows.

        Raises:
            Failed: If there are more or fewer rows than accounts on the lists.
        """
        if rows != sum(self.lengths):
            message = f"{rows:,} rows, but {sum(self.lengths):,} accounts are listed"
            raise Failed(message)
        return done._replace(requests=self.count_requests(), rows=rows)


def tap(work: Work) -> Run:
    """Run the tap without a target."""
    return _run_tap(work, [TAP / "bin" / "tap-tiktok-following", "--config=ENV"])


def plain_tap(work: Work) -> Run:
    """Run a plain SDK tap without a target."""
    config = {key: work.sandbox.config[key] for key in CREDENTIALS}
    path = work.folder / "plain.json"
    path.write_text(json.dumps({**config, "usernames": work.sandbox.world.usernames}))
    arguments = ["-m", "benchmarks.peers.plain_tap", f"--config={path}"]
    return _run_tap(work, [TAP / "bin" / "python", *arguments])


def _run_tap(work: Work, command: Sequence[str | Path]) -> Run:
    output = work.folder / "tap.jsonl"
    done = run(command, output, work.variables())
    with output.open("rb") as lines:
        records = sum(b'following","record":' in line[:60] for line in lines)
    return work.check(done, records)


def dlt(work: Work) -> Run:
    """Run dlt's REST client into DuckDB."""
    database = work.folder / "dlt.duckdb"
    arguments = [work.sandbox.config[key] for key in CREDENTIALS]
    arguments += [str(work.usernames), str(database)]
    variables = {
        "NO_PROXY": "127.0.0.1",
        "DLT_DATA_DIR": str(work.folder),
        "EXTRACT__WORKERS": str(WORKERS),
        "EXTRACT__MAX_PARALLEL_ITEMS": str(WORKERS),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    command = [str(PEERS / "bin" / "python"), "-m", "benchmarks.peers.dlt_pipeline"]
    done = run([*command, *arguments], work.folder / "dlt.txt", variables)
    return work.check(done, sql(database, "SELECT count(*) FROM tiktok.following"))


def pipeline(work: Work) -> Run:
    """Run this repository's Meltano project into DuckDB."""
    project = make_project(work.folder / "pipeline")
    done = meltano(project, *TO_DUCKDB, variables=work.variables())
    return work.check(done, _count_rows(project))


def kill(work: Work, **settings: object) -> Run:
    """Kill the same pipeline after random numbers of requests, then run it to its end."""
    project = make_project(work.folder / f"kill-{len(settings)}")
    chance = random.Random(0)  # noqa: S311 - the same moments in each run
    pages = sum(work.lengths) // 100
    variables = work.variables(**settings)
    for _ in range(KILLS):
        # Even if nothing is requested twice, the last kill comes before the end.
        moment = len(work.sandbox.requests) + chance.randint(1, pages // KILLS)
        with (project / "killed.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command
                _command(project, *TO_DUCKDB),
                stdout=log,
                stderr=log,
                env={**os.environ, **variables},
                start_new_session=True,
            )
        while len(work.sandbox.requests) < moment:
            time.sleep(0.02)
            if process.poll() is not None:
                message = f"Meltano ended with {process.returncode} before it was killed"
                raise Failed(message)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    meltano(project, *TO_DUCKDB, variables=variables)
    return work.check(Run(), _count_rows(project))


def shards(work: Work) -> Run:
    """Run one Meltano pipeline per shard into PostgreSQL, two at the same time."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "TARGET_POSTGRES_HOST": "127.0.0.1",
        "TARGET_POSTGRES_PORT": str(port),
        "TARGET_POSTGRES_PASSWORD": "any",
    }

    def load(folder: str, **settings: object) -> Run:
        project, variables = make_project(work.folder / folder), work.variables(**settings)
        plugins = ("tap-tiktok-following", "target-postgres")
        return meltano(project, *plugins, variables=variables | environment)

    with postgres.serve(port) as server:
        if server is None:
            message = "there is no PostgreSQL server to load into"
            raise Failed(message)
        environment["TARGET_POSTGRES_DATABASE"] = server.new_database()
        # Two pipelines that create the same table at the same time fail.
        load("first", **ONE_REQUEST)
        server.execute("TRUNCATE tiktok.research_following")
        work.count_requests()
        started = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            numbers = range(1, SHARDS + 1)
            runs = list(pool.map(lambda n: load(f"shard-{n}", shard=f"{n}/{SHARDS}"), numbers))
        wall = time.monotonic() - started
        rows = int(server.execute("SELECT count(*) FROM tiktok.research_following"))
    _, cpu, memory, *_ = zip(*runs, strict=True)
    return work.check(Run(wall, sum(cpu), max(memory)), rows)


def make_project(folder: Path) -> Path:
    """Make a copy of this repository's Meltano project; what is installed is linked."""
    (folder / ".meltano").mkdir(parents=True)
    (folder / "output").mkdir()
    shutil.copy(ROOT / "meltano.yml", folder)
    for name in ("extractors", "loaders", "utilities"):
        (folder / ".meltano" / name).symlink_to(PLUGINS / name)
    for name in ("dbt", "examples", "requirements-dbt.txt"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def meltano(project: Path, *arguments: str, variables: dict[str, str]) -> Run:
    """Run `meltano run` in a project."""
    return run(_command(project, *arguments), project / f"{arguments[-1]}.txt", variables)


def _command(project: Path, *arguments: str) -> list[str | Path]:
    return [MELTANO, f"--cwd={project}", "run", "--force", *arguments]


def _count_rows(project: Path) -> int:
    # A scan that is lost when it is killed starts again, under another `scanned_at`.
    rows = "SELECT DISTINCT follower_username, username FROM tiktok.research_following"
    return sql(project / DATABASE, f"SELECT count(*) FROM ({rows})")  # noqa: S608 - our own


def sql(database: Path, statements: str) -> int:
    """Run statements in DuckDB, and return the number that the last one answers with."""
    code = """if True:
        import duckdb, sys
        connection = duckdb.connect(sys.argv[1])
        connection.execute("SET enable_progress_bar = false")
        print(connection.execute(sys.argv[2]).fetchone()[0])
    """
    command = [str(REPORT / "bin" / "python"), "-c", code, str(database), statements]
    return int(subprocess.check_output(command))  # noqa: S603 - our own command
