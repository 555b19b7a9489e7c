"""Waves of examples/snowball.py against the sandbox, each within a budget."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from sandbox import Follow, World
from tests import harness
from tests.dbt.project import PACKAGE, PROGRAMS, QUIET, Database, Project, gather
from tests.documents import ROOT
from tests.harness import NOW, PROVIDERS

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.dbt.project import Driver, Tables

SEEDS = [f"seed{number}" for number in range(4)]
FRIENDS = [f"friend{number}" for number in range(3)]
BUDGET = 7


def make_world() -> World:
    """Seeds who follow two friends, and friends who follow two seeds.

    Each also follows two accounts that nobody else follows. A list takes two requests.
    """
    follows = {seed: [FRIENDS[n % 3], FRIENDS[(n + 1) % 3]] for n, seed in enumerate(SEEDS)}
    follows |= dict.fromkeys(FRIENDS, SEEDS[:2])
    return World.of(
        {
            name: [
                Follow(followed, NOW - 100 * place)
                for place, followed in enumerate([*made, f"only.{name}", f"one.{name}"], 1)
            ]
            for name, made in follows.items()
        },
        private={"friend2"},
    )


def write_next(file: Path, database: Database) -> tuple[int, str]:
    """Run the script, and return its exit code and what it printed."""
    script = [sys.executable, str(ROOT / "examples" / "snowball.py"), str(file)]
    options = ["--size=5", "--followed-by=2", f"--dbt={PROGRAMS / 'dbt'}"]
    variables = {
        **database.variables,
        "DBT_PROJECT_DIR": str(PACKAGE),
        "DBT_PROFILES_DIR": str(PACKAGE),
        "DBT_TARGET": database.kind,
        "DBT_TARGET_PATH": str(file.parent / "target"),
        "DBT_LOG_PATH": str(file.parent / "logs"),
        **QUIET,
    }
    environment = harness.environment(**variables)
    done = subprocess.run(
        [*script, *options],
        env=environment,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout


def test_waves_read_everyone_once(sandbox: Sandbox, tmp_path: Path, driver: Driver) -> None:
    """Within the budget of each wave, which ends the first in the middle of a list."""
    sandbox.world = make_world()
    file, database = tmp_path / "usernames.txt", Database.duckdb(tmp_path / "waves.duckdb")
    lines = ["# the first wave", "@Seed0", "https://www.tiktok.com/@seed1?lang=en", *SEEDS[2:]]
    file.write_text("\n".join(lines), encoding="utf-8")
    config = harness.settings(sandbox, [], usernames_path=str(file), page_size=3)
    config |= {f"{provider}_max_requests": BUDGET for provider in PROVIDERS}
    config |= {"rescan_after_hours": 8760, "retry_unavailable_after_days": 365}
    config["concurrency"] = 1  # a budget ends both providers at the same list
    tables: Tables = {}
    state: dict[str, Any] = {}
    first = (0, f"{file}: 1 usernames not read yet and 3 new ones\n")
    for outcome in (first, (1, "Nobody is left to read.\n")):
        ended = harness.run(config, state)
        assert ended.exit_code == 0
        state = ended.state
        project = Project(driver, database, tmp_path)
        project.load(gather(ended.messages, tables))
        project.run()
        assert write_next(file, database) == outcome
        sandbox.clock.advance(3600)
    requests = dict.fromkeys([*SEEDS, *FRIENDS], 2) | {"friend2": 1}
    for provider in PROVIDERS:
        asked = [(r.username, r.cursor) for r in sandbox.requests if r.provider == provider]
        assert len(set(asked)) == len(asked)
        assert Counter(name for name, _ in asked) == requests
