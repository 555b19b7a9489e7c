"""Whatever ends `meltano run`, no follow is lost and no page is paid for twice."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sandbox import Fault, Scenario
from tests.e2e.lists import make_world
from tests.e2e.processes import WITHIN, end, finish, needs_shell
from tests.e2e.project import Project
from tests.harness import settings, truth, wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox

    Process = subprocess.Popen[str]

pytestmark = needs_shell

LISTS = {f"user{number}": 880 for number in range(14)}
PAGES = 14 * 9
WORKERS = 4

PAGES_OF_A_RUN = 18, 28
"""Pages that a run reads before it dies, at random."""


def terminate_meltano(process: Process) -> None:
    """Send SIGTERM to Meltano alone, as a process manager does."""
    process.terminate()
    finish(process)


def kill_all(process: Process) -> None:
    """Send SIGKILL to Meltano, tap and target."""
    end(process)


def terminate_all(process: Process) -> None:
    """Send SIGTERM to Meltano, tap and target, as when a container is stopped."""
    os.killpg(process.pid, signal.SIGTERM)
    finish(process)


DEATHS: list[Callable[[Process], None]] = [terminate_meltano, kill_all, terminate_all]


@pytest.fixture
def project(sandbox: Sandbox, tmp_path: Path) -> Project:
    sandbox.world = make_world(LISTS)
    config = settings(sandbox, LISTS, "research", concurrency=WORKERS, rescan_after_hours=12)
    project = Project(tmp_path, config)
    project.reader.environment["TARGET_DUCKDB_BATCH_SIZE_ROWS"] = "300"
    return project


def test_any_death_with_any_state(sandbox: Sandbox, project: Project) -> None:
    """Run four times with states that came out of earlier runs; the first three runs die."""
    chance = random.Random(4)  # noqa: S311
    backups = Backups(project)
    for die in DEATHS:
        backups.restore_any(chance)
        silence = Fault("silent", after=chance.randint(*PAGES_OF_A_RUN))
        sandbox.scenario = Scenario(boundary="skip", faults=[silence])
        process = project.start()
        wait_until(lambda fault=silence: fault.used == WORKERS, within=WITHIN)  # type: ignore[misc]
        die(process)
        assert process.returncode, die.__name__
        backups.take()
    backups.restore_any(chance)
    sandbox.scenario = Scenario(boundary="skip")
    project.run()

    assert project.follows("research") == sorted(truth(sandbox, *LISTS))
    requests = Counter((r.username, r.cursor) for r in sandbox.requests if r.username)
    assert len(requests) == PAGES
    assert requests.total() == PAGES + WORKERS * len(DEATHS)  # those without a response


class Backups:
    """Copies of Meltano's database with the states, one for each run.

    Args:
        project: The project, before its first run.
    """

    def __init__(self, project: Project) -> None:
        self._live = project.folder / ".meltano" / "meltano.db"
        self._copies: list[tuple[set[int], bytes | None]] = [({0}, None)]
        self._began = 0

    def take(self) -> None:
        """Copy the database after a run."""
        with closing(sqlite3.connect(self._live)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        older, _ = self._copies[self._began]
        self._copies.append(({*older, len(self._copies)}, self._live.read_bytes()))

    def restore_any(self, chance: random.Random) -> None:
        """Restore the copy with which the last run began, or one that came out of it."""
        none_older = [
            number for number, (older, _) in enumerate(self._copies) if self._began in older
        ]
        self._began = chance.choice(none_older)
        _, copy = self._copies[self._began]
        self._live.unlink(missing_ok=True)
        if copy is not None:
            self._live.write_bytes(copy)
