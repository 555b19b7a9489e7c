"""What is paid for twice where Meltano, tap and target die together, again and again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contestants import ENVIRONMENT
from benchmarks.measure import Row
from benchmarks.pipelines import Project
from benchmarks.process import Failed
from benchmarks.server import Server
from tests.e2e import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from benchmarks.measure import Bench

    Target = tuple[str, Mapping[str, Any]]

KILLS = 20

PAGES = 50
"""Pages of each list, of 100 accounts."""

LISTS = 80

LATENCY = 0.1
"""Seconds that a page takes."""

WITHIN = 600
"""Seconds for one run."""


@dataclass(frozen=True)
class Deaths:
    """What a load cost that was killed on its way.

    Attributes:
        kills: How often.
        requests: The requests for pages of all runs.
        pages: Those of a load that nobody kills.
    """

    kills: int
    requests: int
    pages: int

    @property
    def twice(self) -> int:
        """The requests that were paid for twice."""
        return self.requests - self.pages


def paid_twice(bench: Bench) -> Iterator[Row]:
    """20 kills of a first read, into DuckDB and PostgreSQL, without the file and with it."""
    kills, lists = max(2, KILLS // bench.scale), LISTS // bench.scale
    duckdb = {
        "path": str(bench.folder / "{}.duckdb"),
        "default_target_schema": "tiktok",
        "batch_size_rows": 10_000,
    }
    with postgres.serve() as server:
        if server is None:
            message = "there is no PostgreSQL here"
            raise Failed(message)
        loaders: list[Target] = [
            ("target-duckdb", duckdb),
            ("target-postgres", {"sqlalchemy_url": server.url, "default_target_schema": "{}"}),
        ]
        for target, settings in loaders:
            for name, more in (
                ("without", {}),
                ("with", {"responses_path": "file.responses"}),
            ):
                folder = bench.folder / f"{target}-{name}"
                filled = {
                    key: value.format(name) if isinstance(value, str) else value
                    for key, value in settings.items()
                }
                deaths = _load(folder, (target, filled), lists, kills, more)
                what = f"{deaths.pages:,} requests, {kills} kills, {target}, {name} the file"
                yield Row(f"{what}: paid for twice", "", f"{deaths.twice:,}")


def _load(
    folder: Path, target: Target, lists: int, kills: int, more: Mapping[str, Any]
) -> Deaths:
    """Kill a load again and again, then let it come to its end."""
    chance = random.Random(0)  # noqa: S311 - the same moments in each load
    pages = lists * PAGES
    # Even where nothing is paid for twice, the last kill comes before the end of the load.
    latest = pages // kills
    with Server([100 * PAGES] * lists, LATENCY) as server:
        project = Project(folder, server, target, rescan_after_hours=12, **more)
        command = project.command("tap-tiktok-following", "--force")
        requests = 0
        for _ in range(kills):
            requests += _killed(command, folder, server, chance.randint(1, latest))
        process = _start(command, folder)
        if process.wait(WITHIN):
            message = f"{folder.name} ended with {process.returncode}, see its log"
            raise Failed(message)
        requests += _asked(server)
    return Deaths(kills, requests, pages)


def _start(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, **ENVIRONMENT},
            start_new_session=True,
        )


def _killed(command: list[str], folder: Path, server: Server, moment: int) -> int:
    """Run, and kill the process group after a number of requests; return how many came."""
    process, requests = _start(command, folder), 0
    deadline = time.monotonic() + WITHIN
    while requests < moment and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
        requests += _asked(server)
    if process.poll() is not None:
        message = f"{folder.name} ended before it was killed, see its log"
        raise Failed(message)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(2 * LATENCY)
    return requests + _asked(server)


def _asked(server: Server) -> int:
    return sum(request.provider == "research" for request in server.take_log())
