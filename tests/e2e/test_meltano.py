"""`meltano run` from the sandbox into DuckDB, with the settings of meltano.yml."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

from sandbox import Fault, Sandbox, Scenario, World
from tests.e2e.processes import finish
from tests.e2e.project import make_project
from tests.harness import follows_of, settings, truth, wait_until
from tests.warehouse import ELSEWHERE, Warehouse, pairs

RUN = ("meltano", "run", "--force", "tap-tiktok-following", "target-duckdb")
LISTS = {f"user{number}": 880 for number in range(14)}
PAGES = 14 * 9
WORKERS = 4
QUOTA = 20

DEATHS = [
    (24, os.kill, signal.SIGTERM),  # of Meltano alone, as by a process manager
    (20, os.killpg, signal.SIGKILL),
    (28, os.killpg, signal.SIGTERM),  # of tap and target too, as when a container is stopped
]
"""After how many requests which processes get which signal."""


def test_no_quota_and_no_death_loses_a_follow_or_pays_for_a_page_twice(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The quota ends the first run, and the target has loaded what was paid for.

    The next three die, and the target has loaded a part of what they sent.
    """
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LISTS.items()})
    config = settings(sandbox, LISTS, "research", concurrency=WORKERS, rescan_after_hours=12)
    reader = make_project(tmp_path / "project", config)
    warehouse = Warehouse(str(reader.folder / "output" / "prod.duckdb"))
    reader.environment |= {"TARGET_DUCKDB_BATCH_SIZE_ROWS": "300", "TZ": ELSEWHERE}
    sandbox.scenario = Scenario(boundary="skip", quota=QUOTA)
    reader.type(*RUN, code=1)
    paid = [request.accounts for request in sandbox.requests if request.status == 200]
    loaded = warehouse.rows("tiktok.research_following")
    assert (sum(map(bool, paid)), sum(paid)) == (QUOTA, len(loaded))

    for after, send, signum in DEATHS:
        silence = Fault("silent", after=after)
        sandbox.scenario = Scenario(boundary="skip", faults=[silence])
        process = reader.start(*RUN)
        wait_until(lambda fault=silence: fault.used == WORKERS)  # type: ignore[misc]
        send(process.pid, signum)
        finish(process)
        assert process.returncode, signum
    sandbox.scenario = Scenario(boundary="skip")
    reader.type(*RUN)

    follows = warehouse.rows("tiktok.research_following")
    assert pairs(follows) == sorted(truth(sandbox, *LISTS))
    requests = Counter(
        (r.username, r.cursor) for r in sandbox.requests if r.username and r.status == 200
    )
    assert len(requests) == PAGES
    assert requests.total() == PAGES + WORKERS * 3  # those without a response
