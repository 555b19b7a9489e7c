"""`meltano run` from the sandbox into DuckDB, with the settings of meltano.yml."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

from sandbox import Fault, Sandbox, Scenario, World
from tests.e2e.processes import finish, kill
from tests.e2e.project import Project
from tests.harness import follows_of, settings, truth, wait_until
from tests.warehouse import ELSEWHERE, pairs

Process = subprocess.Popen[str]


LISTS = {f"user{number}": 880 for number in range(14)}
PAGES = 14 * 9
WORKERS = 4
QUOTA = 20


def terminate_meltano(process: Process) -> None:
    """Send SIGTERM to Meltano alone, as a process manager does."""
    process.terminate()
    finish(process)


def terminate_all(process: Process) -> None:
    """Send SIGTERM to Meltano, tap and target, as when a container is stopped."""
    os.killpg(process.pid, signal.SIGTERM)
    finish(process)


def test_no_quota_and_no_death_loses_a_follow_or_pays_for_a_page_twice(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The quota ends the first run, and the target has loaded what was paid for.

    The next three die, and the target has loaded a part of what they sent.
    """
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LISTS.items()})
    config = settings(sandbox, LISTS, "research", concurrency=WORKERS, rescan_after_hours=12)
    project = Project(tmp_path, config)
    project.reader.environment |= {"TARGET_DUCKDB_BATCH_SIZE_ROWS": "300", "TZ": ELSEWHERE}
    sandbox.scenario = Scenario(boundary="skip", quota=QUOTA)
    project.run(code=1)
    paid = [request.accounts for request in sandbox.requests if request.status == 200]
    loaded = project.warehouse.rows("tiktok.research_following")
    assert (sum(map(bool, paid)), sum(paid)) == (QUOTA, len(loaded))

    for after, die in ((24, terminate_meltano), (20, kill), (28, terminate_all)):
        silence = Fault("silent", after=after)
        sandbox.scenario = Scenario(boundary="skip", faults=[silence])
        process = project.start()
        wait_until(lambda fault=silence: fault.used == WORKERS)  # type: ignore[misc]
        die(process)
        assert process.returncode, die.__name__
    sandbox.scenario = Scenario(boundary="skip")
    project.run()

    follows = project.warehouse.rows("tiktok.research_following")
    assert pairs(follows) == sorted(truth(sandbox, *LISTS))
    requests = Counter(
        (r.username, r.cursor) for r in sandbox.requests if r.username and r.status == 200
    )
    assert len(requests) == PAGES
    assert requests.total() == PAGES + WORKERS * 3  # those without a response
