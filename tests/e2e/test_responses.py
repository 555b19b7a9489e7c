"""Whatever ends `meltano run`, nothing is lost, and nothing is paid for twice."""

from __future__ import annotations

import os
import random
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from sandbox import Scenario
from tests.documents import runs
from tests.e2e.lists import make_world
from tests.e2e.processes import end, finish
from tests.e2e.project import RUN, Project
from tests.harness import settings, truth, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.documents import Section
    from tests.e2e.postgres import Postgres

    Process = subprocess.Popen[str]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="looks at other processes as Linux shows them"
)

TAP = "tap-tiktok-following"

LISTS = {f"user{number}": 900 for number in range(14)}
PAGES = 14 * 9
WORKERS = 4

SOON = 60
"""Seconds within which Meltano has started the tap."""

MOMENT = 28, 38
"""Requests of a run after which it dies, at random: a state is out then, after two seconds."""

A_PIPE = 60_000
"""Bytes that a process can write to a pipe that nobody reads, rounded down."""


@pytest.fixture
def project(sandbox: Sandbox, tmp_path: Path) -> Project:
    sandbox.world = make_world(LISTS)
    sandbox.scenario = Scenario(latency=0.4, boundary="skip")
    config = settings(sandbox, LISTS, "research", concurrency=WORKERS, rescan_after_hours=12)
    project = Project(tmp_path, config)
    project.reader.environment["TARGET_DUCKDB_BATCH_SIZE_ROWS"] = "300"
    return project


# How a run ends. Each of these is given the process of Meltano.


def terminate_meltano(process: Process, project: Project) -> None:  # noqa: ARG001
    """SIGTERM to Meltano alone, as a process manager sends it."""
    process.terminate()
    finish(process)


def terminate_all(process: Process, project: Project) -> None:  # noqa: ARG001
    """SIGTERM to Meltano, tap and target, as a container that is stopped gets it."""
    os.killpg(process.pid, signal.SIGTERM)
    finish(process)


def kill_all(process: Process, project: Project) -> None:
    """SIGKILL to all; Meltano then takes the run for one that still runs."""
    end(process)
    assert "is already running" in project.run(code=1)


def kill_while_recovering(process: Process, project: Project) -> None:
    """SIGKILL to all, after the first and before the last recovered row was written."""
    wait_until(lambda: bool(taps(project)), within=SOON)
    process.send_signal(signal.SIGSTOP)  # Meltano reads no more: its pipe fills
    [tap] = taps(project)
    wait_until(lambda: written_by(tap) > A_PIPE, within=SOON)
    end(process)


DEATHS: list[tuple[Callable[[Process, Project], None], bool]] = [
    (terminate_meltano, True),
    (kill_all, True),
    (kill_while_recovering, False),
    (terminate_all, True),
]
"""How a run ends, and whether after some requests of its own."""


@runs("docs/troubleshooting.md", "Other problems")
def test_any_death_and_any_state(section: Section, sandbox: Sandbox, project: Project) -> None:
    """One death after the other, each with another state; then a run ends well."""
    chance = random.Random(4)  # noqa: S311
    backups = Backups(project)
    for die, has_requests in DEATHS:
        backups.restore_any(chance)
        before = asked(sandbox).total()
        process = project.reader.start(*shlex.split(section[0].text))
        if has_requests:
            wait_for(sandbox, before + chance.randint(*MOMENT))
        die(process, project)
        assert process.returncode, die.__name__
        assert has_requests or asked(sandbox).total() == before
        backups.take()
    backups.restore_any(chance)
    sandbox.scenario = Scenario(boundary="skip")
    assert "recovered" in project.reader.follow(section)
    assert project.follows("research") == sorted(truth(sandbox, *LISTS))
    check_paid_once(sandbox, deaths=len(DEATHS))


def test_two_pipelines_with_one_file(
    sandbox: Sandbox, project: Project, postgres: Postgres
) -> None:
    """They run one after the other; what one of them has paid for, the other gets too."""
    database = postgres.new_database()
    set_url(project, postgres.url.replace("@/postgres?", f"@/{database}?"))
    to_postgres = (*RUN[:-2], "--force", TAP, "target-postgres")
    sandbox.scenario = Scenario(latency=1, boundary="skip")  # it lasts while Meltano starts
    first = project.reader.start(*to_postgres)
    wait_for(sandbox, 4)
    assert "is in use by another run" in project.run(code=1)
    before = asked(sandbox).total()
    wait_for(sandbox, before + 5)
    end(first)

    sandbox.scenario = Scenario(boundary="skip")
    everything = sorted(truth(sandbox, *LISTS))
    assert "recovered" in project.run()
    assert project.follows("research") == everything
    assert "recovered" in project.reader.type(*to_postgres)
    rows = postgres.rows("tiktok.research_following", database)
    assert sorted((row["follower_username"], row["username"]) for row in rows) == everything
    check_paid_once(sandbox, deaths=1)


def set_url(project: Project, url: str) -> None:
    """Let the project's target-postgres connect there."""
    path = project.folder / "meltano.yml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for loader in content["plugins"]["loaders"]:
        if loader["name"] == "target-postgres":
            loader["config"] = {"sqlalchemy_url": url}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


class Backups:
    """Copies of Meltano's database, in which the states are: one for each moment.

    Args:
        project: The project, which has not run yet.
    """

    def __init__(self, project: Project) -> None:
        self._live = project.folder / ".meltano" / "meltano.db"
        self._copies: list[tuple[set[int], bytes | None]] = [({0}, None)]
        self._began = 0

    def take(self) -> None:
        """Copy the database as the run that was restored for has left it."""
        with closing(sqlite3.connect(self._live)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        older, _ = self._copies[self._began]
        self._copies.append(({*older, len(self._copies)}, self._live.read_bytes()))

    def restore_any(self, chance: random.Random) -> None:
        """Restore the copy with which the last run began, or any that came out of it."""
        none_older = [
            number for number, (older, _) in enumerate(self._copies) if self._began in older
        ]
        self._began = chance.choice(none_older)
        _, copy = self._copies[self._began]
        self._live.unlink(missing_ok=True)
        if copy is not None:
            self._live.write_bytes(copy)


def taps(project: Project) -> list[int]:
    """The processes of the project's tap that read lists."""
    command = f"{project.folder}/.meltano/extractors/.*/{TAP} .*--catalog"
    found = subprocess.run(
        [shutil.which("pgrep") or "pgrep", "-f", command],
        check=False,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    return [int(line) for line in found.stdout.splitlines()]


def written_by(process: int) -> int:
    """How many bytes a process has written."""
    lines = Path(f"/proc/{process}/io").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))


def wait_for(sandbox: Sandbox, requests: int) -> None:
    wait_until(lambda: asked(sandbox).total() >= requests, within=SOON)


def asked(sandbox: Sandbox) -> Counter[tuple[str | None, int | None]]:
    """How often each page was asked for."""
    return Counter((r.username, r.cursor) for r in sandbox.requests if r.username)


def check_paid_once(sandbox: Sandbox, deaths: int) -> None:
    """Only what was in flight was paid for again."""
    assert len(asked(sandbox)) == PAGES
    assert asked(sandbox).total() <= PAGES + WORKERS * deaths
