"""Waves of examples/snowball.py against the sandbox, each within a budget."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Clock, Follow, Sandbox, World
from tests import harness
from tests.dbt.project import PACKAGE, PROGRAMS, QUIET, Database, Project, gather
from tests.documents import ROOT
from tests.harness import NOW, PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.dbt.project import Driver, Tables
    from tests.e2e.postgres import Postgres

SEEDS = [f"seed{number}" for number in range(4)]
FRIENDS = [f"friend{number}" for number in range(3)]
OTHERS = ["other0", "other1"]
BUDGET = 6


def world() -> World:
    """Seeds who follow friends, who follow others, who follow seeds.

    A list takes two requests. Friends and others have two followers or more, `only` has one.
    """
    follows = {
        **{seed: [FRIENDS[n % 3], FRIENDS[(n + 1) % 3]] for n, seed in enumerate(SEEDS)},
        **dict.fromkeys(FRIENDS, OTHERS),
        **dict.fromkeys(OTHERS, SEEDS[:2]),
    }
    ordered = {name: [*made, f"only.{name}", f"one.{name}"] for name, made in follows.items()}
    return World.of(
        {
            name: [Follow(followed, NOW - 100 * n) for n, followed in enumerate(made, 1)]
            for name, made in ordered.items()
        },
        private={"friend2"},
    )


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(world(), clock=Clock(NOW)) as sandbox:
        yield sandbox


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "usernames.txt"
    lines = ["# the first wave", "@Seed0", "https://www.tiktok.com/@seed1?lang=en", *SEEDS[2:]]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


class Sample:
    """A sample that is taken wave by wave."""

    def __init__(self, sandbox: Sandbox, file: Path) -> None:
        self.sandbox = sandbox
        self.file = file
        self.folder = file.parent
        self.state: dict[str, Any] = {}
        self.tables: Tables = {}

    def read(self) -> None:
        """Run the tap once, as the documentation says."""
        config = harness.settings(self.sandbox, [], usernames_path=str(self.file), page_size=3)
        config |= {f"{provider}_max_requests": BUDGET for provider in PROVIDERS}
        config |= {"rescan_after_hours": 8760, "retry_unavailable_after_days": 365}
        config["concurrency"] = 1  # a budget ends both providers at the same list
        run = harness.run(config, self.state)
        assert run.exit_code == 0
        self.state = run.state
        gather(run.messages, self.tables)
        self.sandbox.clock.advance(3600)

    def build(self, database: Database, driver: Driver) -> None:
        """Load what was read so far, and build the models."""
        project = Project(driver, database, self.folder)
        project.load(self.tables)
        project.run()

    def write_next(self, database: Database) -> int:
        """Run the script; its exit code."""
        example = ROOT / "examples" / "snowball.py"
        script = [sys.executable, str(example), str(self.file)]
        options = ["--size=5", "--followed-by=2", f"--dbt={PROGRAMS / 'dbt'}"]
        variables = {
            **database.variables,
            "DBT_PROJECT_DIR": str(PACKAGE),
            "DBT_PROFILES_DIR": str(PACKAGE),
            "DBT_TARGET": database.kind,
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            **QUIET,
        }
        environment = harness.environment(**variables)
        return subprocess.run([*script, *options], env=environment, check=False).returncode


def test_waves_read_everyone_once(
    sandbox: Sandbox, file: Path, postgres: Postgres, driver: Driver
) -> None:
    """Within the budget of each, however often it ends in the middle of a list."""
    sample = Sample(sandbox, file)
    database = Database.postgres(postgres, postgres.new_database())
    codes = [0]
    while codes[-1] == 0:
        before = Counter(str(request.provider) for request in sandbox.requests)
        sample.read()
        spent = Counter(str(request.provider) for request in sandbox.requests) - before
        assert all(0 < spent[provider] <= BUDGET for provider in PROVIDERS)
        sample.build(database, driver)
        codes.append(sample.write_next(database))
    assert codes[-1] == 1
    assert len(codes) > 3
    requests = dict.fromkeys([*SEEDS, *FRIENDS, *OTHERS], 2) | {"friend2": 1}
    for provider in PROVIDERS:
        asked = [(r.username, r.cursor) for r in sandbox.requests if r.provider == provider]
        assert len(set(asked)) == len(asked)
        assert Counter(name for name, _ in asked) == requests
