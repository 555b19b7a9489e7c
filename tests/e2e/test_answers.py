"""`meltano run` killed again and again: nothing is lost, and nothing is paid for twice."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sandbox import Scenario
from tests.e2e.lists import make_world
from tests.e2e.processes import WITHIN, end, finish
from tests.e2e.project import Project
from tests.harness import settings, truth, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

LISTS = {f"user{number}": 900 for number in range(12)}
PAGES = 12 * 9
WORKERS = 4

RUN = ("meltano", "run", "--force", "tap-tiktok-following", "target-duckdb")
"""Meltano takes a run that was killed for one that still runs, for some minutes."""


@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX's")
def test_killed_with_its_target_at_any_moment(sandbox: Sandbox, tmp_path: Path) -> None:
    """Meltano, tap and target die together, twice; then a run comes to its end."""
    chance = random.Random(0)  # noqa: S311
    sandbox.world = make_world(LISTS)
    sandbox.scenario = Scenario(latency=0.1, boundary="skip")
    config = settings(sandbox, LISTS, "research", concurrency=WORKERS, revisit_after_hours=12)
    project = Project(tmp_path, config)
    kills = 2
    for number in range(kills):
        moment = asked(sandbox).total() + chance.randint(5, 25)
        process = project.reader.start(*RUN)
        wait_for(sandbox, moment)
        end(process)
        assert process.returncode == -signal.SIGKILL, number
    sandbox.scenario = Scenario(boundary="skip")
    process = project.reader.start(*RUN)
    printed, _ = finish(process)
    assert process.returncode == 0, printed
    assert "recovered" in printed
    assert project.follows("research") == sorted(truth(sandbox, *LISTS))
    assert len(asked(sandbox)) == PAGES
    assert asked(sandbox).total() <= PAGES + WORKERS * kills


def wait_for(sandbox: Sandbox, requests: int) -> None:
    wait_until(lambda: asked(sandbox).total() >= requests, within=WITHIN)


def asked(sandbox: Sandbox) -> Counter[tuple[str | None, int | None]]:
    """How often each page was asked for."""
    return Counter((r.username, r.cursor) for r in sandbox.requests if r.username)
