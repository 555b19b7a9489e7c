"""`meltano run` from the sandbox into DuckDB, with the settings of meltano.yml."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

from sandbox import Fault, Scenario, World
from tests.e2e.lists import LENGTHS, NEWS, expected, fill, in_order, make_news, without_times
from tests.e2e.processes import finish, kill
from tests.e2e.project import Project
from tests.e2e.warehouses import ELSEWHERE
from tests.harness import PROVIDERS, follows_of, settings, truth, wait_until

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from sandbox import LoggedRequest, Sandbox

    Process = subprocess.Popen[str]


def test_quota_and_a_day_between_runs_add_up_to_every_row(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The quota ends the first run, the second one reads the rest, and the third the news."""
    fill(sandbox)
    sandbox.scenario.quota = 5
    project = Project(tmp_path, settings(sandbox, LENGTHS, rescan_after_hours=12))
    project.reader.environment["TZ"] = ELSEWHERE

    project.run(code=1)
    for provider in PROVIDERS:
        rows = project.warehouse.rows(f"{provider}_following")
        paid = [r.accounts for r in accepted(sandbox) if r.provider == provider]
        assert (len(paid), sum(paid)) == (5, len(rows))
    sandbox.scenario.quota = None
    project.run()
    check_follows(sandbox, project)
    assert max(requests_by_page(sandbox).values()) == 1

    make_news(sandbox)
    project.reader.environment["TAP_TIKTOK_FOLLOWING_RESCAN_AFTER_HOURS"] = "0"
    project.run()
    check_follows(sandbox, project)
    for provider in PROVIDERS:
        scans = project.warehouse.rows(f"{provider}_scans")
        rows = [row for row in scans if row["outcome"] != "interrupted"]
        assert Counter(row["follower_username"] for row in rows) == dict.fromkeys(LENGTHS, 2)
        second = {
            row["follower_username"]: row["accounts_sent"]
            for row in rows
            if row["previous_scanned_at"]
        }
        assert second == dict.fromkeys(LENGTHS, 0) | NEWS


def check_follows(sandbox: Sandbox, project: Project) -> None:
    """The tables have every follow that can be read now, and nothing else."""
    for provider in PROVIDERS:
        rows = project.warehouse.rows(f"{provider}_following")
        true = in_order(map(project.warehouse.keep, expected(sandbox, provider)))
        assert without_times(rows) == true


def accepted(sandbox: Sandbox) -> list[LoggedRequest]:
    return [r for r in sandbox.requests if r.username and r.status == 200]


def requests_by_page(sandbox: Sandbox) -> Counter[tuple[Any, ...]]:
    """Count the requests for each page; an empty one is requested twice."""
    return Counter((r.provider, r.username, r.cursor) for r in accepted(sandbox) if r.accounts)


LISTS = {f"user{number}": 880 for number in range(14)}
PAGES = 14 * 9
WORKERS = 4


def terminate_meltano(process: Process) -> None:
    """Send SIGTERM to Meltano alone, as a process manager does."""
    process.terminate()
    finish(process)


def terminate_all(process: Process) -> None:
    """Send SIGTERM to Meltano, tap and target, as when a container is stopped."""
    os.killpg(process.pid, signal.SIGTERM)
    finish(process)


def test_no_death_loses_a_follow_or_pays_for_a_page_twice(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The first three runs die, and the target has loaded a part of what they sent."""
    sandbox.world = World.of({name: follows_of(name, n) for name, n in LISTS.items()})
    config = settings(sandbox, LISTS, "research", concurrency=WORKERS, rescan_after_hours=12)
    project = Project(tmp_path, config)
    project.reader.environment["TARGET_DUCKDB_BATCH_SIZE_ROWS"] = "300"
    for after, die in ((24, terminate_meltano), (20, kill), (28, terminate_all)):
        silence = Fault("silent", after=after)
        sandbox.scenario = Scenario(boundary="skip", faults=[silence])
        process = project.start()
        wait_until(lambda fault=silence: fault.used == WORKERS)  # type: ignore[misc]
        die(process)
        assert process.returncode, die.__name__
    sandbox.scenario = Scenario(boundary="skip")
    project.run()

    follows = project.warehouse.rows("research_following")
    pairs = [(row["follower_username"], row["username"]) for row in follows]
    assert sorted(pairs) == sorted(truth(sandbox, *LISTS))
    requests = Counter((r.username, r.cursor) for r in sandbox.requests if r.username)
    assert len(requests) == PAGES
    assert requests.total() == PAGES + WORKERS * 3  # those without a response
